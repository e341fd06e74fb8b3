import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import { part } from "./personal.js";

const AT_ONCE = 500;
// Where an organization is gone, whoever may read all of the tenant's may read it.
const OLD = `
select e.id, coalesce(o.path, array[r.id])::text as path, coalesce(e.organization_id, r.id) as organization,
  e.target_type = 'User' and e.changes is not null as is_personal, e.changes,
  exists (select from audit_events x where x.tenant_id = $1 and x.action = 'user.erased' and x.target_id = e.target_id) as is_erased
from audit_events e
join organizations r on r.tenant_id = $1 and r.parent_id is null
left join organizations o on o.tenant_id = $1 and o.id = coalesce(e.organization_id, r.id)
where e.tenant_id = $1 and e.path is null order by e.id limit ${AT_ONCE}`;
const TAKE_IN = `
with taken as materialized (
  select * from json_to_recordset($2::text::json) as t(id uuid, organization uuid, path text, changes jsonb, commitment text,
    salt text, value text)
), apart as (
  insert into audit_values (tenant_id, commitment, subject_id, salt, value)
  select $1, decode(t.commitment, 'hex'), e.target_id, decode(t.salt, 'hex'), t.value
  from taken t join audit_events e on e.tenant_id = $1 and e.id = t.id where t.value is not null
), waiting as (
  insert into audit_unsealed (tenant_id, event_id) select $1, id from taken
)
update audit_events e set organization_id = t.organization, path = t.path::uuid[], changes = t.changes,
  commitment = decode(t.commitment, 'hex')
from taken t where e.tenant_id = $1 and e.id = t.id`;

/**
 * Gives what a version wrote that noted no path the form of this one, and lets it wait for a seal: it stands where its
 * organization stands today, and what it says of people stands apart. In the caller's transaction, which holds the tenant's
 * lock and whose login owns the tables: the serving one may not change an event.
 * @returns how many events were taken in
 */
export async function takeInEvents(run: Lease["run"], tenant: TenantId): Promise<number> {
  for (let count = 0; ; ) {
    const old = await run(OLD, [tenant]);
    if (old.length === 0) return count;
    const taken = old.map(({ id, organization, path, changes, is_personal, is_erased }) => {
      const place = { id, organization, path };
      if (!is_personal) return { ...place, changes };
      const parted = part(changes as Record<string, unknown>);
      // The person was forgotten before this was found.
      return { ...place, ...parted, ...(is_erased === true && { value: null }) };
    });
    await run(TAKE_IN, [tenant, JSON.stringify(taken)]);
    count += old.length;
  }
}
