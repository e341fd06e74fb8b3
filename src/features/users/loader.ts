import { and, eq } from "drizzle-orm";
import { type ColumnsOf, columnsOf, forEach } from "../../graphql/columns.js";
import { TENANT } from "../../graphql/given.js";
import { oneBy, perSession } from "../../graphql/loader.js";
import type { UserId } from "../../ids.js";
import { anyOf, arrayOf } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { type UserRow, users } from "./table.js";

/** What an operation asks for of people. */
export const userColumns = columnsOf(users, "User", ["id"], { uuid: [], memberships: [] });

const selectById = forEach((columns: ColumnsOf<typeof users>) =>
  statement((db) =>
    db
      .select(columns)
      .from(users)
      .where(and(eq(users.tenantId, TENANT), anyOf(users.id, "ids"))),
  ),
);

/** Users by id, visible or not, as far as the operation asks for them: only for an id that comes from a row which the viewer sees. */
export const usersById = perSession((scope) => {
  const columns = userColumns(scope);
  const byId = oneBy<UserId, UserRow>(
    (row) => row.id,
    (ids) => selectById(columns)(scope.session, { tenant: scope.session.tenantId, ids: arrayOf(ids) }),
  );
  const { id, person } = scope.viewer;
  const known: Partial<UserRow> = { id, ...person };
  // Who need not be there yet is looked for.
  if (person && Object.keys(columns).every((column) => column in known)) byId.prime(id, known as UserRow);
  return byId;
});
