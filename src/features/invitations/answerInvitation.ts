import { and, eq } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { TenantNotFoundError } from "../../identity/errors.js";
import type { UserId } from "../../ids.js";
import { entranceOf } from "../memberships/arrive.js";
import { organizations } from "../organizations/table.js";
import { users } from "../users/table.js";
import { verifiedEmail } from "../users/verifiedEmail.js";
import { closed } from "./closed.js";
import { type InvitationRow, invitations } from "./table.js";

export const FIELD = ["input", "token"];

const INVITER = "select inviter_id from invitations where tenant_id = $1 and token_hash = $2";

/** An open invitation, its row locked, and where it leads. */
export interface Invited {
  readonly row: InvitationRow;
  readonly place: Place;
  /** The caller's own address, verified, to which it was sent. */
  readonly email: string;
}

/** Never tells which it is: made elsewhere, another's, of a tenant that is closed or that the token is no good for. */
const notFound = () =>
  new NotFoundFailure(
    "There is no such invitation for your address. Sign in with the address that it was sent to, and open the link in the newest mail.",
    FIELD,
  );

/**
 * Does something with an invitation for whoever has its token and its address, in its tenant and with the rights of who made
 * it, whatever tenant the request names.
 * @throws EmailNotVerifiedFailure
 * @throws NotFoundFailure          for everybody whom it was not sent to
 * @throws InvitationClosedFailure  of many calls at once for all but the first
 */
export async function answerInvitation<T>(
  ctx: Context,
  token: string,
  answer: (invited: Invited) => Promise<T>,
): Promise<T> {
  const email = verifiedEmail(ctx.identity!);
  const read = ctx.invitationTokens.read(token);
  if (!read) throw notFound();
  const { tenantId, hash } = read;
  const entrance = entranceOf(ctx, tenantId, email, async (session) => {
    const [row] = await session.query(INVITER, [tenantId, hash]);
    return (row?.inviter_id as UserId | undefined) ?? null;
  });
  try {
    return await ctx.operation.changeIn(entrance, async () => answer(await lock(ctx, hash, email)));
  } catch (error) {
    throw error instanceof TenantNotFoundError ? notFound() : error;
  }
}

/** Whether the caller signs in as somebody of the tenant: whoever used the invitation may have had the address before them. */
async function isInside(ctx: Context): Promise<boolean> {
  const { db, tenantId } = scopeOf(ctx).session;
  const known = await db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.tenantId, tenantId), eq(users.identity, ctx.arrivals!.digest)));
  return known.length > 0;
}

async function lock(ctx: Context, hash: Buffer, email: string): Promise<Invited> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const [row] = await db
    .select()
    .from(invitations)
    .where(and(eq(invitations.tenantId, tenantId), eq(invitations.tokenHash, hash), eq(invitations.email, email)))
    .for("update");
  if (!row) throw notFound();
  if (row.status !== "OPEN" || row.expiresAt <= now)
    throw closed(ctx, row.status, FIELD, row.status === "ACCEPTED" && (await isInside(ctx)));
  const [place] = await db
    .select({ id: organizations.id, path: organizations.path })
    .from(organizations)
    .where(and(eq(organizations.tenantId, tenantId), eq(organizations.id, row.organizationId)));
  return { row, place: place!, email };
}
