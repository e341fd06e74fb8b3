import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import type { SealKey } from "./chain.js";
import { SEALING_ALONE } from "./seal.js";

export interface Pruned {
  /** Up to which seal everything is gone; null where nothing was old enough. */
  readonly checkpoint: number | null;
  readonly events: number;
}

const LAST = `
select number, (extract(epoch from sealed_at) * 1000)::bigint::text as at, encode(mac, 'hex') as mac, checkpoint is not null as is_done
from audit_seals where tenant_id = $1 and sealed_at < $2::timestamptz order by number desc limit 1`;
const OLD = "select unnest(events) as id from audit_seals where tenant_id = $1 and number <= $2";

/**
 * Removes the seals that were made before an instant, with all that is in them, and leaves a signed checkpoint in place of
 * the last of them. In the caller's transaction, which has verified the audit: what is broken is not to be swept away.
 */
export async function pruneAudit(run: Lease["run"], tenant: TenantId, key: SealKey, before: Date): Promise<Pruned> {
  await run(SEALING_ALONE, [tenant]);
  const [last] = await run(LAST, [tenant, before.toISOString()]);
  if (!last || last.is_done) return { checkpoint: null, events: 0 };
  const number = Number(last.number);
  const signature = key.checkpoint({ number, sealedAt: Number(last.at) }, String(last.mac));
  await run(
    `delete from audit_values v using audit_events e
     where v.tenant_id = $1 and e.tenant_id = $1 and e.commitment = v.commitment and e.id in (${OLD})`,
    [tenant, number],
  );
  // Of one operation some events may stay.
  await run(
    `with old as materialized (${OLD})
     delete from audit_values where tenant_id = $1 and commitment in (
       select e.origin from audit_events e where e.tenant_id = $1 and e.origin is not null
         and exists (select from old where old.id = e.id)
       except select e.origin from audit_events e where e.tenant_id = $1 and e.origin is not null
         and not exists (select from old where old.id = e.id))`,
    [tenant, number],
  );
  const [gone] = await run(
    `with gone as (delete from audit_events where tenant_id = $1 and id in (${OLD}) returning 1) select count(*)::int as count from gone`,
    [tenant, number],
  );
  await run("delete from audit_seals where tenant_id = $1 and number < $2", [tenant, number]);
  await run(
    `update audit_seals set events = '{}', digests = '{}', checkpoint = decode($3, 'hex')
     where tenant_id = $1 and number = $2`,
    [tenant, number, signature],
  );
  return { checkpoint: number, events: Number(gone!.count) };
}
