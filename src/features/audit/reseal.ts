import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import type { SealKey } from "./chain.js";
import { SEALING_ALONE } from "./seal.js";

const ARE_ANOTHERS = "select exists (select from audit_seals where tenant_id = $1 and key_mark <> $2) as are_anothers";
// What an older version wrote is taken in before it is sealed.
const WAIT = `
insert into audit_unsealed (tenant_id, event_id)
select tenant_id, id from audit_events where tenant_id = $1 and path is not null on conflict do nothing`;
const WAITING = "select count(*)::int as count from audit_unsealed where tenant_id = $1";

/**
 * Removes the seals of an audit of which another key made some, and lets every event wait for a new one. In the caller's
 * transaction, which holds the tenant's lock and whose login owns the tables.
 * @returns how many events wait; null where all seals are of this key
 */
export async function resealAudit(run: Lease["run"], tenant: TenantId, key: SealKey): Promise<number | null> {
  await run(SEALING_ALONE, [tenant]);
  const [seals] = await run(ARE_ANOTHERS, [tenant, key.mark]);
  if (!seals?.are_anothers) return null;
  await run("delete from audit_seals where tenant_id = $1", [tenant]);
  await run(WAIT, [tenant]);
  const [waiting] = await run(WAITING, [tenant]);
  return Number(waiting!.count);
}

/** Whether this key made any seal of an audit. */
export async function isSealedWith(run: Lease["run"], tenant: TenantId, key: SealKey): Promise<boolean> {
  const [seals] = await run(
    "select exists (select from audit_seals where tenant_id = $1 and key_mark = $2) as are_its",
    [tenant, key.mark],
  );
  return seals?.are_its === true;
}
