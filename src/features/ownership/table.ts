import { foreignKey, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { OwnershipOfferId, UserId } from "../../ids.js";
import { instant, tenantTable } from "../../tenancy/table.js";
import { users } from "../users/table.js";

/** An owner's offer to somebody, to own the tenant in their place. Gone when it is accepted, declined or withdrawn. */
export const ownershipOffers = tenantTable(
  "ownership_offers",
  {
    id: uuid().$type<OwnershipOfferId>().notNull(),
    fromUserId: uuid().$type<UserId>().notNull(),
    userId: uuid().$type<UserId>().notNull(),
    expiresAt: instant().notNull(),
    createdAt: instant().notNull(),
  },
  (t) => [
    foreignKey({
      name: "ownership_offers_from_fkey",
      columns: [t.tenantId, t.fromUserId],
      foreignColumns: [users.tenantId, users.id],
    }),
    foreignKey({
      name: "ownership_offers_user_fkey",
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    // Nobody gives away twice what they have once.
    uniqueIndex("ownership_offers_from_key").on(t.tenantId, t.fromUserId),
  ],
);

export type OwnershipOfferRow = typeof ownershipOffers.$inferSelect;
