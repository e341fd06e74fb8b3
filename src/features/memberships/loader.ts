import { and, eq, getColumns, type SQL, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import type { Catalogue } from "../../access/catalogue.js";
import { type Ahead, rowsAhead } from "../../graphql/ahead.js";
import { type ColumnsOf, columnsOf, forEach } from "../../graphql/columns.js";
import { TENANT } from "../../graphql/given.js";
import type { Gathered, GatheredBy } from "../../graphql/list.js";
import { groupBy, oneBy, perSession, type Soon } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { MembershipId } from "../../ids.js";
import { anyOf, arrayOf } from "../../tenancy/arrays.js";
import type { TenantDb } from "../../tenancy/session.js";
import { statement } from "../../tenancy/statement.js";
import { organizations } from "../organizations/table.js";
import { roleColumns } from "../roles/loader.js";
import { ofCatalogue, ofTenant, type ShownRole } from "../roles/role.js";
import { type RoleRow, roles } from "../roles/table.js";
import { type GrantRow, grants, type MembershipRow, memberships } from "./table.js";

/** The membership of this id, if its organization is visible and it is the viewer's own or members may be read there. */
export const findMembership = async (scope: Scope, id: MembershipId): Promise<MembershipRow | null> => {
  const found = await rowsById(scope).load(id);
  if (!found || !scope.access.sees(found.place)) return null;
  const { membership, place } = found;
  return membership.userId === scope.viewer.id || scope.access.allows(place, "members:read") ? membership : null;
};

const selectById = statement((db) =>
  db
    .select({ membership: memberships, place: { id: organizations.id, path: organizations.path } })
    .from(memberships)
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
    )
    .where(and(eq(memberships.tenantId, TENANT), anyOf(memberships.id, "ids"))),
);

interface FoundById {
  readonly membership: MembershipRow;
  readonly place: Place;
}

/** Memberships by id, visible or not. */
export const membershipsAhead: Ahead<FoundById> = {
  keyOf: ({ id }) => id as MembershipId,
  send: (session, _fields, ids) => selectById(session, { tenant: session.tenantId, ids: arrayOf(ids) }),
};

const rowsById = perSession((scope) =>
  oneBy<MembershipId, FoundById>(
    ({ membership }) => membership.id,
    (ids) => rowsAhead(scope, membershipsAhead, ids),
  ),
);

/** A grant; what the operation does not ask for is not there. */
export interface GrantOfRole extends Omit<GrantRow, "tenantId"> {
  readonly role: ShownRole;
}

const grantColumns = columnsOf(grants, "Grant", ["id", "membershipId", "roleKey", "roleId", "expiresAt"], { role: [] });

/** A grant as it is read, beside its role where the tenant itself defined that. */
interface GrantRead extends GrantRow {
  readonly own: RoleRow | { readonly id: null } | null;
}

/** The grants of a membership. */
class GrantsOf {
  #named: readonly GrantOfRole[] | undefined;

  constructor(
    readonly membershipId: MembershipId,
    private readonly rows: readonly GrantRead[],
  ) {}

  /** With their roles, first given first. One of a role that the product no longer has gives nothing, and is left out. */
  named(catalogue: Catalogue): readonly GrantOfRole[] {
    if (this.#named) return this.#named;
    const named: GrantOfRole[] = [];
    // Value by value: an object that is spread and given one more is copied by the slowest way there is.
    for (const { id, membershipId, roleKey, roleId, reach, expiresAt, createdAt, own } of this.rows) {
      const role = own === null || own.id === null ? fixedRole(catalogue, roleKey) : ownRole(own);
      if (role) named.push({ id, membershipId, roleKey, roleId, reach, expiresAt, createdAt, role });
    }
    // Most have one.
    if (named.length > 1) named.sort((one, other) => (one.id < other.id ? -1 : 1));
    this.#named = named;
    return named;
  }
}

const ownRole = (role: RoleRow): ShownRole => ofTenant(role, role.organizationId && { id: role.organizationId });

function fixedRole(catalogue: Catalogue, key: string | null): ShownRole | null {
  const fixed = key === null ? undefined : catalogue.roles.get(key);
  return fixed ? ofCatalogue(fixed) : null;
}

const grantsOf = perSession((scope) =>
  oneBy<MembershipId, GrantsOf>(
    ({ membershipId }) => membershipId,
    async (ids) => {
      const { select } = gatheredAs(grantColumns(scope))(roleColumns(scope));
      const rows = await select(scope.session, { tenant: scope.session.tenantId, ids: arrayOf(ids) });
      const all = groupBy(rows as unknown as GrantRead[], ({ membershipId }) => membershipId);
      return ids.map((id) => new GrantsOf(id, all.get(id) ?? []));
    },
  ),
);

/** Grants with their roles: beside a list of memberships, and by themselves. */
const gatheredAs = forEach((grant: ColumnsOf<typeof grants>) =>
  forEach((role: ColumnsOf<typeof roles>) => {
    const read = (db: TenantDb, which: SQL) => {
      // A statement of its own to the planner: beside a few rows, it would take all grants of the tenant for what is quicker to read.
      const given = db
        .select(grant)
        .from(grants)
        .where(and(eq(grants.tenantId, TENANT), which))
        .offset(sql`0` as never)
        .as("given");
      const columns = getColumns(given);
      // Each is looked up once for all grants of it: PostgreSQL keeps what it found by a key, beside what has one row.
      const own = db
        .select(role)
        .from(roles)
        .where(and(eq(roles.tenantId, TENANT), eq(roles.id, columns.roleId)))
        .limit(1)
        .as("own");
      return { given, own, columns: { ...columns, own: getColumns(own) } };
    };
    const select = statement((db) => {
      const { given, own, columns } = read(db, anyOf(grants.membershipId, "ids"));
      return db
        .select(columns as never)
        .from(given)
        .leftJoinLateral(own, sql`true`);
    });
    const name = `grants ${Object.keys(grant)} roles ${Object.keys(role)}`;
    const rows: GatheredBy["rows"] = (db, id) => {
      const { given, own, columns } = read(db, sql`${grants.membershipId} = ${id}`);
      return { from: [given, own], columns };
    };
    const take: GatheredBy["take"] = (scope, id, came) => {
      grantsOf(scope).prime(id as MembershipId, new GrantsOf(id as MembershipId, came));
    };
    return { select, name, rows, take };
  }),
);

/** The grants of each membership of a list, where its grants or roles are asked for. */
export const withGrants: Gathered = {
  isAsked: ({ fields }) => {
    const asked = fields?.get("Membership");
    return asked !== undefined && (asked.has("roles") || asked.has("grants"));
  },
  how: (scope) => gatheredAs(grantColumns(scope))(roleColumns(scope)),
};

/** The grants of a membership, first given first. One of a role that the product no longer has gives nothing, and is left out. */
export function listGrants(scope: Scope, catalogue: Catalogue, membership: MembershipId): Soon<readonly GrantOfRole[]> {
  const found = grantsOf(scope).get(membership);
  return found instanceof Promise
    ? found.then((soon) => soon?.named(catalogue) ?? [])
    : (found?.named(catalogue) ?? []);
}
