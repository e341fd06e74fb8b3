import { and, eq, or } from "drizzle-orm";
import { scopeOf } from "../../graphql/context.js";
import { whenErased } from "../memberships/forget.js";
import { joinRequests } from "./table.js";

const NOBODY = { email: "", displayName: "Erased person", identity: Buffer.alloc(0) };

// Every request that they made, by whatever account: whoever asks as they did is somebody new.
whenErased(async (ctx, { email, identity }) => {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const by = [
    ...(email === null ? [] : [eq(joinRequests.email, email)]),
    ...(identity === null ? [] : [eq(joinRequests.identity, identity)]),
  ];
  if (by.length === 0) return;
  const theirs = and(eq(joinRequests.tenantId, tenantId), or(...by));
  await db
    .update(joinRequests)
    .set({ status: "REFUSED", updatedAt: now })
    .where(and(theirs, eq(joinRequests.status, "OPEN")));
  await db.update(joinRequests).set(NOBODY).where(theirs);
});
