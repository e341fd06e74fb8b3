import { and, type SQL, sql } from "drizzle-orm";
import { givenBy, READABLE, TENANT, type Values } from "../../graphql/given.js";
import { manyBy, oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { UserId } from "../../ids.js";
import { anyOf, anyTextOf, arrayOf } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { organizations } from "../organizations/table.js";
import { userColumns } from "../users/loader.js";
import { type UserRow, users } from "../users/table.js";
import { memberships } from "./table.js";

/**
 * A user exists for the viewer: it is the viewer, or a member of an organization where the viewer may read members. Those in
 * no organization exist for who manages the members of the whole tenant. `Access.seesMemberOf` decides the same in memory.
 */
function isVisible(): SQL {
  const ofUser = sql`${memberships.tenantId} = ${users.tenantId} and ${memberships.userId} = ${users.id}`;
  const amongMembers = sql`exists (
    select from ${memberships}
      join ${organizations} on ${organizations.tenantId} = ${memberships.tenantId} and ${organizations.id} = ${memberships.organizationId}
    where ${ofUser} and ${READABLE.has(organizations)})`;
  const nowhere = sql`(${sql.placeholder("all")}::boolean and not exists (select from ${memberships} where ${ofUser}))`;
  return sql`${users.tenantId} = ${TENANT} and (${users.id} = ${sql.placeholder("viewer")} or ${amongMembers} or ${nowhere})`;
}

function giveSeen(values: Values, scope: Scope): Values {
  READABLE.give(values, scope, scope.access.scope("members:read"));
  values.all = scope.access.allowsEverywhere("members:manage");
  values.viewer = scope.viewer.id;
  return values;
}

const selectVisible = (which: SQL) =>
  statement((db) => db.select().from(users).where(and(isVisible(), which)).orderBy(users.id));
const [selectById, selectByEmail, selectByExternalId] = [
  selectVisible(anyOf(users.id, "asked")),
  selectVisible(anyTextOf(users.email, "asked")),
  selectVisible(anyTextOf(users.externalId, "asked")),
];

/** The visible user of this id; null otherwise. */
export const visibleUsers = perSession((scope) =>
  oneBy<UserId, UserRow>(
    (row) => row.id,
    (ids) => selectById(scope.session, { ...giveSeen(givenBy(scope), scope), asked: arrayOf(ids) }),
  ),
);

const byText = (select: ReturnType<typeof selectVisible>, textOf: (row: UserRow) => string | null) =>
  perSession((scope) =>
    manyBy<string, UserRow>(
      (row) => textOf(row) ?? "",
      (asked) => select(scope.session, { ...giveSeen(givenBy(scope), scope), asked: JSON.stringify(asked) }),
    ),
  );
const [byEmail, byExternalId] = [
  byText(selectByEmail, (row) => row.email),
  byText(selectByExternalId, (row) => row.externalId),
];

/** The first made of the visible users that have this address, normalised; null otherwise. */
export const findUserByEmail = async (scope: Scope, email: string): Promise<UserRow | null> =>
  (await byEmail(scope).load(email))[0] ?? null;

/** The first made of the visible users that have this id in the product's own system; null otherwise. */
export const findUserByExternalId = async (scope: Scope, id: string): Promise<UserRow | null> =>
  (await byExternalId(scope).load(id))[0] ?? null;

const pages = pagesOf({
  table: users,
  orders: { NAME_ASC: { text: users.displayName, id: users.id } },
  columns: userColumns,
  where: (asked) =>
    and(isVisible(), asked.matches("pattern", users.displayName, users.email), asked.isOneOf("status", users.status)),
  give: giveSeen,
  seen: READABLE,
});

/** Which users a list shows. */
export interface ShownUsers {
  readonly pattern: string | null;
  readonly status?: readonly string[] | null;
}

/** A page of the visible users, by name. */
export const listUsers = (scope: Scope, page: Page, { pattern, status }: ShownUsers): Promise<Placed<UserRow>[]> =>
  pages(scope).load({ page, order: "NAME_ASC", filter: { pattern, status } });
