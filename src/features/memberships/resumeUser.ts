import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { UserId } from "../../ids.js";
import { ExceedsYoursFailure, mustHold } from "../roles/exceedsYours.js";
import type { UserRow } from "../users/table.js";
import { mustHoldEverywhere, rightsOfUser } from "./rights.js";
import { changeUser, setUserStatus, userPayload } from "./suspendUser.js";

const form = z.object({ userId: z.string() });
const FIELD = ["input", "userId"];

/**
 * Lets a suspended person in again. All that their memberships give is given anew, so whoever does it must hold that.
 * @throws ExceedsYoursFailure  they would hold more than the viewer, or for longer
 */
export async function resumeUser(ctx: Context, user: UserRow): Promise<void> {
  if (user.status === "ACTIVE") return;
  const { access, root } = scopeOf(ctx);
  mustHold(access, { permissions: [], at: root, reach: "SUBTREE", until: null }, "members:manage", FIELD);
  mustHoldEverywhere(access, await rightsOfUser(ctx, user.id), FIELD);
  await setUserStatus(ctx, user.id, "ACTIVE");
}

mutation<z.output<typeof form>, { id: UserId }>("resumeUser", {
  description:
    "Lets a suspended person in again. Needs `members:manage` at the root with reach SUBTREE, and everything that they will hold, as far and as long. Nothing happens to one who is not suspended.",
  input: (t) => ({ userId: t.id({ required: true, description: "The person to resume." }) }),
  form,
  payload: userPayload("The person may act again."),
  failures: [ExceedsYoursFailure, NotFoundFailure],
  change: ({ userId }, ctx) => changeUser(ctx, userId, resumeUser),
});
