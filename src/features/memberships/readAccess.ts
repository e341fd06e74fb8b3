import { LRUCache } from "lru-cache";
import { Access, type Belonging, type Held, type Place, type Reach } from "../../access/access.js";
import type { Catalogue } from "../../access/catalogue.js";
import { earlier } from "../../access/end.js";
import { parseArray } from "../../database/arrays.js";
import { sqlState } from "../../database/errors.js";
import type { Result } from "../../database/lease.js";
import { AllNamed, NAMEABLE, type Name, type Nameable } from "../../graphql/named.js";
import type { HomeAnswer } from "../../graphql/operation.js";
import type { OrganizationId, RoleId, UserId } from "../../ids.js";
import { arrayOf } from "../../tenancy/arrays.js";
import type { TenantSession } from "../../tenancy/session.js";

type Clock = "clock_timestamp()" | "now()";
/** A change waits for its lock, and what it stands on may end meanwhile. What only reads judges all by one instant: its beginning. */
const clockOf = ({ purpose }: TenantSession): Clock => (purpose === "read" ? "now()" : "clock_timestamp()");

/**
 * Everything that decisions stand on, in one statement: the home row, the viewer, their live memberships and grants by the
 * database's clock, what is closed, and the root, where no path begins with it. The same for the same rows: it tells the time only
 * where it may have waited. Lists are JSON without names: to write the names for each row takes PostgreSQL as long as to find it.
 * The home and the viewer are asked for once: a server process keeps a plan for each home that it serves, and in it row security for
 * each time that a table is named.
 */
function textWith(clock: Clock, named = "null::json", isWho = "u.identity = $2"): string {
  const [told, now] = clock === "now()" ? ["null", clock] : [clock, "who.now"];
  return `
with who as materialized (
  select h.epoch, h.status, ${told} as now, u.id as user_id, u.display_name, u.email, u.email_verified, u.image_url
  from tenant h
    left join users u on u.tenant_id = $1 and ${isWho} and u.status = 'ACTIVE'
  where h.tenant_id = $1
),
own as materialized (
  select m.id, m.organization_id, m.expires_at, o.path
  from who
    join memberships m on m.tenant_id = $1 and m.user_id = who.user_id and m.status = 'ACTIVE'
    join organizations o on o.tenant_id = $1 and o.id = m.organization_id
  where (m.expires_at is null or m.expires_at > ${now})
)
select who.*,
  (select json_agg(json_build_array(own.organization_id, own.path, (
      select json_agg(json_build_array(g.reach, g.role_key,
        (select r.permissions::text from roles r where r.tenant_id = $1 and r.id = g.role_id), g.expires_at))
      from grants g
      where g.tenant_id = $1 and g.membership_id = own.id and (g.expires_at is null or g.expires_at > ${now})), own.expires_at)) from own) as own,
  (select json_agg(json_build_array(o.status, o.id, o.path))
    from organizations o where o.tenant_id = $1 and o.status <> 'ACTIVE' and (o.status = 'SUSPENDED'
      or exists (select from own where own.organization_id = any(o.path || o.id) or o.id = any(own.path)))) as closed,
  (select o.id from organizations o where o.tenant_id = $1 and o.parent_id is null and not exists (select from own)) as root,
  ${named} as named
from who`;
}

const TEXT: Readonly<Record<Clock, string>> = {
  "now()": textWith("now()"),
  "clock_timestamp()": textWith("clock_timestamp()"),
};
/** For somebody in whose name something is done while they are not there. */
const TEXT_OF_USER = textWith("clock_timestamp()", undefined, "u.id = $2");

