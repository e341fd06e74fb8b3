import { and, eq, type SQL, sql } from "drizzle-orm";
import { givenBy, hasNotEnded, READABLE, TENANT, type Values, VISIBLE } from "../../graphql/given.js";
import { oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { RoleId } from "../../ids.js";
import { anyOf, arrayOf } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { type GrantRow, grants, memberships } from "../memberships/table.js";
import { organizations } from "../organizations/table.js";
import { users } from "../users/table.js";

/** The membership counts, and the viewer sees it as a member of an organization. For a statement that is given `knownTo`. */
export const isKnown = (): SQL | undefined =>
  and(
    eq(memberships.status, "ACTIVE"),
    hasNotEnded(memberships.expiresAt),
    READABLE.has(organizations),
    VISIBLE.has(organizations),
  );

export function giveKnown(values: Values, scope: Scope): Values {
  READABLE.give(values, scope, scope.access.scope("members:read"));
  return VISIBLE.give(values, scope, scope.access.visibleScope());
}

/** A grant that counts today, of whom the viewer may know. */
const counts = (): SQL => sql`(${hasNotEnded(grants.expiresAt)} and exists (
  select from ${memberships}
    join ${organizations} on ${organizations.tenantId} = ${memberships.tenantId} and ${organizations.id} = ${memberships.organizationId}
    join ${users} on ${users.tenantId} = ${memberships.tenantId} and ${users.id} = ${memberships.userId}
  where ${memberships.tenantId} = ${grants.tenantId} and ${memberships.id} = ${grants.membershipId}
    and ${users.status} = 'ACTIVE' and ${isKnown()}))`;

const pages = pagesOf({
  table: grants,
  orders: { ID: { id: grants.id } },
  where: (asked) => and(eq(grants.tenantId, TENANT), sql`${grants.roleId} = ${asked.key}`, counts()),
  give: giveKnown,
});

/** A page of the grants of a role of the tenant's own that count today, of those of whom the viewer may know. */
export const grantsOfRole = (scope: Scope, role: RoleId, page: Page): Promise<Placed<GrantRow>[]> =>
  pages(scope).load({ key: role, page, order: "ID" });

const selectCounts = statement((db) =>
  db
    .select({
      id: sql<RoleId>`${grants.roleId}`,
      memberships: sql<number>`count(distinct ${grants.membershipId})::int`,
    })
    .from(grants)
    .where(and(eq(grants.tenantId, TENANT), anyOf(grants.roleId, "ids"), counts()))
    .groupBy(grants.roleId),
);

const counted = perSession((scope) =>
  oneBy(
    ({ id }: { id: RoleId; memberships: number }) => id,
    (ids: readonly RoleId[]) => selectCounts(scope.session, { ...giveKnown(givenBy(scope), scope), ids: arrayOf(ids) }),
  ),
);

/** How many memberships have these grants. */
export const countMemberships = async (scope: Scope, role: RoleId): Promise<number> =>
  (await counted(scope).load(role))?.memberships ?? 0;
