import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { MembershipId, UserId } from "../../ids.js";
import { record } from "../audit/record.js";
import { auditValues } from "../audit/table.js";
import { organizations } from "../organizations/table.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { type UserRow, users } from "../users/table.js";
import { getUser } from "./getUser.js";
import { forgetKept } from "./kept.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { remove } from "./remove.js";
import { allRightsOfUser, mustHoldEverywhereNow } from "./rights.js";
import { userPayload } from "./suspendUser.js";
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
 * @returns the memberships of which the viewer knew
 * @throws ExceedsYoursFailure  they hold something that the viewer does not, in a suspended membership or organization as well
 * @throws LastOwnerFailure     they were the last owner
 */
export async function eraseUser(ctx: Context, person: UserRow): Promise<MembershipId[]> {
  const { id } = person;
  const { session, now, root, access } = scopeOf(ctx);
  const { db, tenantId } = session;
  mustHoldEverywhereNow(access, await allRightsOfUser(ctx, id), ["input", "userId"]);

  const theirs = await db
    .select({
      id: memberships.id,
      organizationId: memberships.organizationId,
      userId: memberships.userId,
      at: { id: organizations.id, path: organizations.path },
    })
    .from(memberships)
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
    )
    .where(and(eq(memberships.tenantId, tenantId), eq(memberships.userId, id)));
  if (theirs.length === 0 && isNobody(person)) return [];
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
  return theirs.filter(({ at }) => access.allows(at, "members:read")).map((membership) => membership.id);
}

const { description, fields } = userPayload("Nobody can tell any more who the person was.");

mutation<z.output<typeof form>, { id: UserId; removed: readonly MembershipId[] }>("eraseUser", {
  description:
    "Ends every membership of a person, and erases for good their name, address and all that was noted about them, in the audit too. There is no way back. Needs `members:manage` at the root with reach SUBTREE, and everything that they hold.",
  input: (t) => ({ userId: t.id({ required: true, description: "The person to erase." }) }),
  form,
  payload: {
    description,
    fields: (t) => ({
      ...fields(t as never),
      removedMembershipIds: t.idList({
        description: "The ids of the memberships that are gone, but for those where the viewer may not read members.",
        resolve: ({ removed }) => removed.map((id) => encodeId("Membership", id)),
      }),
    }),
  },
  failures: [ExceedsYoursFailure, LastOwnerFailure, NotFoundFailure],
  change: async ({ userId }, ctx) => {
    const user = await getUser(ctx, userId);
    return { id: user.id, removed: await eraseUser(ctx, user) };
  },
});
