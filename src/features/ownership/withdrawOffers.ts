import { and, eq, type SQL } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import { type Happened, record } from "../audit/record.js";
import { onHandingOn } from "../memberships/handOn.js";
import { ownershipOffers } from "./table.js";

/** Withdraws offers of ownership, and notes it. */
export async function withdrawOffers(ctx: Context, which: SQL): Promise<void> {
  const { session, root, now } = scopeOf(ctx);
  const withdrawn = await session.db
    .delete(ownershipOffers)
    .where(and(eq(ownershipOffers.tenantId, session.tenantId), which))
    .returning();
  // One that had ended is not withdrawn any more.
  const open = withdrawn.filter(({ expiresAt }) => expiresAt > now);
  record(
    ctx,
    ...open.map(
      ({ userId }): Happened => ({
        action: "ownership.withdrawn",
        organizationId: root.id,
        targetType: "User",
        targetId: userId,
      }),
    ),
  );
}

// It was made to whoever has the address that they had then.
onHandingOn((ctx, id) => withdrawOffers(ctx, eq(ownershipOffers.userId, id)));
