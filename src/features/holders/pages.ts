import { and, eq, isNull, or, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { RoleId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { type GrantRow, grants, memberships } from "../memberships/table.js";
import { within } from "../organizations/loader.js";
import { organizations } from "../organizations/table.js";
import { users } from "../users/table.js";

/** Not ended by the database's clock. */
export const notEnded = (scope: Scope, end: SQLWrapper): SQL | undefined =>
  or(isNull(end), sql`${end} > ${scope.now.toISOString()}::timestamptz`);

/** The membership counts, and the viewer sees it as a member of an organization. */
export const isKnown = (scope: Scope): SQL | undefined =>
  and(
    eq(memberships.status, "ACTIVE"),
    notEnded(scope, memberships.expiresAt),
    within(scope.access.scope("members:read")),
    within(scope.access.visibleScope()),
  );

/** A grant that counts today, of whom the viewer may know. */
const counts = (scope: Scope): SQL => sql`(${notEnded(scope, grants.expiresAt)} and exists (
  select from ${memberships}
    join ${organizations} on ${organizations.tenantId} = ${memberships.tenantId} and ${organizations.id} = ${memberships.organizationId}
    join ${users} on ${users.tenantId} = ${memberships.tenantId} and ${users.id} = ${memberships.userId}
  where ${memberships.tenantId} = ${grants.tenantId} and ${memberships.id} = ${grants.membershipId}
    and ${users.status} = 'ACTIVE' and ${isKnown(scope)}))`;

const pages = perSession((scope) =>
  pagesOf(scope.session.db, {
    table: grants,
    orders: { ID: { id: grants.id } },
    where: (asked) =>
      and(eq(grants.tenantId, scope.session.tenantId), sql`${grants.roleId} = ${asked.key}`, counts(scope)),
  }),
);

/** A page of the grants of a role of the tenant's own that count today, of those of whom the viewer may know. */
export const grantsOfRole = (scope: Scope, role: RoleId, page: Page): Promise<Placed<GrantRow>[]> =>
  pages(scope).load({ key: role, page, order: "ID" });

const counted = perSession((scope) =>
  oneBy(
    ({ id }: { id: RoleId; memberships: number }) => id,
    (ids: readonly RoleId[]) =>
      scope.session.db
        .select({
          id: sql<RoleId>`${grants.roleId}`,
          memberships: sql<number>`count(distinct ${grants.membershipId})::int`,
        })
        .from(grants)
        .where(
          and(eq(grants.tenantId, scope.session.tenantId), sql`${grants.roleId} = any(${uuids(ids)})`, counts(scope)),
        )
        .groupBy(grants.roleId),
  ),
);

/** How many memberships have these grants. */
export const countMemberships = async (scope: Scope, role: RoleId): Promise<number> =>
  (await counted(scope).load(role))?.memberships ?? 0;
