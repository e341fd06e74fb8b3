import type { Leases } from "../../database/leases.js";
import type { TenantRecord } from "../../tenancy/directory/directory.js";
import { TenantSession } from "../../tenancy/session.js";
import { EVENT_DIGEST, LIST_DIGEST, SealKey } from "./chain.js";

/** A seal, by what is told of it outside of the tenant. */
export interface Seal {
  readonly number: number;
  /** In hexadecimal. */
  readonly mac: string;
}

export interface Sealing {
  /** Null where nothing was ever sealed. */
  readonly newest: Seal | null;
  /** How many seals were made. */
  readonly made: number;
  /** Whether the seal that was given as known is in the chain, or was removed behind a checkpoint further on. */
  readonly holdsKnown: boolean;
  /** When the first event was written that an older version left, and that cannot be sealed before it is taken in. */
  readonly behindSince: Date | null;
  /** Whether events wait behind a seal that was made with another installation key: they are not sealed. */
  readonly isOfAnotherKey: boolean;
}

/** Events in one seal. */
const MOST_EVENTS = 1000;

const LOOK = `
select h.epoch, h.status, exists (select from audit_unsealed u where u.tenant_id = $1) as waits, s.number, s.key_mark, encode(s.mac, 'hex') as mac,
  k.number as known_number, encode(k.mac, 'hex') as known_mac,
  (select min(e.at) from audit_events e where e.tenant_id = $1 and e.path is null) as behind_since
from tenant h
left join lateral (select number, key_mark, mac from audit_seals where tenant_id = $1 order by number desc limit 1) s on true
left join lateral (
  select number, mac from audit_seals where tenant_id = $1 and number <= $2::int order by number desc limit 1) k on true
where h.tenant_id = $1`;
// Two who seal at once would make two seals of one number, and one of them would have sealed in vain.
export const SEALING_ALONE = "select pg_advisory_xact_lock(hashtextextended('tenantry seal ' || $1, 0))";
const NEWEST =
  "select number, key_mark, encode(mac, 'hex') as mac from audit_seals where tenant_id = $1 order by number desc limit 1";
const WAITING = `
with waiting as (
  select e.id, ${EVENT_DIGEST} as digest, row_number() over (order by e.id) as n
  from audit_unsealed u join audit_events e on e.tenant_id = u.tenant_id and e.id = u.event_id
  where u.tenant_id = $1 order by e.id limit ${MOST_EVENTS}
)
select count(*)::int as count, array_agg(id order by n)::text as events, array_agg(digest order by n)::text as digests,
  ${LIST_DIGEST} as list, floor(extract(epoch from clock_timestamp()) * 1000)::text as now
from waiting`;
const KEEP = `
insert into audit_seals (tenant_id, number, sealed_at, events, digests, key_mark, mac)
values ($1, $2, $3, $4::text::uuid[], $5::text::bytea[], $6, decode($7, 'hex'))`;
const RELEASE = "delete from audit_unsealed where tenant_id = $1 and event_id = any ($2::text::uuid[])";

/**
 * Seals whatever of a tenant's audit is in no seal yet: also an event that was committed after others that happened later. Each
 * seal in a transaction of its own: while one is open, nothing can be withdrawn in the tenant.
 * @param known the seal that is known outside of the tenant, read before this: a seal is made first, and noted there afterwards
 * @returns null where the record does not lead to the tenant's home, or that is closed to changes at this moment
 */
export async function sealTenant(
  leases: Leases,
  tenant: TenantRecord,
  key: Buffer,
  known: Seal | null = null,
): Promise<Sealing | null> {
  const own = new SealKey(key, tenant.id);
  for (let made = 0; ; made++) {
    const sealing = await sealOnce(leases, tenant, own, known);
    if (sealing === null || sealing.made === 0) return sealing && { ...sealing, made };
  }
}

async function sealOnce(
  leases: Leases,
  tenant: TenantRecord,
  key: SealKey,
  known: Seal | null,
): Promise<Sealing | null> {
  const session = await TenantSession.open(leases, tenant, "change");
  try {
    const [home] = await session.query(LOOK, [tenant.id, known?.number ?? null]);
    if (!home || Number(home.epoch) !== tenant.epoch || home.status === "FENCED") return null;
    const made = home.waits ? await makeSeal(session, key) : null;
    await session.commit();
    return {
      newest: made ?? sealOf(home),
      made: made ? 1 : 0,
      holdsKnown: known === null || isHeld(known, home),
      behindSince: home.behind_since === null ? null : new Date(String(home.behind_since)),
      isOfAnotherKey: home.waits === true && !isBehindOwn(home, key),
    };
  } finally {
    await session.rollback();
  }
}

/**
 * One seal over what waits, as much as goes into one; null where somebody else has just sealed it, and where the seal before is
 * another key's: nobody could verify both, and a cut behind them would not be found.
 */
async function makeSeal(session: TenantSession, key: SealKey): Promise<Seal | null> {
  const { tenantId } = session;
  await session.query(SEALING_ALONE, [tenantId]);
  const [before] = await session.query(NEWEST, [tenantId]);
  if (!isBehindOwn(before, key)) return null;
  const newest = sealOf(before);
  const [waiting] = await session.query(WAITING, [tenantId]);
  const { count, events, digests, list, now } = waiting as Record<string, string>;
  if (Number(count) === 0) return null;
  const sealed = { number: (newest?.number ?? 0) + 1, sealedAt: Number(now), list: list! };
  const mac = key.seal(sealed, newest?.mac ?? null);
  const at = new Date(sealed.sealedAt).toISOString();
  await session.query(KEEP, [tenantId, sealed.number, at, events, digests, key.mark, mac]);
  await session.query(RELEASE, [tenantId, events]);
  return { number: sealed.number, mac };
}

/** Whether the newest seal up to the number of a known one is that one. There is none where a checkpoint further on is the first. */
function isHeld(known: Seal, home: Readonly<Record<string, unknown>>): boolean {
  if (home.known_number === null) return home.number !== null;
  return Number(home.known_number) === known.number && home.known_mac === known.mac;
}

/** Whether the newest seal, if there is one, was made with this key. */
const isBehindOwn = (row: Readonly<Record<string, unknown>> | undefined, { mark }: SealKey): boolean =>
  (row?.key_mark ?? mark) === mark;

const sealOf = (row: Readonly<Record<string, unknown>> | undefined): Seal | null =>
  row && row.number !== null ? { number: Number(row.number), mac: String(row.mac) } : null;
