import type { Leases } from "../../database/leases.js";
import type { MailId } from "../../ids.js";
import type { Directory } from "../../tenancy/directory/directory.js";
import type { Seal } from "../../tenancy/seal.js";
import { TenantSession } from "../../tenancy/session.js";
import { type Letter, type LetterSettings, toLetter } from "./letter.js";
import { boundTo, type Mail } from "./mail.js";

/** Mail of a tenant as a developer looks at it; its letter is null where it has been sent, or cannot be read. */
export interface Shown {
  readonly tenant: string;
  readonly at: Date;
  readonly outcome: string | null;
  readonly letter: Letter | null;
}

interface Row {
  readonly id: MailId;
  readonly sealed: Buffer | null;
  readonly created_at: string;
  readonly outcome: string | null;
}

const NEWEST = `select id, sealed, created_at, outcome from outbox where tenant_id = $1 order by created_at desc, id desc limit 50`;

/** The newest mail of every tenant, newest first: for development alone, for it shows everybody's. */
export async function readMailbox(
  serve: Leases,
  directory: Directory,
  seal: Seal,
  settings: LetterSettings,
): Promise<Shown[]> {
  const shown: Shown[] = [];
  for (const tenant of await directory.all()) {
    const session = await TenantSession.open(serve, tenant, "read");
    try {
      for (const row of await session.query(NEWEST, [tenant.id])) {
        const { id, sealed, created_at: at, outcome } = row as unknown as Row;
        const text = sealed && seal.open(boundTo(tenant.id, id), sealed);
        const letter = text ? toLetter(JSON.parse(text) as Mail, settings) : null;
        shown.push({ tenant: tenant.slug, at: new Date(at), outcome, letter });
      }
    } finally {
      await session.rollback();
    }
  }
  return shown.sort((a, b) => b.at.getTime() - a.at.getTime());
}