/** Where each thing that arguments name stands. All have the columns of the first that is asked for. */
const PLACES: Readonly<Record<Nameable, (ids: string) => string>> = {
  Organization: (ids) => `
      select 'Organization' as type, o.id, null::uuid as user_id, o.id as organization_id, null::timestamptz as expires_at
        from organizations o where o.tenant_id = $1 and o.id = any(${ids}::uuid[])`,
  Membership: (ids) => `
      select 'Membership' as type, m.id, m.user_id, m.organization_id, m.expires_at
        from memberships m where m.tenant_id = $1 and m.id = any(${ids}::uuid[])`,
  Grant: (ids) => `
      select 'Grant' as type, g.id, m.user_id, m.organization_id, m.expires_at
        from grants g join memberships m on m.tenant_id = g.tenant_id and m.id = g.membership_id
        where g.tenant_id = $1 and g.id = any(${ids}::uuid[])`,
  Role: (ids) => `
      select 'Role' as type, r.id, null::uuid as user_id, r.organization_id, null::timestamptz as expires_at
        from roles r where r.tenant_id = $1 and r.id = any(${ids}::uuid[])`,
  Invitation: (ids) => `
      select 'Invitation' as type, i.id, null::uuid as user_id, i.organization_id, null::timestamptz as expires_at
        from invitations i where i.tenant_id = $1 and i.id = any(${ids}::uuid[])`,
  JoinRequest: (ids) => `
      select 'JoinRequest' as type, j.id, null::uuid as user_id, j.organization_id, null::timestamptz as expires_at
        from join_requests j where j.tenant_id = $1 and j.id = any(${ids}::uuid[])`,
};

/** For changes, whose arguments name things: the same, and where each of them stands. Of what is not named, nothing is asked. */
function textNaming(kinds: readonly Nameable[], clock: Clock): string {
  const asked = kinds.map((type, n) => PLACES[type](`$${n + 3}`));
  return textWith(
    clock,
    `(select json_agg(json_build_object('type', n.type, 'id', n.id, 'userId', n.user_id, 'expiresAt', n.expires_at,
      'place', case when o.id is not null then json_build_object('id', o.id, 'path', o.path) end))
    from (${asked.join("\n      union all")}
    ) n left join organizations o on o.tenant_id = $1 and o.id = n.organization_id)`,
  );
}

/** By the clock and the kinds that are named, of which there are few; written once, as texts find their prepared statements. */
const textsNaming = new Map<string, string>();

const UNDEFINED_TABLE = "42P01";

type GrantJson = readonly [reach: Reach, key: string | null, permissions: string | null, expiresAt: string | null];
type OwnJson = readonly [
  id: OrganizationId,
  path: OrganizationId[],
  grants: GrantJson[] | null,
  expiresAt: string | null,
];
type ClosedJson = readonly [status: string, id: OrganizationId, path: OrganizationId[]];

interface NamedJson extends Name {
  readonly userId: UserId | null;
  readonly expiresAt: string | null;
  /** Null for a role of the whole tenant. */
  readonly place: Place | null;
}

const idsOf = (named: readonly Name[], wanted: Nameable): string =>
  arrayOf(named.filter(({ type }) => type === wanted).map(({ id }) => id));

/**
 * Reads the access of an identity in the session's tenant.
 * @returns `STALE` when this is not, or no longer, the home that the directory's record means; `FENCED` when it may be read
 *   and not changed, for the tenant is being moved; null when the tenant is suspended or has no active user of this identity,
 *   which nobody outside can tell apart
 */
export async function readAccess(
  catalogue: Catalogue,
  session: TenantSession,
  identity: Buffer,
  named: readonly Name[],
): Promise<HomeAnswer> {
  const asker = [session.tenantId, identity];
  const clock = clockOf(session);
  if (named.length === 0) return understand(catalogue, session, session.query(TEXT[clock], asker), named);
  const kinds = NAMEABLE.filter((kind) => named.some(({ type }) => type === kind));
  const key = [clock, ...kinds].join();
  const text = textsNaming.get(key) ?? textNaming(kinds, clock);
  textsNaming.set(key, text);
  const ids = kinds.map((kind) => idsOf(named, kind));
  return understand(catalogue, session, session.query(text, [...asker, ...ids]), named);
}

