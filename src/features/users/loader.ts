import { and, eq, sql } from "drizzle-orm";
import { oneBy, perSession } from "../../graphql/loader.js";
import type { UserId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { type UserRow, users } from "./table.js";

/** Users by id, visible or not: only for an id that comes from a row which the viewer sees. */
export const usersById = perSession(({ session: { db, tenantId } }) =>
  oneBy<UserId, UserRow>(
    (row) => row.id,
    (ids) =>
      db
        .select()
        .from(users)
        .where(and(eq(users.tenantId, tenantId), sql`${users.id} = any(${uuids(ids)})`)),
  ),
);
