import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { columnsOf } from "../../graphql/columns.js";
import { hasNotEnded, READABLE, TENANT, VISIBLE } from "../../graphql/given.js";
import type { Along } from "../../graphql/list.js";
import { oncePerSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Asked, Order } from "../../graphql/order.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { OrganizationId, RoleId, UserId } from "../../ids.js";
import { organizationColumns, organizationsById } from "../organizations/loader.js";
import { organizations } from "../organizations/table.js";
import { roles } from "../roles/table.js";
import { userColumns, usersById } from "../users/loader.js";
import { users } from "../users/table.js";
import { withGrants } from "./loader.js";
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

/** A live grant of the row's membership, to which the condition applies. */
const hasGrant = (condition: SQL) => sql`exists (
  select from ${grants}
    left join ${roles} on ${roles.tenantId} = ${grants.tenantId} and ${roles.id} = ${grants.roleId}
  where ${grants.tenantId} = ${memberships.tenantId} and ${grants.membershipId} = ${id}
    and ${hasNotEnded(grants.expiresAt)} and ${condition})`;

/** @param counts  which of a membership's grants count for the list */
const shownOf = (asked: Asked, counts: SQL = sql`true`) => {
  const given = (condition: SQL, ...names: string[]) => (names.some(asked.isGiven) ? condition : undefined);
  const [fixed, own, role] = [asked.value("fixedRole"), asked.value("ownRole"), asked.value("roleId")];
  const [anyRole, reach] = [sql`coalesce(${fixed}, ${own}, ${role}) is null`, asked.value("reach")];
  return and(
    eq(memberships.tenantId, TENANT),
    asked.isOneOf("status", sql`(case when ${hasNotEnded(expiresAt)} then ${status} else 'EXPIRED' end)`),
    given(
      sql`(${asked.value("expiresBefore")} is null or ${expiresAt} < ${asked.value("expiresBefore")}::timestamptz)`,
      "expiresBefore",
    ),
    given(
      sql`(${anyRole} and ${reach} is null or ${hasGrant(
        sql`(${anyRole} or ${grants.roleKey} = ${fixed} or ${roles.key} = ${own} or ${grants.roleId} = ${role}::uuid)
        and (${reach} is null or ${grants.reach} = ${reach}) and ${counts}`,
      )})`,
      "fixedRole",
      "ownRole",
      "roleId",
      "reach",
    ),
    given(
      sql`(${asked.value("pattern")} is null or exists (
      select from ${users} where ${users.tenantId} = ${memberships.tenantId} and ${users.id} = ${userId}
        and ${asked.matches("pattern", users.displayName, users.email)}))`,
      "pattern",
    ),
  );
};

/** The membership's organization is visible, and members may be read in it; of one's own memberships, it is visible. */
const isShown = (isOwn: SQL = sql`false`) => sql`(${VISIBLE.isAll} and ${READABLE.isAll} or exists (
  select from ${organizations}
  where ${organizations.tenantId} = ${memberships.tenantId} and ${organizations.id} = ${organizationId}
    and (${isOwn} or ${READABLE.has(organizations)}) and ${VISIBLE.has(organizations)}))`;

/** What an operation asks for of memberships. */
const membershipColumns = columnsOf(memberships, "Membership", ["id", "organizationId", "userId"], {
  user: [],
  organization: [],
  status: ["status", "expiresAt"],
  via: [],
  roles: [],
  grants: [],
});

type Comes = Along<typeof memberships>;
/** Members are many people. */
const withUser: Comes = {
  isAsked: ({ fields }) => fields?.get("Membership")?.has("user") === true,
  isMany: () => true,
  table: users,
  columns: userColumns,
  by: "userId",
  rows: usersById as never,
};
/** A person is in as many organizations; the people of a page are in few, over and over. */
const withOrganization: Comes = {
  isAsked: ({ fields }) => fields?.get("Membership")?.has("organization") === true,
  isMany: (lists) => lists === 1,
  table: organizations,
  columns: organizationColumns,
  by: "organizationId",
  rows: organizationsById as never,
};

const list = (along: Comes, where: (asked: Asked) => SQL | undefined) =>
  pagesOf({
    table: memberships,
    orders: ORDERS,
    where,
    columns: membershipColumns,
    along: [along],
    gathered: withGrants,
    give: (values, scope) => {
      values.viewer = scope.viewer.id;
      VISIBLE.give(values, scope, scope.access.visibleScope());
      READABLE.give(values, scope, scope.access.scope("members:read"));
    },
  });

const directPages = list(withUser, (asked) => and(sql`${organizationId} = ${asked.key}`, shownOf(asked)));

// Members of organizations above are shown where their own organization shows them, by what of theirs reaches down.
const reachingPages = list(withUser, (asked) => {
  const reaches = sql`${grants.reach} = 'SUBTREE'`;
  return and(
    sql`${organizationId} in (select jsonb_array_elements_text(${asked.list("places")})::uuid)`,
    sql`(${organizationId} = ${asked.key} or ${hasGrant(reaches)})`,
    isShown(),
    shownOf(asked, sql`(${organizationId} = ${asked.key} or ${reaches})`),
  );
});

const pagesOfUser = list(withOrganization, (asked) =>
  and(
    eq(memberships.tenantId, TENANT),
    sql`${userId} = ${asked.key}`,
    hasNotEnded(expiresAt),
    isShown(sql`${asked.key} = ${sql.placeholder("viewer")}`),
  ),
);

/** A page of the memberships of an organization, in which the viewer may read members, and of those that reach it from above. */
export async function membershipsOf(
  scope: Scope,
  { id: key, path }: Place,
  page: Page,
  order: MembershipsBy,
  { via, ...shown }: ShownMemberships,
): Promise<Placed<Listed>[]> {
  if (!via.includes("INHERITED"))
    return via.length === 0 ? [] : directPages(scope).load({ key, page, order, filter: { ...shown } });
  const places = via.includes("DIRECT") ? [...path, key] : path;
  return listed(scope, key, await reachingPages(scope).load({ key, page, order, filter: { ...shown, places } }));
}

/** By the page as it was read, which is the same for whoever asks for it. */
const listedOnce = oncePerSession<readonly Placed<MembershipRow>[], Placed<Listed>[]>();

/** The memberships as the list of an organization shows them. */
function listed(scope: Scope, key: OrganizationId, found: readonly Placed<MembershipRow>[]): Placed<Listed>[] {
  return listedOnce(scope, found, () =>
    found.map(({ row, place }) => ({
      row: { ...row, via: row.organizationId === key ? ("DIRECT" as const) : ("INHERITED" as const) },
      place,
    })),
  );
}

/** A page of a user's memberships: where the viewer may read members and sees the organization; for oneself, where one sees it. */
export const membershipsOfUser = (scope: Scope, user: UserId, page: Page): Promise<Placed<MembershipRow>[]> =>
  pagesOfUser(scope).load({ key: user, page, order: "ID" });
