import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import type { Witness } from "../../tenancy/directory/witness.js";
import { EVENT_DIGEST, LIST_DIGEST, type SealKey } from "./chain.js";

type Run = Lease["run"];

/** What a look through a whole audit found. */
export interface Verified {
  readonly events: number;
  /** The number of the newest seal; 0 where there is none. */
  readonly newest: number;
  /** Up to which seal everything was removed because its time was over; null where nothing was. */
  readonly checkpoint: number | null;
  readonly unsealed: number;
  /** Events of an older version, which wait for being taken in before they are sealed. */
  readonly notTakenIn: number;
  /** How long the oldest event that is in no seal has waited for one. */
  readonly unsealedSeconds: number;
  /** The first place where the audit is not what was written, in words; null when all of it is. */
  readonly broken: string | null;
}

const SEALS_AT_ONCE = 20;
const NOTHING: ReadonlySet<string> = new Set();
// What is in no list is looked for by its digest, so that nothing is taken for erased but what the audit says was.
const SEALS = `
select s.number, (extract(epoch from s.sealed_at) * 1000)::bigint::text as at, s.key_mark, encode(s.mac, 'hex') as mac,
  encode(s.checkpoint, 'hex') as checkpoint, cardinality(s.events) as count,
  (select ${LIST_DIGEST} from unnest(s.events, s.digests) with ordinality l(id, digest, n)) as list,
  (select json_build_object('id', l.id, 'isMissing', e.id is null)
    from unnest(s.events, s.digests) with ordinality l(id, digest, n)
    left join audit_events e on e.tenant_id = $1 and e.id = l.id
    where ${EVENT_DIGEST} is distinct from l.digest or e.id is null order by l.n limit 1) as event,
  (select json_build_object('id', e.id, 'isMissing', v.commitment is null)
    from unnest(s.events) with ordinality l(id, n)
    join audit_events e on e.tenant_id = $1 and e.id = l.id
    join lateral (values (e.commitment, e.target_id), (e.origin, e.actor_id)) a(commitment, subject_id) on a.commitment is not null
    left join audit_values v on v.tenant_id = $1 and v.commitment = a.commitment
    where case when v.commitment is null then not exists (
        select from audit_events x where x.tenant_id = $1 and x.action = 'user.erased' and x.target_id = a.subject_id
          and x.path is not null)
      else sha256(v.salt || convert_to(v.value, 'UTF8')) <> v.commitment or v.subject_id <> a.subject_id end
    order by l.n limit 1) as value
from audit_seals s where s.tenant_id = $1 and coalesce(s.number > $2::int, true) order by s.number limit ${SEALS_AT_ONCE}`;
// `not exists` is one pass over each table; `not in` reads a whole list anew for each row as soon as it fits in no memory.
const REST = `
with sealed as materialized (select distinct unnest(events) as id from audit_seals where tenant_id = $1)
select (select count(*) from audit_events where tenant_id = $1)::int as events,
  (select count(*) from audit_unsealed where tenant_id = $1)::int as unsealed,
  (select count(*) from audit_events where tenant_id = $1 and path is null)::int as old,
  (select coalesce(extract(epoch from clock_timestamp() - min(e.at)), 0)::float8 from audit_unsealed u
    join audit_events e on e.tenant_id = $1 and e.id = u.event_id where u.tenant_id = $1) as age,
  (select e.id from audit_events e where e.tenant_id = $1 and e.path is not null
    and not exists (select from audit_unsealed u where u.tenant_id = $1 and u.event_id = e.id)
    and not exists (select from sealed s where s.id = e.id) order by e.id limit 1) as stray,
  (select u.event_id from audit_unsealed u where u.tenant_id = $1
    and not exists (select from audit_events e where e.tenant_id = $1 and e.id = u.event_id) order by 1 limit 1) as lost,
  (select v.subject_id from audit_values v where v.tenant_id = $1
    and not exists (select from audit_events e where e.tenant_id = $1 and e.commitment = v.commitment)
    and not exists (select from audit_events e where e.tenant_id = $1 and e.origin = v.commitment)
    order by 1 limit 1) as loose`;

interface Row {
  readonly number: number;
  readonly at: string;
  readonly key_mark: string;
  readonly mac: string;
  readonly checkpoint: string | null;
  readonly count: number;
  readonly list: string;
  readonly event: Bad | null;
  readonly value: Bad | null;
}

