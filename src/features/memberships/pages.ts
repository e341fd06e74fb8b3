import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Asked, Order } from "../../graphql/order.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { RoleId, UserId } from "../../ids.js";
import { within } from "../organizations/loader.js";
import { organizations } from "../organizations/table.js";
import { roles } from "../roles/table.js";
import { users } from "../users/table.js";
import { grants, type MembershipRow, memberships } from "./table.js";

const { id, createdAt, organizationId, userId, expiresAt, status } = memberships;

const byName: Order = {
  text: users.displayName,
  id,
  join: { table: users, on: sql`${users.tenantId} = ${memberships.tenantId} and ${users.id} = ${userId}` },
};
const ORDERS = {
  ID: { id },
  NAME_ASC: byName,
  NAME_DESC: { ...byName, descending: true },
  CREATED_AT_ASC: { at: createdAt, id },
  CREATED_AT_DESC: { at: createdAt, id, descending: true },
} satisfies Record<string, Order>;
export type MembershipsBy = keyof typeof ORDERS;

/** A membership as a list shows it. */
export interface Listed extends MembershipRow {
  readonly via?: "DIRECT" | "INHERITED";
}

/** Which of its memberships a list shows. */
export interface ShownMemberships {
  readonly pattern: string | null;
  readonly status: readonly string[];
  readonly via: readonly string[];
  readonly expiresBefore: Date | null;
  readonly reach: "ORGANIZATION" | "SUBTREE" | null;
  /** A role by one of its names: of the catalogue, of the tenant's own whatever its organization, or by id. */
  readonly fixedRole?: string;
  readonly ownRole?: string;
  readonly roleId?: RoleId;
}

const notEnded = (scope: Scope, end: typeof expiresAt | typeof grants.expiresAt) =>
  sql`(${end} is null or ${end} > ${scope.now.toISOString()}::timestamptz)`;

/** A live grant of the row's membership, to which the condition applies. */
const hasGrant = (scope: Scope, condition: SQL) => sql`exists (
  select from ${grants}
    left join ${roles} on ${roles.tenantId} = ${grants.tenantId} and ${roles.id} = ${grants.roleId}
  where ${grants.tenantId} = ${memberships.tenantId} and ${grants.membershipId} = ${id}
    and ${notEnded(scope, grants.expiresAt)} and ${condition})`;

const shownOf = (scope: Scope, asked: Asked) => {
  const [fixed, own, role] = [asked.value("fixedRole"), asked.value("ownRole"), asked.value("roleId")];
  const [anyRole, reach] = [sql`coalesce(${fixed}, ${own}, ${role}) is null`, asked.value("reach")];
  return and(
    eq(memberships.tenantId, scope.session.tenantId),
    asked.isOneOf("status", sql`(case when ${notEnded(scope, expiresAt)} then ${status} else 'EXPIRED' end)`),
    sql`(${asked.value("expiresBefore")} is null or ${expiresAt} < ${asked.value("expiresBefore")}::timestamptz)`,
    sql`(${anyRole} and ${reach} is null or ${hasGrant(
      scope,
      sql`(${anyRole} or ${grants.roleKey} = ${fixed} or ${roles.key} = ${own} or ${grants.roleId} = ${role}::uuid)
        and (${reach} is null or ${grants.reach} = ${reach})`,
    )})`,
    sql`(${asked.value("pattern")} is null or exists (
      select from ${users} where ${users.tenantId} = ${memberships.tenantId} and ${users.id} = ${userId}
        and ${asked.matches("pattern", users.displayName, users.email)}))`,
  );
};

/** The membership's organization is visible, and in the scope that the list asks for. */
const inScope = (scope: Scope, asked: Asked) => sql`exists (
  select from ${organizations}
  where ${organizations.tenantId} = ${memberships.tenantId} and ${organizations.id} = ${organizationId}
    and ${asked.inScope(organizations)} and ${within(scope.access.visibleScope())})`;

const pages = perSession((scope) => {
  const list = (where: (asked: Asked) => SQL | undefined) =>
    pagesOf(scope.session.db, { table: memberships, orders: ORDERS, where });
  return {
    direct: list((asked) => and(sql`${organizationId} = ${asked.key}`, shownOf(scope, asked))),
    // Members of organizations above are shown where their own organization shows them.
    reaching: list((asked) =>
      and(
        sql`${organizationId} in (select jsonb_array_elements_text(${asked.list("places")})::uuid)`,
        sql`(${organizationId} = ${asked.key} or ${hasGrant(scope, sql`${grants.reach} = 'SUBTREE'`)})`,
        inScope(scope, asked),
        shownOf(scope, asked),
      ),
    ),
    ofUser: list((asked) =>
      and(
        eq(memberships.tenantId, scope.session.tenantId),
        sql`${userId} = ${asked.key}`,
        notEnded(scope, expiresAt),
        inScope(scope, asked),
      ),
    ),
  };
});

/** A page of the memberships of an organization, in which the viewer may read members, and of those that reach it from above. */
export async function membershipsOf(
  scope: Scope,
  { id: key, path }: Place,
  page: Page,
  order: MembershipsBy,
  { via, ...shown }: ShownMemberships,
): Promise<Placed<Listed>[]> {
  if (!via.includes("INHERITED"))
    return via.length === 0 ? [] : pages(scope).direct.load({ key, page, order, filter: { ...shown } });
  const places = via.includes("DIRECT") ? [...path, key] : path;
  const found = await pages(scope).reaching.load({
    key,
    page,
    order,
    filter: { ...shown, places },
    scope: scope.access.scope("members:read"),
  });
  return found.map(({ row, place }) => ({
    row: { ...row, via: row.organizationId === key ? "DIRECT" : "INHERITED" },
    place,
  }));
}

/** A page of a user's memberships: where the viewer may read members and sees the organization; for oneself, where one sees it. */
export const membershipsOfUser = (scope: Scope, user: UserId, page: Page): Promise<Placed<MembershipRow>[]> =>
  pages(scope).ofUser.load({
    key: user,
    page,
    order: "ID",
    scope: user === scope.viewer.id ? scope.access.visibleScope() : scope.access.scope("members:read"),
  });
