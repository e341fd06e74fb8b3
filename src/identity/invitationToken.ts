import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { format, type TenantId } from "../ids.js";

/** The purpose for which the key of invitations is derived from the installation's. */
export const INVITATIONS_KEY = "tenantry invitation v1";

const ID_BYTES = 16;
const SECRET_BYTES = 32;
// 96 bits, only to know at once what was never made here.
const MAC_BYTES = 12;

/** What the link of an invitation holds, taken apart. */
export interface ReadToken {
  readonly tenantId: TenantId;
  /** What the home keeps in place of the token. */
  readonly hash: Buffer;
}

/**
 * The secrets that people are invited by: the tenant, 256 random bits, and a mac, by which a token that was not made here is
 * refused before anybody is asked about it. What is stored is a hash, which nobody can accept anything with.
 */
export class InvitationTokens {
  /** @param key derived for this purpose, 32 bytes */
  constructor(private readonly key: Buffer) {}

  make(tenantId: TenantId): { readonly token: string; readonly hash: Buffer } {
    const body = Buffer.concat([Buffer.from(tenantId.replaceAll("-", ""), "hex"), randomBytes(SECRET_BYTES)]);
    return { token: Buffer.concat([body, this.#mac(body)]).toString("base64url"), hash: hashOf(body) };
  }

  /** Null for whatever was not made here. */
  read(token: string): ReadToken | null {
    const bytes = Buffer.from(token.slice(0, 200), "base64url");
    const isWhole = bytes.length === ID_BYTES + SECRET_BYTES + MAC_BYTES && bytes.toString("base64url") === token;
    if (!isWhole) return null;
    const body = bytes.subarray(0, ID_BYTES + SECRET_BYTES);
    if (!timingSafeEqual(bytes.subarray(body.length), this.#mac(body))) return null;
    return { tenantId: format(body.subarray(0, ID_BYTES)) as TenantId, hash: hashOf(body) };
  }

  #mac(body: Buffer): Buffer {
    return createHmac("sha256", this.key).update(body).digest().subarray(0, MAC_BYTES);
  }
}

const hashOf = (body: Buffer): Buffer => createHash("sha256").update(body).digest();
