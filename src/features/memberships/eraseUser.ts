import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { UserId } from "../../ids.js";
import { record } from "../audit/record.js";
import { auditValues } from "../audit/table.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { type UserRow, users } from "../users/table.js";
import { forgetKept } from "./kept.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { remove } from "./remove.js";
import { allRightsOfUser, mustHoldEverywhereNow } from "./rights.js";
import { changeUser, userPayload } from "./suspendUser.js";
import { memberships } from "./table.js";

const form = z.object({ userId: z.string() });

/** All that is left of a person: the audit goes on to name their id. */
const NOBODY = {
  displayName: "Erased person",
  email: null,
  emailVerified: false,
  imageUrl: null,
  locale: null,
  externalId: null,
  metadata: {},
  identity: null,
  status: "SUSPENDED",
} as const;

const isNobody = (person: UserRow): boolean =>
  (Object.keys(NOBODY) as (keyof typeof NOBODY)[]).every(
    (column) => JSON.stringify(person[column]) === JSON.stringify(NOBODY[column]),
  );

/**
 * Ends every membership of a person, and forgets for good who they are: in their row, in what other features know of
 * them, and in what the audit says of them, which verifies as before. Who signs in as they did is somebody new. Of who was
 * erased before nothing is changed, or noted.
 * @throws ExceedsYoursFailure  they hold something that the viewer does not, in a suspended membership or organization as well
 * @throws LastOwnerFailure     they were the last owner
 */
export async function eraseUser(ctx: Context, person: UserRow): Promise<void> {
  const { id } = person;
  const { session, now, root, access } = scopeOf(ctx);
  const { db, tenantId } = session;
  mustHoldEverywhereNow(access, await allRightsOfUser(ctx, id), ["input", "userId"]);

  const theirs = await db
    .select({ id: memberships.id, organizationId: memberships.organizationId, userId: memberships.userId })
    .from(memberships)
    .where(and(eq(memberships.tenantId, tenantId), eq(memberships.userId, id)));
  if (theirs.length === 0 && isNobody(person)) return;
  await remove(ctx, theirs);
  await db
    .update(users)
    .set({ ...NOBODY, updatedAt: now })
    .where(and(eq(users.tenantId, tenantId), eq(users.id, id)));
  await forgetKept(ctx, person);
  await mustKeepOwner(ctx);
  record(ctx, { action: "user.erased", organizationId: root.id, targetType: "User", targetId: id });
  // Last: whoever erases themselves was somewhere, too.
  await db.delete(auditValues).where(and(eq(auditValues.tenantId, tenantId), eq(auditValues.subjectId, id)));
}

mutation<z.output<typeof form>, { id: UserId }>("eraseUser", {
  description:
    "Ends every membership of a person, and erases for good their name, address and all that was noted about them, in the audit too. There is no way back. Needs `members:manage` at the root with reach SUBTREE, and everything that they hold.",
  input: (t) => ({ userId: t.id({ required: true, description: "The person to erase." }) }),
  form,
  payload: userPayload("Nobody can tell any more who the person was."),
  failures: [ExceedsYoursFailure, LastOwnerFailure, NotFoundFailure],
  change: ({ userId }, ctx) => changeUser(ctx, userId, eraseUser),
});
