import { and, asc, eq, sql } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import { uuids } from "../../tenancy/arrays.js";
import { keeps } from "../memberships/kept.js";
import type { UserRow } from "../users/table.js";
import { invitations, offeredGrants } from "./table.js";

/** What stands in place of an address that was erased: none that anybody could have. */
const NOBODY = "";

const sentTo = (tenantId: UserRow["tenantId"], email: string) =>
  and(eq(invitations.tenantId, tenantId), eq(invitations.email, email));

/** Every invitation to their address, by whomever. */
async function take(ctx: Context, { email }: UserRow): Promise<readonly object[]> {
  if (email === null) return [];
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
    .where(sentTo(tenantId, email))
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
async function forget(ctx: Context, { email }: UserRow): Promise<void> {
  if (email === null) return;
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const theirs = sentTo(tenantId, email);
  await db
    .update(invitations)
    .set({ status: "WITHDRAWN", updatedAt: now })
    .where(and(theirs, eq(invitations.status, "OPEN")));
  await db.update(invitations).set({ email: NOBODY }).where(theirs);
}

keeps({ name: "invitations", take, forget });
