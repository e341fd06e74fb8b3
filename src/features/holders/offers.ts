import { and, eq, sql } from "drizzle-orm";
import { earlier } from "../../access/end.js";
import type { Right } from "../../access/giving.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import type { InvitationId, RoleId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { invitations, offeredGrants } from "../invitations/table.js";
import { joinPolicies } from "../joining/table.js";
import { organizations } from "../organizations/table.js";
import { type Role, whichRole } from "../roles/role.js";
import { replaceInGrants } from "./replaceInGrants.js";

/** What somebody would get of a role: by an invitation, or, where there is none, by joining. What the role allows is not said. */
export interface OfferOfRole extends Right {
  readonly invitationId: InvitationId | null;
}

const ORGANIZATION = { id: organizations.id, path: organizations.path };
/** That policies give a role, as a value that their grants contain. */
const givesRole = (roleId: RoleId) => sql`${joinPolicies.grants} @> ${JSON.stringify([{ roleId }])}::text::jsonb`;

/** Everywhere that an invitation offers a role and can still be accepted, or sent again, or whoever joins is given it. */
export async function offersOfRole(ctx: Context, roleId: RoleId): Promise<OfferOfRole[]> {
  const { db, tenantId } = scopeOf(ctx).session;
  const offered = await db
    .select({ offer: offeredGrants, membershipEnds: invitations.membershipExpiresAt, at: ORGANIZATION })
    .from(offeredGrants)
    .innerJoin(
      invitations,
      and(eq(invitations.tenantId, offeredGrants.tenantId), eq(invitations.id, offeredGrants.invitationId)),
    )
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, invitations.tenantId), eq(organizations.id, invitations.organizationId)),
    )
    .where(and(eq(offeredGrants.tenantId, tenantId), eq(offeredGrants.roleId, roleId), eq(invitations.status, "OPEN")));
  const policies = await db
    .select({ grants: joinPolicies.grants, at: ORGANIZATION })
    .from(joinPolicies)
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, joinPolicies.tenantId), eq(organizations.id, joinPolicies.organizationId)),
    )
    .where(and(eq(joinPolicies.tenantId, tenantId), givesRole(roleId)));
  return [
    ...offered.map(({ offer: { invitationId, reach, expiresAt }, membershipEnds, at }) => ({
      invitationId,
      permissions: [],
      at,
      reach,
      until: earlier(expiresAt, membershipEnds),
    })),
    ...policies.flatMap(({ grants, at }) =>
      grants
        .filter((one) => one.roleId === roleId)
        .map(({ reach }) => ({ invitationId: null, permissions: [], at, reach, until: null })),
    ),
  ];
}

/** Offers another role in the place of one, wherever that is offered. Five statements, however many offers there are. */
export async function replaceOffered(
  ctx: Context,
  roleId: RoleId,
  replacement: Role,
  offered: readonly OfferOfRole[],
): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const ids = offered.flatMap(({ invitationId }) => invitationId ?? []);
  if (ids.length > 0) {
    await replaceInGrants(ctx, offeredGrants, roleId, replacement, ids);
    await db
      .update(invitations)
      .set({ updatedAt: now })
      .where(and(eq(invitations.tenantId, tenantId), sql`${invitations.id} = any(${uuids(ids)})`));
  }
  if (ids.length === offered.length) return;
  // An invitation says each role once with one reach, and so does a policy.
  const replaced = sql`case when one->>'roleId' = ${roleId} then one || ${JSON.stringify(whichRole(replacement))}::text::jsonb else one end`;
  await db
    .update(joinPolicies)
    .set({
      grants: sql`(select jsonb_agg(distinct ${replaced}) from jsonb_array_elements(${joinPolicies.grants}) one)`,
      updatedAt: now,
    })
    .where(and(eq(joinPolicies.tenantId, tenantId), givesRole(roleId)));
}
