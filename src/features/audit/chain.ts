import { createHmac } from "node:crypto";
import { deriveKey, keyMark } from "../../identity/key.js";
import type { TenantId } from "../../ids.js";

/** What a seal is over, beside the seal before it. */
export interface Sealed {
  readonly number: number;
  /** In milliseconds. */
  readonly sealedAt: number;
  /** A digest of its events and their digests, in hexadecimal. */
  readonly list: string;
}

/** The key that seals one tenant's audit: a seal of another tenant, or of another installation, is none of its own. */
export class SealKey {
  /** Tells which installation key it comes from. */
  readonly mark: string;
  readonly #key: Buffer;

  constructor(key: Buffer, tenant: TenantId) {
    this.mark = keyMark(key);
    this.#key = deriveKey(key, `tenantry audit seal v1 ${tenant}`);
  }

  /** @param previous the seal before, in hexadecimal; null for the first */
  seal({ number, sealedAt, list }: Sealed, previous: string | null): string {
    return this.#sign(["seal", number, sealedAt, this.mark, list, previous]);
  }

  /** Signs that whatever was sealed up to this seal, with this mac, was removed because its time was over. */
  checkpoint({ number, sealedAt }: Omit<Sealed, "list">, mac: string): string {
    return this.#sign(["checkpoint", number, sealedAt, this.mark, mac]);
  }

  #sign(content: readonly (string | number | null)[]): string {
    return createHmac("sha256", this.#key).update(JSON.stringify(content)).digest("hex");
  }
}

/**
 * The digest of an event `e`, over every column of it. PostgreSQL makes it, from the text of a value that is the same on
 * every server and in every home. An event of which no origin is known has the digest that it had before origins were kept.
 */
export const EVENT_DIGEST = `sha256(convert_to((jsonb_build_array(e.tenant_id, e.id,
  (extract(epoch from e.at) * 1000)::bigint, e.action, e.actor_type, e.actor_id, e.organization_id, e.path, e.target_type,
  e.target_id, e.changes, encode(e.commitment, 'hex'), e.request_id) ||
  case when e.origin is null then '[]' else jsonb_build_array(encode(e.origin, 'hex')) end)::text, 'UTF8'))`;

/** The digest of a list of events, `id` and `digest` in the order of `n`. */
export const LIST_DIGEST = "encode(sha256(coalesce(string_agg(uuid_send(id) || digest, '' order by n), '')), 'hex')";
