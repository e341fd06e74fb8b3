import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { type MutationPayload, mutation } from "../../graphql/mutation.js";
import type { UserId } from "../../ids.js";
import { record } from "../audit/record.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { type UserRow, users } from "../users/table.js";
import { User } from "../users/type.js";
import { getUser } from "./getUser.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { mustHoldEverywhereNow, rightsOfUser } from "./rights.js";
import { visibleUsers } from "./visibleUsers.js";

const form = z.object({ userId: z.string() });
const FIELD = ["input", "userId"];

/**
 * Shuts a person out of the tenant until resumed: for them it does not exist meanwhile. Nothing of theirs is lost.
 * @throws ExceedsYoursFailure  they hold something that the viewer does not
 * @throws LastOwnerFailure     they were the last owner
 */
export async function suspendUser(ctx: Context, user: UserRow): Promise<void> {
  if (user.status === "SUSPENDED") return;
  mustHoldEverywhereNow(scopeOf(ctx).access, await rightsOfUser(ctx, user.id), FIELD);
  await setUserStatus(ctx, user.id, "SUSPENDED");
  await mustKeepOwner(ctx);
}

/** Shuts a person out or lets them in, and notes it. */
export async function setUserStatus(ctx: Context, id: UserId, status: UserRow["status"]): Promise<void> {
  const { session, now, root } = scopeOf(ctx);
  await session.db
    .update(users)
    .set({ status, updatedAt: now })
    .where(and(eq(users.tenantId, session.tenantId), eq(users.id, id)));
  record(ctx, {
    action: status === "SUSPENDED" ? "user.suspended" : "user.resumed",
    organizationId: root.id,
    targetType: "User",
    targetId: id,
  });
}

export const userPayload = (description: string): MutationPayload<{ id: UserId }> => ({
  description,
  fields: (t) => ({
    user: t.field({
      type: User,
      nullable: true,
      description: "The person as they are now; null when the viewer does not see them.",
      resolve: ({ id }, _args, ctx) => visibleUsers(scopeOf(ctx)).load(id),
    }),
  }),
});

/**
 * Changes the person that an input names.
 * @throws NotFoundFailure when there is none whom the viewer could manage
 */
export async function changeUser(ctx: Context, globalId: string, change: typeof suspendUser): Promise<{ id: UserId }> {
  const user = await getUser(ctx, globalId);
  await change(ctx, user);
  return { id: user.id };
}

mutation<z.output<typeof form>, { id: UserId }>("suspendUser", {
  description:
    "Shuts a person out of this tenant until resumed. Needs `members:manage` at the root with reach SUBTREE, and everything that they hold. Nothing happens to one who is suspended.",
  input: (t) => ({ userId: t.id({ required: true, description: "The person to suspend." }) }),
  form,
  payload: userPayload("The person can do nothing here until resumed."),
  failures: [ExceedsYoursFailure, LastOwnerFailure, NotFoundFailure],
  change: ({ userId }, ctx) => changeUser(ctx, userId, suspendUser),
});
