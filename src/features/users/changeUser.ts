import { and, eq } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import type { UserId } from "../../ids.js";
import type { Changes } from "../audit/patch.js";
import { record } from "../audit/record.js";
import { users } from "./table.js";

/**
 * Writes down what becomes different of a person.
 * @param besides what follows from it, and is not noted in the audit
 */
export async function changeUser(
  ctx: Context,
  id: UserId,
  changes: Changes,
  besides: { readonly emailVerified?: boolean } = {},
): Promise<void> {
  const { session, now, root } = scopeOf(ctx);
  await session.db
    .update(users)
    .set({ ...changes.after, ...besides, updatedAt: now })
    .where(and(eq(users.tenantId, session.tenantId), eq(users.id, id)));
  record(ctx, { action: "user.updated", organizationId: root.id, targetType: "User", targetId: id, changes });
}
