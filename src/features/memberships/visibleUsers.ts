import { and, type SQL, sql } from "drizzle-orm";
import { manyBy, oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { UserId } from "../../ids.js";
import { texts, uuids } from "../../tenancy/arrays.js";
import { within } from "../organizations/loader.js";
import { organizations } from "../organizations/table.js";
import { type UserRow, users } from "../users/table.js";
import { memberships } from "./table.js";

/**
 * A user exists for the viewer: it is the viewer, or a member of an organization where the viewer may read members. Those in
 * no organization exist for who manages the members of the whole tenant. `Access.seesMemberOf` decides the same in memory.
 */
function isVisible({ access, viewer, session }: Scope): SQL {
  const ofUser = sql`${memberships.tenantId} = ${users.tenantId} and ${memberships.userId} = ${users.id}`;
  const amongMembers = sql`exists (
    select from ${memberships}
      join ${organizations} on ${organizations.tenantId} = ${memberships.tenantId} and ${organizations.id} = ${memberships.organizationId}
    where ${ofUser} and ${within(access.scope("members:read"))})`;
  const nowhere = sql`(${access.allowsEverywhere("members:manage")}::boolean
    and not exists (select from ${memberships} where ${ofUser}))`;
  return sql`${users.tenantId} = ${session.tenantId} and (${users.id} = ${viewer.id} or ${amongMembers} or ${nowhere})`;
}

/** The visible user of this id; null otherwise. */
export const visibleUsers = perSession((scope) =>
  oneBy<UserId, UserRow>(
    (row) => row.id,
    (ids) =>
      scope.session.db
        .select()
        .from(users)
        .where(and(isVisible(scope), sql`${users.id} = any(${uuids(ids)})`)),
  ),
);

const byEmail = perSession((scope) =>
  manyBy<string, UserRow>(
    (row) => row.email ?? "",
    (addresses) =>
      scope.session.db
        .select()
        .from(users)
        .where(and(isVisible(scope), sql`${users.email} = any(${texts(addresses)})`))
        .orderBy(users.id),
  ),
);

const byExternalId = perSession((scope) =>
  manyBy<string, UserRow>(
    (row) => row.externalId ?? "",
    (ids) =>
      scope.session.db
        .select()
        .from(users)
        .where(and(isVisible(scope), sql`${users.externalId} = any(${texts(ids)})`))
        .orderBy(users.id),
  ),
);

/** The first made of the visible users that have this address, normalised; null otherwise. */
export const findUserByEmail = async (scope: Scope, email: string): Promise<UserRow | null> =>
  (await byEmail(scope).load(email))[0] ?? null;

/** The first made of the visible users that have this id in the product's own system; null otherwise. */
export const findUserByExternalId = async (scope: Scope, id: string): Promise<UserRow | null> =>
  (await byExternalId(scope).load(id))[0] ?? null;

const pages = perSession((scope) =>
  pagesOf(scope.session.db, {
    table: users,
    orders: { NAME_ASC: { text: users.displayName, id: users.id } },
    where: (asked) =>
      and(
        isVisible(scope),
        asked.matches("pattern", users.displayName, users.email),
        asked.isOneOf("status", users.status),
      ),
  }),
);

/** Which users a list shows. */
export interface ShownUsers {
  readonly pattern: string | null;
  readonly status?: readonly string[] | null;
}

/** A page of the visible users, by name. */
export const listUsers = (scope: Scope, page: Page, { pattern, status }: ShownUsers): Promise<Placed<UserRow>[]> =>
  pages(scope).load({ page, order: "NAME_ASC", filter: { pattern, status } });
