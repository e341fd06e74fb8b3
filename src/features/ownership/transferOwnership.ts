import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import { newId, type OwnershipOfferId, type UserId } from "../../ids.js";
import { type Happened, record } from "../audit/record.js";
import { getUser } from "../memberships/getUser.js";
import { mustBeAhead } from "../memberships/grantInput.js";
import { owningMembershipOf } from "../memberships/lastOwner.js";
import type { UserRow } from "../users/table.js";
import { ownershipOffers } from "./table.js";
import { OwnershipOffer, offersOf } from "./type.js";

export class NotOwnerFailure extends Failure {
  override readonly name = "NotOwnerFailure";
  readonly code = "NOT_OWNER";
}
failureType(NotOwnerFailure, "The viewer does not own the tenant, and so has nothing to offer.");

const DAY_MS = 86_400_000;
const OPEN_FOR_DAYS = 7;
const MOST_DAYS = 30;

const form = z.object({ userId: z.string(), expiresAt: z.date().nullish() });
const FIELD = ["input", "userId"];

/**
 * Offers somebody the ownership of the tenant, in place of what the viewer offered before. Nothing is given until they accept.
 * @throws NotOwnerFailure      the viewer is no owner: one without an end, for everything below the root
 * @throws InvalidInputFailure  the person owns the tenant already, or is suspended
 */
export async function transferOwnership(ctx: Context, to: UserRow, expiresAt: Date): Promise<OwnershipOfferId> {
  const { session, viewer, root, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  if (!(await owningMembershipOf(ctx, viewer.id)))
    throw new NotOwnerFailure("Only an owner of the tenant can offer it: one without an end, with reach SUBTREE.");
  if (await owningMembershipOf(ctx, to.id))
    throw new InvalidInputFailure("This person owns the tenant already. Name somebody else.", FIELD);
  if (to.status === "SUSPENDED")
    throw new InvalidInputFailure("This person is suspended, and could not accept. Resume them first.", FIELD);

  const withdrawn = await db
    .delete(ownershipOffers)
    .where(and(eq(ownershipOffers.tenantId, tenantId), eq(ownershipOffers.fromUserId, viewer.id)))
    .returning();
  const id = newId<OwnershipOfferId>();
  await db
    .insert(ownershipOffers)
    .values({ tenantId, id, fromUserId: viewer.id, userId: to.id, expiresAt, createdAt: now });
  const about = (targetId: UserId) => ({ organizationId: root.id, targetType: "User", targetId });
  // One that had ended is not withdrawn any more.
  const open = withdrawn.filter((offer) => offer.expiresAt > now);
  record(ctx, ...open.map(({ userId }): Happened => ({ ...about(userId), action: "ownership.withdrawn" })), {
    ...about(to.id),
    action: "ownership.offered",
    changes: { expiresAt },
  });
  return id;
}

mutation<z.output<typeof form>, { id: OwnershipOfferId }>("transferOwnership", {
  description: `Offers somebody the ownership of the tenant: when they accept, they own it, and the viewer does no more. Until then nothing changes. An offer that the viewer made before is withdrawn. It is open for ${OPEN_FOR_DAYS} days unless an end is given. Needs no permission, and an owner of the tenant.`,
  input: (t) => ({
    userId: t.id({ required: true, description: "Whom it is offered to." }),
    expiresAt: t.field({
      type: "DateTime",
      description: `Until when they can accept: ${MOST_DAYS} days at most. Left out for ${OPEN_FOR_DAYS} days.`,
    }),
  }),
  form,
  payload: {
    description: "The offer was made.",
    fields: (t) => ({
      offer: t.field({
        type: OwnershipOffer,
        nullable: true,
        description: "The offer; null when it is not open any more.",
        resolve: async ({ id }, _args, ctx) => (await offersOf(ctx)).find((offer) => offer.id === id) ?? null,
      }),
    }),
  },
  failures: [NotOwnerFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ userId, expiresAt }, ctx) => {
    const { now, viewer } = scopeOf(ctx);
    const to = await getUser(ctx, userId);
    if (to.id === viewer.id) throw new InvalidInputFailure("This is you. Name somebody else.", FIELD);
    const field = ["input", "expiresAt"];
    const end = mustBeAhead(expiresAt, now, field) ?? new Date(now.getTime() + OPEN_FOR_DAYS * DAY_MS);
    if (end.getTime() > now.getTime() + MOST_DAYS * DAY_MS)
      throw new InvalidInputFailure(`An offer is open for ${MOST_DAYS} days at most.`, field);
    return { id: await transferOwnership(ctx, to, end) };
  },
});
