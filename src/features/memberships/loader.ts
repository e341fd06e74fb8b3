import { and, asc, eq, sql } from "drizzle-orm";
import type { Catalogue } from "../../access/catalogue.js";
import { manyBy, oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page } from "../../graphql/page.js";
import { type Asked, type Order, pagesOf } from "../../graphql/pages.js";
import type { MembershipId, OrganizationId, UserId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { within } from "../organizations/loader.js";
import { organizations } from "../organizations/table.js";
import { toRole } from "../roles/loader.js";
import { ofCatalogue, type Role } from "../roles/role.js";
import { roles } from "../roles/table.js";
import { type UserRow, users } from "../users/table.js";
import { type GrantRow, grants, type MembershipRow, memberships } from "./table.js";

const BY_ID: Order = { id: memberships.id };
export const placeInList = (row: MembershipRow): string[] => [row.id];

const ofTenant = (scope: Scope) => eq(memberships.tenantId, scope.session.tenantId);
// Ended memberships are listed only for who asks for them.
const notEnded = (scope: Scope) =>
  sql`(${memberships.expiresAt} is null or ${memberships.expiresAt} > ${scope.now.toISOString()}::timestamptz)`;

/** The membership's organization is visible, and in the scope that the list asks for. */
const inScope = (scope: Scope, asked: Asked) => sql`exists (
  select from ${organizations}
  where ${organizations.tenantId} = ${memberships.tenantId} and ${organizations.id} = ${memberships.organizationId}
    and ${asked.inScope(organizations)} and ${within(scope.access.visibleScope())})`;

const pages = perSession((scope) => ({
  ofOrganization: pagesOf(scope.session.db, memberships, BY_ID, ({ key }) =>
    and(ofTenant(scope), sql`${memberships.organizationId} = ${key}`, notEnded(scope)),
  ),
  ofUser: pagesOf(scope.session.db, memberships, BY_ID, (asked) =>
    and(ofTenant(scope), sql`${memberships.userId} = ${asked.key}`, notEnded(scope), inScope(scope, asked)),
  ),
}));

/** A page of the memberships of an organization, in which the viewer may read members. */
export const membershipsOf = (scope: Scope, organization: OrganizationId, page: Page): Promise<MembershipRow[]> =>
  pages(scope).ofOrganization.load({ key: organization, page });

/** A page of a user's memberships: where the viewer may read members and sees the organization; for oneself, where one sees it. */
export function membershipsOfUser(scope: Scope, user: UserId, page: Page): Promise<MembershipRow[]> {
  return pages(scope).ofUser.load({
    key: user,
    page,
    scope: user === scope.viewer.id ? scope.access.visibleScope() : scope.access.scope("members:read"),
  });
}

/** The membership of this id, if its organization is visible and it is the viewer's own or members may be read there. */
export const findMembership = async (scope: Scope, id: MembershipId): Promise<MembershipRow | null> => {
  const found = await rowsById(scope).load(id);
  if (!found || !scope.access.sees(found.place)) return null;
  const { membership, place } = found;
  return membership.userId === scope.viewer.id || scope.access.allows(place, "members:read") ? membership : null;
};

const rowsById = perSession((scope) =>
  oneBy(
    ({ membership }: { membership: MembershipRow }) => membership.id,
    (ids: readonly MembershipId[]) =>
      scope.session.db
        .select({ membership: memberships, place: { id: organizations.id, path: organizations.path } })
        .from(memberships)
        .innerJoin(
          organizations,
          and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
        )
        .where(and(ofTenant(scope), sql`${memberships.id} = any(${uuids(ids)})`)),
  ),
);

export interface GrantOfRole extends GrantRow {
  readonly role: Role;
}

/** The grants of each membership with their roles, first given first; `[]` where there are none. */
const grantsOf = perSession((scope) =>
  manyBy<MembershipId, GrantRow & { ownRole: Role | null }>(
    (row) => row.membershipId,
    async (ids) => {
      const rows = await scope.session.db
        .select({ grant: grants, role: roles, path: organizations.path })
        .from(grants)
        .leftJoin(roles, and(eq(roles.tenantId, grants.tenantId), eq(roles.id, grants.roleId)))
        .leftJoin(
          organizations,
          and(eq(organizations.tenantId, roles.tenantId), eq(organizations.id, roles.organizationId)),
        )
        .where(and(eq(grants.tenantId, scope.session.tenantId), sql`${grants.membershipId} = any(${uuids(ids)})`))
        .orderBy(asc(grants.id));
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

/** The user of this id, if it is the viewer, or a member where the viewer may read members; null otherwise. */
export const visibleUsers = perSession((scope) =>
  oneBy<UserId, UserRow>(
    (row) => row.id,
    (ids) => {
      const mayRead = sql`exists (
        select from ${memberships}
          join ${organizations} on ${organizations.tenantId} = ${memberships.tenantId} and ${organizations.id} = ${memberships.organizationId}
        where ${memberships.tenantId} = ${users.tenantId} and ${memberships.userId} = ${users.id}
          and ${within(scope.access.scope("members:read"))})`;
      return scope.session.db
        .select()
        .from(users)
        .where(
          and(
            eq(users.tenantId, scope.session.tenantId),
            sql`${users.id} = any(${uuids(ids)})`,
            sql`(${users.id} = ${scope.viewer.id} or ${mayRead})`,
          ),
        );
    },
  ),
);
