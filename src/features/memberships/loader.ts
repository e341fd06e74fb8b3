import { and, asc, eq, sql } from "drizzle-orm";
import type { Catalogue } from "../../access/catalogue.js";
import { type ColumnsOf, columnsOf, forEach } from "../../graphql/columns.js";
import { TENANT } from "../../graphql/given.js";
import { jsonOf } from "../../graphql/json.js";
import type { Gathered, GatheredBy } from "../../graphql/list.js";
import { manyBy, oneBy, perSession, type Soon } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { MembershipId, OrganizationId } from "../../ids.js";
import { anyOf, arrayOf } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { organizations } from "../organizations/table.js";
import { roleColumns, toRole } from "../roles/loader.js";
import { ofCatalogue, type Role } from "../roles/role.js";
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

const rowsById = perSession(({ session }) =>
  oneBy(
    ({ membership }: { membership: MembershipRow }) => membership.id,
    (ids: readonly MembershipId[]) => selectById(session, { tenant: session.tenantId, ids: arrayOf(ids) }),
  ),
);

export interface GrantOfRole extends GrantRow {
  readonly role: Role;
}

const grantColumns = columnsOf(grants, "Grant", ["id", "membershipId", "roleKey", "roleId", "expiresAt"], { role: [] });

const selectGrants = forEach((grant: ColumnsOf<typeof grants>) =>
  forEach((role: ColumnsOf<typeof roles>) =>
    statement((db) =>
      db
        .select({ grant, role, path: organizations.path })
        .from(grants)
        .leftJoin(roles, and(eq(roles.tenantId, grants.tenantId), eq(roles.id, grants.roleId)))
        .leftJoin(
          organizations,
          and(eq(organizations.tenantId, roles.tenantId), eq(organizations.id, roles.organizationId)),
        )
        .where(and(eq(grants.tenantId, TENANT), anyOf(grants.membershipId, "ids")))
        .orderBy(asc(grants.id)),
    ),
  ),
);

type Loaded = GrantRow & { readonly ownRole: Role | null };

/** The grants of each membership with their roles, first given first; `[]` where there are none. */
const grantsOf = perSession((scope) =>
  manyBy<MembershipId, Loaded>(
    (row) => row.membershipId,
    async (ids) => {
      const select = selectGrants(grantColumns(scope))(roleColumns(scope));
      const rows = await select(scope.session, { tenant: scope.session.tenantId, ids: arrayOf(ids) });
      return rows.map(({ grant, role, path }) => ({ ...grant, ownRole: role && toRole({ role, path }) }));
    },
  ),
);

/** Those that came with their memberships. */
const cameWith = perSession(() => new Map<MembershipId, Loaded[]>());

const gatheredAs = forEach((grant: ColumnsOf<typeof grants>) =>
  forEach((role: ColumnsOf<typeof roles>): GatheredBy => {
    const [ofGrant, ofRole] = [jsonOf<GrantRow>(grant), jsonOf<RoleRow>(role)];
    return {
      name: `grants ${Object.keys(grant)} roles ${Object.keys(role)}`,
      json: (id) => sql`(
        select json_agg(json_build_array(${ofGrant.json}, case when ${roles.id} is not null then ${ofRole.json} end,
          ${organizations.path}) order by ${grants.id})
        from ${grants}
          left join ${roles} on ${roles.tenantId} = ${grants.tenantId} and ${roles.id} = ${grants.roleId}
          left join ${organizations} on ${organizations.tenantId} = ${roles.tenantId} and ${organizations.id} = ${roles.organizationId}
        where ${grants.tenantId} = ${TENANT} and ${grants.membershipId} = ${id})`,
      take: (scope, id, json) => {
        const rows = (json ?? []) as [grant: unknown[], role: unknown[] | null, path: OrganizationId[] | null][];
        const loaded = rows.map(([values, own, path]) => ({
          ...ofGrant.row(values),
          ownRole: own && toRole({ role: ofRole.row(own), path }),
        }));
        cameWith(scope).set(id as MembershipId, loaded);
      },
    };
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

/** The grants of a membership. One of a role that the product no longer has gives nothing, and is left out. */
export function listGrants(scope: Scope, catalogue: Catalogue, membership: MembershipId): Soon<GrantOfRole[]> {
  const named = (rows: readonly Loaded[]): GrantOfRole[] =>
    rows.flatMap(({ ownRole, ...grant }) => {
      const fixed = grant.roleKey === null ? undefined : catalogue.roles.get(grant.roleKey);
      const role = ownRole ?? (fixed && ofCatalogue(fixed));
      return role ? [{ ...grant, role }] : [];
    });
  const came = cameWith(scope).get(membership);
  return came ? named(came) : grantsOf(scope).load(membership).then(named);
}
