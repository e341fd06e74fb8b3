import { and, asc, eq, isNull, ne, or, sql } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import { texts, uuids } from "../../tenancy/arrays.js";
import { boundTo, type Mail } from "../mail/mail.js";
import { outbox } from "../mail/table.js";
import { keeps, type Somebody } from "../memberships/kept.js";
import { invitations, offeredGrants } from "./table.js";

/** What stands in place of an address that was erased: none that anybody could have. */
const NOBODY = "";

/** Sent to an address of theirs, or answered by them: whoever signs in may do so by another address than the one that is noted. */
const theirsOf = ({ tenantId, id, emails }: Somebody) =>
  and(
    eq(invitations.tenantId, tenantId),
    or(sql`${invitations.email} = any(${texts(emails)})`, eq(invitations.answeredBy, id)),
  );

/** Every invitation of theirs, by whomever. */
async function take(ctx: Context, person: Somebody): Promise<readonly object[]> {
  const { db, tenantId } = scopeOf(ctx).session;
  const theirs = await db
    .select({
      id: invitations.id,
      organizationId: invitations.organizationId,
      email: invitations.email,
      status: invitations.status,
      expiresAt: invitations.expiresAt,
      membershipExpiresAt: invitations.membershipExpiresAt,
      createdAt: invitations.createdAt,
    })
    .from(invitations)
    .where(theirsOf(person))
    .orderBy(asc(invitations.createdAt), asc(invitations.id));
  const offered = await db
    .select({
      invitationId: offeredGrants.invitationId,
      roleKey: offeredGrants.roleKey,
      roleId: offeredGrants.roleId,
      reach: offeredGrants.reach,
      expiresAt: offeredGrants.expiresAt,
    })
    .from(offeredGrants)
    .where(
      and(
        eq(offeredGrants.tenantId, tenantId),
        sql`${offeredGrants.invitationId} = any(${uuids(theirs.map(({ id }) => id))})`,
      ),
    )
    .orderBy(asc(offeredGrants.id));
  return theirs.map((one) => ({
    ...one,
    grants: offered.filter(({ invitationId }) => invitationId === one.id).map(({ invitationId: _, ...grant }) => grant),
  }));
}

/** An open one is good for nothing any more. */
async function forget(ctx: Context, person: Somebody): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const { db } = session;
  const theirs = theirsOf(person);
  await db
    .update(invitations)
    .set({ status: "WITHDRAWN", updatedAt: now })
    .where(and(theirs, eq(invitations.status, "OPEN")));
  await db.update(invitations).set({ email: NOBODY }).where(theirs);
  await forgetMail(ctx, person.id);
}

/**
 * Ends mail that waits to be sent, but for what somebody else offers still: what was to be sent to them, or in their name, and
 * every link that another one has replaced.
 */
async function forgetMail(ctx: Context, inviterId: Somebody["id"]): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const stands = await db
    .select({ hash: invitations.tokenHash })
    .from(invitations)
    .where(
      and(eq(invitations.tenantId, tenantId), eq(invitations.status, "OPEN"), ne(invitations.inviterId, inviterId)),
    );
  const good = new Set(stands.map(({ hash }) => hash.toString("hex")));
  const waiting = await db
    .select({ id: outbox.id, sealed: outbox.sealed })
    .from(outbox)
    .where(and(eq(outbox.tenantId, tenantId), isNull(outbox.endedAt)));
  const useless = waiting.filter(({ id, sealed }) => {
    const text = ctx.mail.seal.open(boundTo(tenantId, id), sealed!);
    const read = text && ctx.invitationTokens.read((JSON.parse(text) as Mail).token);
    return !read || !good.has(read.hash.toString("hex"));
  });
  await db
    .update(outbox)
    .set({ sealed: null, endedAt: now, outcome: "What it is about had come to its end." })
    .where(and(eq(outbox.tenantId, tenantId), sql`${outbox.id} = any(${uuids(useless.map(({ id }) => id))})`));
}

keeps({ name: "invitations", take, forget });
