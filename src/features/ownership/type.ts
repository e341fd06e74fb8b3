import { and, asc, eq, or, sql } from "drizzle-orm";
import { builder } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { perSession } from "../../graphql/loader.js";
import { encodeId } from "../../graphql/nodeId.js";
import { visibleUsers } from "../memberships/visibleUsers.js";
import { Viewer } from "../tenants/type.js";
import { User } from "../users/type.js";
import { type OwnershipOfferRow, ownershipOffers } from "./table.js";

export const OwnershipOffer = builder.objectRef<OwnershipOfferRow>("OwnershipOffer").implement({
  description: "An owner's offer to somebody, to own the tenant in their place.",
  fields: (t) => ({
    id: t.id({
      description: "Global id, stable as long as the offer is open. Not to be given to `node`.",
      resolve: ({ id }) => encodeId("OwnershipOffer", id),
    }),
    from: t.field({
      type: User,
      nullable: true,
      description: "The owner who made it; null when the viewer does not see them.",
      resolve: ({ fromUserId }, _args, ctx) => visibleUsers(scopeOf(ctx)).load(fromUserId),
    }),
    to: t.field({
      type: User,
      nullable: true,
      description: "Whom it was made to; null when the viewer does not see them.",
      resolve: ({ userId }, _args, ctx) => visibleUsers(scopeOf(ctx)).load(userId),
    }),
    expiresAt: t.expose("expiresAt", { type: "DateTime", description: "Until when it can be accepted." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
  }),
});

const openOffers = perSession(({ session, viewer, instant }) => {
  const { tenantId, userId, fromUserId, expiresAt, id } = ownershipOffers;
  const isTheirs = or(eq(userId, viewer.id), eq(fromUserId, viewer.id));
  // Every way to them leads to the same.
  let read: Promise<OwnershipOfferRow[]> | undefined;
  return () =>
    (read ??= session.db
      .select()
      .from(ownershipOffers)
      .where(
        and(eq(tenantId, session.tenantId), isTheirs, sql`${expiresAt} > coalesce(${instant}::timestamptz, now())`),
      )
      .orderBy(asc(id))
      .execute());
});

/** The open offers that were made by the viewer or to them, first made first. */
export const offersOf = (ctx: Context): Promise<OwnershipOfferRow[]> => openOffers(scopeOf(ctx))();

builder.objectField(Viewer, "ownershipOffers", (t) =>
  t.field({
    type: [OwnershipOffer],
    description: "Open offers of ownership of this tenant that were made by the viewer, or to them.",
    resolve: (_viewer, _args, ctx) => offersOf(ctx),
  }),
);