/** The same of a user, who need not be the one who asks. */
export const readAccessOf = (catalogue: Catalogue, session: TenantSession, user: UserId): Promise<HomeAnswer> =>
  understand(catalogue, session, session.query(TEXT_OF_USER, [session.tenantId, user]), []);

async function understand(
  catalogue: Catalogue,
  session: TenantSession,
  answer: Promise<Result>,
  named: readonly Name[],
): Promise<HomeAnswer> {
  const [row] = await answer.catch((error) => {
    if (isHomeGone(error)) return [];
    throw error;
  });
  if (row?.epoch !== session.tenant.epoch) return "STALE";
  if (row.status === "FENCED" && session.purpose !== "read") return "FENCED";
  if (row.status === "SUSPENDED" || row.user_id === null) return null;

  const memberOf: Belonging[] = [];
  const grants: Held[] = [];
  for (const [id, path, given, end] of list<OwnJson>(row.own)) {
    const [at, until] = [{ id, path }, dateOf(end)];
    memberOf.push({ ...at, expiresAt: until });
    for (const [reach, key, permissions, expiresAt] of given ?? [])
      grants.push({
        at,
        reach,
        // A role that the product no longer has gives nothing.
        permissions: (key === null ? permissionsIn(permissions) : catalogue.roles.get(key)?.permissions) ?? NONE,
        // A grant ends with its membership.
        expiresAt: earlier(dateOf(expiresAt), until),
      });
  }
  const [first] = memberOf;
  const root: Place = { id: first ? (first.path[0] ?? first.id) : (row.root as OrganizationId), path: [] };
  const closed = list<ClosedJson>(row.closed);
  const isSuspended = ([status]: ClosedJson) => status === "SUSPENDED";
  const access = new Access({
    grants,
    memberOf,
    suspended: closed.filter(isSuspended).map(([, id, path]) => ({ id, path })),
    // An archive grows for years: only that of places where the viewer is, or which are above or below.
    archived: closed.filter((one) => !isSuspended(one)).map(([, id]) => id),
  });
  return {
    viewer: {
      kind: "USER",
      id: row.user_id as UserId,
      person: {
        displayName: row.display_name as string,
        email: row.email as string | null,
        emailVerified: row.email_verified as boolean,
        imageUrl: row.image_url as string | null,
      },
    },
    access,
    root,
    named: new AllNamed([
      // Nobody defines a fixed role, so nobody but the tenant as a whole could be asked about it.
      ...named
        .filter(({ type, id }) => type === "Role" && catalogue.rolesById.has(id as RoleId))
        .map((role) => ({ ...role, place: root, userId: null, expiresAt: null })),
      ...list<NamedJson>(row.named).map((one) => ({
        ...one,
        place: one.place ?? root,
        expiresAt: dateOf(one.expiresAt),
      })),
    ]),
    now: row.now === null ? await session.begunAt() : new Date(row.now as string),
  };
}

const NONE: ReadonlySet<string> = new Set();
const MOST_SETS = 2000;
const known = new LRUCache<string, ReadonlySet<string>>({ max: MOST_SETS });

/** The permissions of a role from the text of their array. The same text says the same whoever has it, and most have few. */
function permissionsIn(text: string | null): ReadonlySet<string> | undefined {
  if (text === null) return undefined;
  const found = known.get(text) ?? new Set(parseArray(text));
  known.set(text, found);
  return found;
}

/** A home that the tenant left, and that has been removed since: the first table asked for is gone. One among others is not. */
export const isHomeGone = (error: unknown): boolean =>
  sqlState(error) === UNDEFINED_TABLE && /\btenant\b/.test((error as Error).message);

const dateOf = (text: string | null): Date | null => (text === null ? null : new Date(text));

const list = <T>(json: unknown): T[] => (json as T[] | null) ?? [];
