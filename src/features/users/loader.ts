import { and, eq, sql } from "drizzle-orm";
import { oneBy, perSession } from "../../graphql/loader.js";
import type { UserId } from "../../ids.js";
import { anyOf, arrayOf } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { type UserRow, users } from "./table.js";

const selectById = statement((db) =>
  db
    .select()
    .from(users)
    .where(and(eq(users.tenantId, sql.placeholder("tenant")), anyOf(users.id, "ids"))),
);

/** Users by id, visible or not: only for an id that comes from a row which the viewer sees. */
export const usersById = perSession(({ session }) =>
  oneBy<UserId, UserRow>(
    (row) => row.id,
    (ids) => selectById(session, { tenant: session.tenantId, ids: arrayOf(ids) }),
  ),
);
