import { and, asc, eq, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { TENANT } from "../../graphql/given.js";
import { manyBy, oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { JoinRequestId, OrganizationId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { organizations } from "../organizations/table.js";
import { type Role, roleOf } from "../roles/role.js";
import {
  type DefaultGrant,
  type JoinPolicyRow,
  type JoinRequestRow,
  joinPolicies,
  joinRequests,
  type OrganizationDomainRow,
  organizationDomains,
} from "./table.js";

/** The domains of each organization, by name; for who manages them there. */
export const domainsOf = perSession(({ session: { db, tenantId } }) =>
  manyBy<OrganizationId, OrganizationDomainRow>(
    (row) => row.organizationId,
    (ids) =>
      db
        .select()
        .from(organizationDomains)
        .where(
          and(
            eq(organizationDomains.tenantId, tenantId),
            sql`${organizationDomains.organizationId} = any(${uuids(ids)})`,
          ),
        )
        .orderBy(sql`${organizationDomains.domain} collate "C"`),
  ),
);

/** How people join each organization; null where nobody ever said. */
export const policyOf = perSession(({ session: { db, tenantId } }) =>
  oneBy<OrganizationId, JoinPolicyRow>(
    (row) => row.organizationId,
    (ids) =>
      db
        .select()
        .from(joinPolicies)
        .where(and(eq(joinPolicies.tenantId, tenantId), sql`${joinPolicies.organizationId} = any(${uuids(ids)})`)),
  ),
);

/** Default grants with their roles, of those that are still usable there, and whether that is all of them. */
export function withRoles(grants: readonly DefaultGrant[], usable: readonly Role[]) {
  const found = grants.flatMap((grant) => {
    const role = roleOf(usable, grant);
    return role ? [{ role, reach: grant.reach, expiresAt: null }] : [];
  });
  return { grants: found, isWhole: found.length === grants.length };
}

const { id, organizationId, status, createdAt } = joinRequests;

const pages = pagesOf({
  table: joinRequests,
  orders: { NEWEST_FIRST: { at: createdAt, id, descending: true } },
  where: (asked) =>
    and(eq(joinRequests.tenantId, TENANT), sql`${organizationId} = ${asked.key}`, asked.isOneOf("status", status)),
});

/** A page of the requests to join an organization, newest first. */
export const joinRequestsOf = (
  scope: Scope,
  organization: OrganizationId,
  page: Page,
  shown: { readonly status?: readonly string[] | null | undefined },
): Promise<Placed<JoinRequestRow>[]> =>
  pages(scope).load({ key: organization, page, order: "NEWEST_FIRST", filter: { ...shown } });

const rowsById = perSession((scope) =>
  oneBy(
    ({ request }: { request: JoinRequestRow; place: Place }) => request.id,
    (ids: readonly JoinRequestId[]) =>
      scope.session.db
        .select({ request: joinRequests, place: { id: organizations.id, path: organizations.path } })
        .from(joinRequests)
        .innerJoin(
          organizations,
          and(eq(organizations.tenantId, joinRequests.tenantId), eq(organizations.id, organizationId)),
        )
        .where(and(eq(joinRequests.tenantId, scope.session.tenantId), sql`${id} = any(${uuids(ids)})`))
        .orderBy(asc(id)),
  ),
);

/** The request of this id, if its organization is visible and the viewer decides who may join it; null otherwise. */
export async function findJoinRequest(scope: Scope, wanted: JoinRequestId): Promise<JoinRequestRow | null> {
  const found = await rowsById(scope).load(wanted);
  if (!found || !scope.access.sees(found.place)) return null;
  return scope.access.allows(found.place, "domains:manage") ? found.request : null;
}
