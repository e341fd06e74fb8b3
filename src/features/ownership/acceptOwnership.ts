import { and, eq, gt } from "drizzle-orm";
import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { idOf } from "../../graphql/nodeId.js";
import type { MembershipId, OwnershipOfferId } from "../../ids.js";
import { record } from "../audit/record.js";
import { isOwners, mustKeepOwner, owningMembershipOf } from "../memberships/lastOwner.js";
import { findMembership } from "../memberships/loader.js";
import { makeOwner } from "../memberships/makeOwner.js";
import { membershipPayload } from "../memberships/membershipPayload.js";
import { grants } from "../memberships/table.js";
import { Membership } from "../memberships/type.js";
import { ownershipOffers } from "./table.js";

const form = z.object({ offerId: z.string() });

interface Accepted {
  readonly id: MembershipId;
  /** The membership of who made the offer. */
  readonly from: MembershipId;
}

/**
 * Makes the viewer an owner of the tenant in place of who offered it, who keeps their membership and all other roles. What is
 * given is theirs to give at this moment: whoever has ceased to be an owner has nothing to hand on. Under the tenant's lock
 * held alone, so that there is an owner at every moment, and never one more.
 * @throws NotFoundFailure  there is no such offer to the viewer, it has ended, or who made it is no owner any more
 */
export async function acceptOwnership(ctx: Context, id: OwnershipOfferId | null): Promise<Accepted> {
  const { session, viewer, root, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const [offer] = id
    ? await db
        .delete(ownershipOffers)
        .where(
          and(
            eq(ownershipOffers.tenantId, tenantId),
            eq(ownershipOffers.id, id),
            eq(ownershipOffers.userId, viewer.id),
            gt(ownershipOffers.expiresAt, now),
          ),
        )
        .returning()
    : [];
  const from = offer && (await owningMembershipOf(ctx, offer.fromUserId));
  if (!from)
    throw new NotFoundFailure("There is no such offer to you, or it does not stand any more. Ask for another one.", [
      "input",
      "offerId",
    ]);

  const { id: membershipId, membership } = await makeOwner(db, tenantId, { userId: viewer.id, root: root.id, at: now });
  await db.delete(grants).where(and(eq(grants.tenantId, tenantId), eq(grants.membershipId, from), isOwners()));
  await mustKeepOwner(ctx);
  record(ctx, {
    action: "ownership.transferred",
    organizationId: root.id,
    targetType: "Membership",
    targetId: membershipId,
    changes: { before: { userId: offer.fromUserId, membershipId: from }, after: { userId: viewer.id }, membership },
  });
  return { id: membershipId, from };
}

const payload = membershipPayload("The viewer owns the tenant.");

mutation<z.output<typeof form>, Accepted>("acceptOwnership", {
  description:
    "Accepts an offer of ownership that was made to the viewer: they own the tenant from now on, and who made the offer does no more, but keeps their membership and all other roles. Needs no permission, and that who made it is an owner still.",
  input: (t) => ({ offerId: t.id({ required: true, description: "The offer to accept." }) }),
  form,
  payload: {
    ...payload,
    fields: (t) => ({
      ...payload.fields(t as never),
      formerOwner: t.field({
        type: Membership,
        nullable: true,
        description: "The membership of who made the offer, without the owner role; null when it is gone already.",
        resolve: ({ from }, _args, ctx) => findMembership(scopeOf(ctx), from),
      }),
    }),
  },
  failures: [NotFoundFailure],
  change: ({ offerId }, ctx) => acceptOwnership(ctx, idOf("OwnershipOffer", offerId)),
});
