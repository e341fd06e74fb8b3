import { type Catalogue, OWNER, type Product } from "../../access/catalogue.js";
import type { ProductChange } from "../../access/productChange.js";
import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import { inTransaction } from "../../tenancy/migrations/transaction.js";
import type { TenantDb } from "../../tenancy/session.js";
import { enterHome } from "../../tenancy/tenants/inHome.js";

/**
 * Where a tenant lives, for the owner's login. One that is still being made begins with what is applied then, and one that is
 * being erased never comes back.
 */
export interface Home {
  readonly id: TenantId;
  readonly slug: string;
  readonly database: string;
  readonly schema: string;
}

/** Whom a change concerns in one tenant. What is suspended counts, for it comes back; what has ended does not. */
export interface Concerned {
  /** Roles of the tenant's own that name the permission. */
  readonly roles: number;
  /** Grants by which it is held: of those roles, of the owner role, and of the product's templates. */
  readonly grants: number;
  readonly people: number;
  /** Open invitations that offer such a template, and organizations that give it to whoever joins. */
  readonly offers: number;
}

export interface Found {
  readonly change: ProductChange;
  readonly concerned: Concerned;
}

export async function listHomes(owner: Lease): Promise<Home[]> {
  const rows = await owner.run(
    "select id, slug, database, schema_name as schema from tenantry.tenants where status in ('ACTIVE', 'SUSPENDED') order by slug",
  );
  return rows as readonly unknown[] as Home[];
}

/** Enters a home for the length of the caller's transaction. */
export const enter = (owner: Lease, { id, schema }: Home): Promise<TenantDb> =>
  enterHome(owner, { id, schemaName: schema });

// What was once given and is in no catalogue: the file lost it before it was ever applied.
const STRAYS = `
select distinct 'PERMISSION' as kind, permission as key from roles, unnest(permissions) as permission
where tenant_id = $1 and not permission = any(array(select jsonb_array_elements_text($2::text::jsonb)))
union
select distinct 'ROLE', role_key from grants
where tenant_id = $1 and coalesce(expires_at > clock_timestamp(), true)
  and not role_key = any(array(select jsonb_array_elements_text($3::text::jsonb)))`;

const CONCERNED = `
select
  (select count(*) from roles r where r.tenant_id = $1 and r.permissions @> array[c.permission])::int as roles,
  held.grants, held.people
from jsonb_to_recordset($2::text::jsonb) as c(n int, permission text, fixed text[])
cross join lateral (
  select count(*)::int as grants, count(distinct m.user_id)::int as people
  from grants g
    join memberships m on m.tenant_id = g.tenant_id and m.id = g.membership_id
    left join roles r on r.tenant_id = g.tenant_id and r.id = g.role_id
  where g.tenant_id = $1 and (g.role_key = any(c.fixed) or r.permissions @> array[c.permission])
    and coalesce(g.expires_at > clock_timestamp(), true) and coalesce(m.expires_at > clock_timestamp(), true)
) held
order by c.n`;

const OFFERS = `
select
  ((select count(*) from invitations i where i.tenant_id = $1 and i.status = 'OPEN' and i.expires_at > clock_timestamp()
    and exists (select from offered_grants o where o.tenant_id = $1 and o.invitation_id = i.id and o.role_key = c.role))
  + (select count(*) from join_policies p where p.tenant_id = $1 and p.mode <> 'OFF'
    and p.grants @> jsonb_build_array(jsonb_build_object('roleKey', c.role))))::int as offers
from jsonb_to_recordset($2::text::jsonb) as c(n int, role text)
order by c.n`;

/** A home that was left behind by an older version has nowhere to offer anything. */
const HAS_OFFERS =
  "select to_regclass('offered_grants') is not null and to_regclass('join_policies') is not null as has";

/** Whom each of the changes concerns in a home; and what is in use there that neither the old file has nor the new one. */
export function survey(
  owner: Lease,
  home: Home,
  changes: readonly ProductChange[],
  { applied, wanted }: { readonly applied: Product; readonly wanted: Catalogue },
): Promise<Found[]> {
  return inTransaction(owner, async () => {
    await enter(owner, home);
    return surveyEntered(owner, home, changes, { applied, wanted });
  });
}

/** The same in the caller's transaction, which has entered the home. */
export async function surveyEntered(
  owner: Lease,
  home: Home,
  changes: readonly ProductChange[],
  { applied, wanted }: { readonly applied: Product; readonly wanted: Catalogue },
): Promise<Found[]> {
  const known = [wanted.permissions, wanted.roles].map((all) => JSON.stringify([...all.keys()]));
  const isListed = ({ kind, key }: Pick<ProductChange, "kind" | "key">) =>
    changes.some((one) => one.kind === kind && one.key === key);
  const strays = (await owner.run(STRAYS, [home.id, ...known])) as readonly unknown[] as ProductChange[];
  const all = [
    ...changes,
    ...strays
      .filter((one) => !isListed(one))
      .map((one) => ({ ...one, what: "REMOVED" as const, gained: [], lost: [] })),
  ];

  const holders = ({ kind, key, what }: ProductChange): string[] => {
    if (kind === "ROLE") return [key];
    const templates = what === "REMOVED" ? applied.roles : [...wanted.roles.values()];
    return [OWNER, ...templates.filter((role) => [...role.permissions].includes(key)).map((role) => role.key)];
  };
  const asked = all.map((change, n) => ({
    n,
    permission: change.kind === "PERMISSION" ? change.key : null,
    role: change.kind === "ROLE" ? change.key : null,
    fixed: holders(change),
  }));
  const given = [home.id, JSON.stringify(asked)];
  const rows = await owner.run(CONCERNED, given);
  const [{ has }] = (await owner.run(HAS_OFFERS)) as unknown as [{ has: boolean }];
  const offered = has ? await owner.run(OFFERS, given) : [];
  // Other words give nobody anything.
  const NOBODY: Concerned = { roles: 0, grants: 0, people: 0, offers: 0 };
  return all.map((change, n) => ({
    change,
    concerned: change.what === "REWORDED" ? NOBODY : ({ ...rows[n], offers: offered[n]?.offers ?? 0 } as Concerned),
  }));
}
