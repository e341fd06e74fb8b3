import { and, eq, or } from "drizzle-orm";
import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { encodeId, idOf } from "../../graphql/nodeId.js";
import type { OwnershipOfferId } from "../../ids.js";
import { record } from "../audit/record.js";
import { ownershipOffers } from "./table.js";

const form = z.object({ offerId: z.string() });

/**
 * Closes an offer of ownership, which nobody can accept any more: withdrawn by who made it, or declined by whom it was made to.
 * Of a call at once with an acceptance, one finds that the other was first.
 * @throws NotFoundFailure  the viewer has made no such offer, and none was made to them
 */
export async function closeOwnershipOffer(ctx: Context, id: OwnershipOfferId | null): Promise<OwnershipOfferId> {
  const { session, viewer, root } = scopeOf(ctx);
  const { tenantId, userId, fromUserId } = ownershipOffers;
  const isTheirs = or(eq(userId, viewer.id), eq(fromUserId, viewer.id));
  const [offer] = id
    ? await session.db
        .delete(ownershipOffers)
        .where(and(eq(tenantId, session.tenantId), eq(ownershipOffers.id, id), isTheirs))
        .returning()
    : [];
  if (!offer)
    throw new NotFoundFailure("There is no such offer of yours, or to you. It may have been closed already.", [
      "input",
      "offerId",
    ]);
  record(ctx, {
    action: offer.userId === viewer.id ? "ownership.declined" : "ownership.withdrawn",
    organizationId: root.id,
    targetType: "User",
    targetId: offer.userId,
  });
  return offer.id;
}

mutation<z.output<typeof form>, { id: OwnershipOfferId }>("closeOwnershipOffer", {
  description: "Withdraws an offer of ownership that the viewer made, or declines one that was made to them.",
  input: (t) => ({ offerId: t.id({ required: true, description: "The offer to close." }) }),
  form,
  payload: {
    description: "Nobody can accept the offer any more.",
    fields: (t) => ({
      closedOfferId: t.id({ description: "The id it had.", resolve: ({ id }) => encodeId("OwnershipOffer", id) }),
    }),
  },
  failures: [NotFoundFailure],
  change: async ({ offerId }, ctx) => ({ id: await closeOwnershipOffer(ctx, idOf("OwnershipOffer", offerId)) }),
});
