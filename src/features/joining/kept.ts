import { and, asc, eq, or, sql } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import { texts } from "../../tenancy/arrays.js";
import { keeps, type Somebody } from "../memberships/kept.js";
import { joinRequests } from "./table.js";

const NOBODY = { email: "", displayName: "Erased person", identity: Buffer.alloc(0) };

/** Every request that they made, by whatever account, with any address of theirs. */
const madeBy = ({ tenantId, emails, identity }: Somebody) =>
  and(
    eq(joinRequests.tenantId, tenantId),
    or(
      sql`${joinRequests.email} = any(${texts(emails)})`,
      identity === null ? sql`false` : eq(joinRequests.identity, identity),
    ),
  );

const take = (ctx: Context, person: Somebody): Promise<readonly object[]> =>
  scopeOf(ctx)
    .session.db.select({
      id: joinRequests.id,
      organizationId: joinRequests.organizationId,
      email: joinRequests.email,
      displayName: joinRequests.displayName,
      status: joinRequests.status,
      createdAt: joinRequests.createdAt,
    })
    .from(joinRequests)
    .where(madeBy(person))
    .orderBy(asc(joinRequests.createdAt), asc(joinRequests.id));

/** Whoever asks as they did is somebody new. */
async function forget(ctx: Context, person: Somebody): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const theirs = madeBy(person);
  await session.db
    .update(joinRequests)
    .set({ status: "REFUSED", updatedAt: now })
    .where(and(theirs, eq(joinRequests.status, "OPEN")));
  await session.db.update(joinRequests).set(NOBODY).where(theirs);
}

keeps({ name: "joinRequests", take, forget });