interface Bad {
  readonly id: string;
  readonly isMissing: boolean;
}

/**
 * Goes through the audit of a tenant from its first seal to the newest, in a transaction that sees one moment of the home.
 * @param witnesses what is known of its seals outside of the tenant, read before that moment
 * @param onSeals is told how many seals were looked at
 */
export async function verifyAudit(
  run: Run,
  tenant: TenantId,
  key: SealKey,
  witnesses: readonly Witness[],
  onSeals: (done: number) => void = () => {},
): Promise<Verified> {
  // All that was ever told of a number: who makes a seal anew has that told as well, behind what was told of the one before.
  const known = new Map<number, Set<string>>();
  for (const { number, mac } of witnesses) known.set(number, (known.get(number) ?? new Set()).add(mac));
  let broken: string | null = null;
  let checkpoint: number | null = null;
  let before: Row | null = null;
  for (let rows: readonly Row[] | null = null; rows === null || rows.length === SEALS_AT_ONCE; ) {
    rows = (await run(SEALS, [tenant, (before as Row | null)?.number ?? null])) as unknown as Row[];
    for (const row of rows) {
      if (before === null && row.checkpoint !== null) checkpoint = row.number;
      broken ??= wrongWith(row, before, key, known.get(row.number) ?? NOTHING);
      before = row;
    }
    onSeals(before?.number ?? 0);
  }
  const newest = before?.number ?? 0;
  // Too many, for a long log, to be the arguments of one call.
  let farthest = 0;
  for (const number of known.keys()) farthest = Math.max(farthest, number);
  if (farthest > newest)
    broken ??= `The audit was cut after ${newest === 0 ? "its beginning" : `seal ${newest}`}: ${seals(newest + 1, farthest)} missing, and outside of the tenant seal ${farthest} is known.`;
  const [rest] = await run(REST, [tenant]);
  const { events, unsealed, old, age, stray, lost, loose } = rest as Record<string, unknown>;
  if (stray) broken ??= `The event ${stray} is in no seal, and does not wait for one.`;
  if (lost) broken ??= `The event ${lost} waits for a seal, and is missing.`;
  if (loose) broken ??= `There are values of the person ${loose} that belong to no event.`;
  return {
    events: Number(events),
    newest,
    checkpoint,
    unsealed: Number(unsealed),
    notTakenIn: Number(old),
    unsealedSeconds: Math.max(0, Math.round(Number(age))),
    broken,
  };
}

/** What is wrong with a seal or with what is in it, in words; null when nothing is. */
function wrongWith(row: Row, before: Row | null, key: SealKey, witnessed: ReadonlySet<string>): string | null {
  const { number, event, value } = row;
  const sealed = { number, sealedAt: Number(row.at), list: row.list };
  const first = (before?.number ?? 0) + 1;
  const isCheckpoint = before === null && row.checkpoint !== null;
  // The serving login may write one: what it lists must not count as sealed.
  if (number < first) return `Seal ${number} is none that was made here.`;
  if (number > first && !isCheckpoint) return `${capital(seals(first, number - 1))} missing.`;
  if (row.key_mark !== key.mark)
    return `Seal ${number} was made with another TENANTRY_KEY. Verify with that one, or it was forged.`;
  const isWhole = isCheckpoint
    ? row.checkpoint === key.checkpoint(sealed, row.mac) && row.count === 0
    : row.checkpoint === null && row.mac === key.seal(sealed, before?.mac ?? null);
  if (!isWhole) return `Seal ${number} is not what was written${isCheckpoint ? ": its checkpoint is forged" : ""}.`;
  if ([...witnessed].some((mac) => mac !== row.mac))
    return `Seal ${number} is another than the one that is known outside of the tenant.`;
  if (event) return `The event ${event.id} of seal ${number} ${event.isMissing ? "is missing" : "was changed"}.`;
  if (value)
    return `What the event ${value.id} of seal ${number} says of a person ${value.isMissing ? "is missing, and the person was not erased" : "was changed"}.`;
  return null;
}

const seals = (from: number, to: number): string => (from === to ? `seal ${from} is` : `seals ${from} to ${to} are`);
const capital = (text: string): string => text.replace(/^./, (first) => first.toUpperCase());
