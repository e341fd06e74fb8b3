import { and, eq, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { type InvitationId, newId, type OfferedGrantId, type OrganizationId } from "../../ids.js";
import { texts } from "../../tenancy/arrays.js";
import { oneAtATime } from "../../tenancy/oneAtATime.js";
import { type Happened, record } from "../audit/record.js";
import { queueMail } from "../mail/mail.js";
import { organizations } from "../organizations/table.js";
import { whichRole } from "../roles/role.js";
import { usersById } from "../users/loader.js";
import type { Offer } from "./offer.js";
import { invitations, offeredGrants } from "./table.js";

/** What came of offers. */
export interface Invitations {
  /** In the order of the offers. */
  readonly ids: readonly InvitationId[];
  /** Those that they replace. */
  readonly withdrawn: readonly InvitationId[];
}

/**
 * Makes offers that the viewer may make, to different addresses, and writes the mail. An open offer to the same address is
 * withdrawn. Whether anybody has the address makes no difference. As many statements for five hundred as for one.
 */
export async function invite(ctx: Context, place: Place, offers: readonly Offer[]): Promise<Invitations> {
  if (offers.length === 0) return { ids: [], withdrawn: [] };
  const { session, now, viewer } = scopeOf(ctx);
  const { db, tenantId } = session;
  // Of two who invite the same address at once, the second replaces what the first made.
  await oneAtATime(session, `invitations ${place.id}`);
  const replaced = await db
    .update(invitations)
    .set({ status: "WITHDRAWN", updatedAt: now })
    .where(
      and(
        eq(invitations.tenantId, tenantId),
        eq(invitations.organizationId, place.id),
        eq(invitations.status, "OPEN"),
        sql`${invitations.email} = any(${texts(offers.map(({ email }) => email))})`,
      ),
    )
    .returning({ id: invitations.id });

  const made = offers.map((offer) => ({ ...offer, id: newId<InvitationId>(), ...ctx.invitationTokens.make(tenantId) }));
  await db.insert(invitations).values(
    made.map(({ id, email, hash, expiresAt, membershipExpiresAt }) => ({
      tenantId,
      id,
      organizationId: place.id,
      email,
      inviterId: viewer.id,
      tokenHash: hash,
      expiresAt,
      membershipExpiresAt,
      createdAt: now,
      updatedAt: now,
    })),
  );
  const offered = made.flatMap(({ id, grants }) =>
    grants.map(({ role, reach, expiresAt }) => ({
      tenantId,
      id: newId<OfferedGrantId>(),
      invitationId: id,
      ...whichRole(role),
      reach,
      expiresAt,
    })),
  );
  if (offered.length > 0) await db.insert(offeredGrants).values(offered);
  await sendLinks(ctx, place.id, made);
  record(
    ctx,
    ...replaced.map(({ id }): Happened => ({ ...about(place.id, id), action: "invitation.withdrawn" })),
    ...made.map(
      ({ id, grants, expiresAt, membershipExpiresAt }): Happened => ({
        ...about(place.id, id),
        action: "invitation.created",
        // Whom, the invitation itself says, as long as that is not erased.
        changes: {
          expiresAt,
          membershipExpiresAt,
          grants: grants.map(({ role, reach, ...grant }) => ({
            role: role.key,
            roleId: role.id,
            reach,
            expiresAt: grant.expiresAt,
          })),
        },
      }),
    ),
  );
  return { ids: made.map(({ id }) => id), withdrawn: replaced.map(({ id }) => id) };
}

/** Writes the mail that takes the links of offers to their addresses; nobody else is ever shown them. */
export async function sendLinks(
  ctx: Context,
  organizationId: OrganizationId,
  links: readonly { readonly email: string; readonly token: string; readonly expiresAt: Date }[],
): Promise<void> {
  const scope = scopeOf(ctx);
  const { db, tenantId } = scope.session;
  const [organization] = await db
    .select({ name: organizations.name })
    .from(organizations)
    .where(and(eq(organizations.tenantId, tenantId), eq(organizations.id, organizationId)));
  const inviter = await usersById(scope).load(scope.viewer.id);
  await queueMail(
    ctx,
    links.map(({ email, token, expiresAt }) => ({
      kind: "INVITATION",
      to: email,
      organization: organization!.name,
      from: inviter!.displayName,
      token,
      expiresAt: expiresAt.toISOString(),
    })),
  );
}

export const about = (organizationId: OrganizationId, targetId: InvitationId) => ({
  organizationId,
  targetType: "Invitation",
  targetId,
});
