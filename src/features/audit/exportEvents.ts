import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import { join } from "./personal.js";

/** Which events are exported: those to which everything given here applies. */
export interface Exported {
  readonly from: Date | null;
  readonly to: Date | null;
  readonly actions: readonly string[] | null;
}

const AT_ONCE = 500;
const EVENTS = `
declare exported no scroll cursor for
select json_build_object('id', e.id, 'at', (extract(epoch from e.at) * 1000)::bigint, 'action', e.action, 'actorType', e.actor_type,
    'actorId', e.actor_id, 'organizationId', e.organization_id, 'path', e.path, 'targetType', e.target_type,
    'targetId', e.target_id, 'requestId', e.request_id, 'address', o.value::json->>'address', 'seal', s.number) as event,
  e.changes, e.commitment is not null as is_apart, v.value
from audit_events e
left join audit_values v on v.tenant_id = $1 and v.commitment = e.commitment
left join audit_values o on o.tenant_id = $1 and o.commitment = e.origin
left join (select min(number) as number, id from audit_seals, unnest(events) id where tenant_id = $1 group by id) s on s.id = e.id
where e.tenant_id = $1 and e.at >= coalesce($2::timestamptz, '-infinity') and e.at < coalesce($3::timestamptz, 'infinity')
  and coalesce(e.action = any (string_to_array($4::text, ',')), true)
order by e.at, e.id`;

/**
 * What happened in a tenant, first to happen first, some lines of JSON at a time. In the caller's transaction, with the home's
 * tables before it. Ids are bare uuids; `seal` is the number of the seal that an event is in, null while it waits for one. `address` is null where it is not
 * known, and when whoever asked was erased.
 */
export async function* exportEvents(
  run: Lease["run"],
  tenant: TenantId,
  { from, to, actions }: Exported,
): AsyncGenerator<string> {
  await run(EVENTS, [tenant, from?.toISOString() ?? null, to?.toISOString() ?? null, actions?.join() ?? null]);
  for (;;) {
    const rows = await run(`fetch ${AT_ONCE} from exported`);
    if (rows.length > 0) yield rows.map(lineOf).join("");
    if (rows.length < AT_ONCE) break;
  }
  await run("close exported");
}

type Values = Readonly<Record<string, unknown>>;

function lineOf({ event, changes, is_apart, value }: Values): string {
  const { at, ...rest } = event as Values;
  const shown = is_apart ? join(changes as Values, value as string | null) : changes;
  return `${JSON.stringify({ ...rest, at: new Date(Number(at)).toISOString(), changes: shown })}\n`;
}
