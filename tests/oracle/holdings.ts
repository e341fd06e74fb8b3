import { FIXED_ROLES, PERMISSIONS } from "./facts.js";

/** Never ends. */
export const FOR_EVER = Number.POSITIVE_INFINITY;

/** Until when each person holds what: by `<user> <organization> <permission>`, in epoch milliseconds. */
export type Holdings = ReadonlyMap<string, number>;

/** A row of the tenant's tables, as PostgreSQL spells it. */
type Row = Readonly<Record<string, never>>;
type Ask = (text: string) => Promise<readonly Record<string, unknown>[]>;

/** What is in a tenant's tables that rights follow from. */
export interface Rows {
  readonly now: number;
  readonly organizations: readonly {
    readonly id: string;
    readonly parent: string | null;
    /** What is closed keeps from using what people hold there, and takes nothing from them. */
    readonly active: boolean;
  }[];
  readonly users: readonly { readonly id: string; readonly active: boolean; readonly email: string | null }[];
  /** Open offers of ownership. */
  readonly offers: readonly { readonly id: string; readonly from: string; readonly user: string }[];
  readonly roles: readonly { readonly id: string; readonly key: string; readonly permissions: readonly string[] }[];
  readonly memberships: readonly {
    readonly id: string;
    readonly user: string;
    readonly organization: string;
    readonly active: boolean;
    readonly until: number;
  }[];
  readonly grants: readonly {
    readonly id: string;
    readonly membership: string;
    readonly key: string | null;
    readonly role: string | null;
    readonly subtree: boolean;
    readonly until: number;
  }[];
  /** That are open, or could be opened again. */
  readonly invitations: readonly { readonly id: string }[];
  /** Of people who wait to be let in. */
  readonly joinRequests: readonly { readonly id: string }[];
  /** In whose name people join an organization by their address. */
  readonly joinPolicies: readonly { readonly id: string; readonly by: string }[];
}

/** Reads them as the owner of the tables, past every wall. */
export async function readRows(ask: Ask): Promise<Rows> {
  const rows = async (columns: string, table: string) =>
    (await ask(`select ${columns} from ${table} order by id`)) as readonly Row[] as never;
  const until = "coalesce(extract(epoch from expires_at) * 1000, 'infinity')::float8 as until";
  const [clock] = await ask("select (extract(epoch from clock_timestamp()) * 1000)::float8 as now");
  return {
    now: Number(clock!.now),
    organizations: await rows("id, parent_id as parent, status = 'ACTIVE' as active", "organizations"),
    users: await rows("id, status = 'ACTIVE' as active, email", "users"),
    offers: await rows(`id, from_user_id as "from", user_id as "user"`, "ownership_offers"),
    roles: await rows("id, key, permissions", "roles"),
    memberships: await rows(
      `id, user_id as "user", organization_id as organization, status = 'ACTIVE' as active, ${until}`,
      "memberships",
    ),
    grants: await rows(
      `id, membership_id as membership, role_key as key, role_id as role, reach = 'SUBTREE' as subtree, ${until}`,
      "grants",
    ),
    joinRequests: await rows("id", "(select * from join_requests where status = 'OPEN') open"),
    joinPolicies: await rows('organization_id as id, set_by as "by"', "join_policies"),
    invitations: await rows("id", "(select * from invitations where status = 'OPEN') open"),
  };
}

/** Goes through every grant and notes what it gives, organization by organization. To be a member is noted as "member". */
export function holdingsOf(rows: Rows): Holdings {
  const holdings = new Map<string, number>();
  const note = (user: string, organization: string, what: string, until: number) => {
    if (until <= rows.now) return;
    const key = `${user} ${organization} ${what}`;
    holdings.set(key, Math.max(until, holdings.get(key) ?? 0));
  };
  for (const membership of rows.memberships) {
    if (!membership.active || !rows.users.find(({ id }) => id === membership.user)!.active) continue;
    note(membership.user, membership.organization, "member", membership.until);
    for (const grant of rows.grants.filter((one) => one.membership === membership.id)) {
      const held =
        grant.key !== null ? FIXED_ROLES[grant.key]! : rows.roles.find(({ id }) => id === grant.role)!.permissions;
      for (const { id } of rows.organizations) {
        const acts = id === membership.organization || (grant.subtree && isBelow(rows, id, membership.organization));
        if (!acts) continue;
        for (const permission of held) note(membership.user, id, permission, Math.min(grant.until, membership.until));
      }
    }
  }
  return holdings;
}

function isBelow(rows: Rows, id: string, above: string): boolean {
  const { parent } = rows.organizations.find((one) => one.id === id)!;
  return parent !== null && (parent === above || isBelow(rows, parent, above));
}

/**
 * What a change did that its maker may not do: give what they did not hold, for longer than they held it, or where they did
 * not; or withdraw what they did not hold. One sentence each.
 * @param givesUp whether the change is one by which everybody may give up what is theirs
 * @param letsIn  what whoever makes somebody a member has to hold there
 */
export function wrongs(
  before: Holdings,
  after: Holdings,
  actor: string,
  givesUp = false,
  letsIn = "members:manage",
): string[] {
  const held = (organization: string, what: string) =>
    before.get(`${actor} ${organization} ${what === "member" ? letsIn : what}`) ?? 0;
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [from, to] = [before.get(key) ?? 0, after.get(key) ?? 0];
    const [user, organization, what] = key.split(" ") as [string, string, string];
    if (givesUp && user === actor && to < from) return [];
    if (to > from && to > held(organization, what))
      return [`${key} was given until ${to}, held until ${held(organization, what)}`];
    if (to < from && held(organization, what) === 0) return [`${key} was withdrawn by who does not hold it`];
    return [];
  });
}

/** Whether somebody owns the tenant for ever: all there is, in every organization. */
export const hasOwner = (rows: Rows, holdings: Holdings): boolean =>
  rows.users.some(({ id }) =>
    rows.organizations.every((one) =>
      PERMISSIONS.every((what) => holdings.get(`${id} ${one.id} ${what}`) === FOR_EVER),
    ),
  );
