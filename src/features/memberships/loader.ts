import { and, asc, eq } from "drizzle-orm";
import type { Catalogue } from "../../access/catalogue.js";
import { type ColumnsOf, columnsOf, forEach } from "../../graphql/columns.js";
import { TENANT } from "../../graphql/given.js";
import { manyBy, oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { MembershipId } from "../../ids.js";
import { anyOf, arrayOf } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { organizations } from "../organizations/table.js";
import { roleColumns, toRole } from "../roles/loader.js";
import { ofCatalogue, type Role } from "../roles/role.js";
import { roles } from "../roles/table.js";
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

/** The grants of each membership with their roles, first given first; `[]` where there are none. */
const grantsOf = perSession((scope) =>
  manyBy<MembershipId, GrantRow & { ownRole: Role | null }>(
    (row) => row.membershipId,
    async (ids) => {
      const select = selectGrants(grantColumns(scope))(roleColumns(scope));
      const rows = await select(scope.session, { tenant: scope.session.tenantId, ids: arrayOf(ids) });
      return rows.map(({ grant, role, path }) => ({ ...grant, ownRole: role && toRole({ role, path }) }));
    },
  ),
);

/** The grants of a membership. One of a role that the product no longer has gives nothing, and is left out. */
export async function listGrants(scope: Scope, catalogue: Catalogue, membership: MembershipId): Promise<GrantOfRole[]> {
  return (await grantsOf(scope).load(membership)).flatMap(({ ownRole, ...grant }) => {
    const fixed = grant.roleKey === null ? undefined : catalogue.roles.get(grant.roleKey);
    const role = ownRole ?? (fixed && ofCatalogue(fixed));
    return role ? [{ ...grant, role }] : [];
  });
}
