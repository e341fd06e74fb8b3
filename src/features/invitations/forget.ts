import { and, eq } from "drizzle-orm";
import { scopeOf } from "../../graphql/context.js";
import { whenErased } from "../memberships/forget.js";
import { invitations } from "./table.js";

/** What stands in place of an address that was erased: none that anybody could have. */
const NOBODY = "";

// Every invitation of their address: an open one is good for nothing any more.
whenErased(async (ctx, { email }) => {
  if (email === null) return;
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const theirs = and(eq(invitations.tenantId, tenantId), eq(invitations.email, email));
  await db
    .update(invitations)
    .set({ status: "WITHDRAWN", updatedAt: now })
    .where(and(theirs, eq(invitations.status, "OPEN")));
  await db.update(invitations).set({ email: NOBODY }).where(theirs);
});
