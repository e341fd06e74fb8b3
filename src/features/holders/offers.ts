import { and, eq, sql } from "drizzle-orm";
import { earlier } from "../../access/end.js";
import type { Right } from "../../access/giving.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import type { InvitationId, OrganizationId, RoleId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { type Happened, record } from "../audit/record.js";
import { about } from "../invitations/invite.js";
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

/** Of one role: what can be accepted, or sent again, and what offers it where it cannot be given any more. */
interface Offers {
  readonly standing: readonly OfferOfRole[];
  readonly stranded: readonly OfferOfRole[];
}

/**
 * Everywhere that an open invitation offers a role, or whoever joins is to be given it. Where an organization was moved away from
 * the one that the role is defined in, nobody can be given it: all that it offers besides is void with it.
 * @param definedIn null for a role of the whole tenant
 */
export async function offersOfRole(ctx: Context, roleId: RoleId, definedIn: OrganizationId | null): Promise<Offers> {
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
  const all: OfferOfRole[] = [
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
  const isUsable = ({ at: { id, path } }: OfferOfRole) =>
    definedIn === null || id === definedIn || path.includes(definedIn);
  return { standing: all.filter(isUsable), stranded: all.filter((one) => !isUsable(one)) };
}

/**
 * Ends what offers a role where it cannot be given any more. Without the role it would be whole again, and give less than whoever
 * offers it meant: the invitations are withdrawn, and nobody joins there until somebody says anew what they get.
 */
export async function endStranded(ctx: Context, stranded: readonly OfferOfRole[]): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  // Each once, though it offers the role with either reach.
  const invited = new Map(
    stranded.flatMap(({ invitationId, at }) => (invitationId ? [[invitationId, at.id] as const] : [])),
  );
  const joined = [...new Set(stranded.flatMap(({ invitationId, at }) => (invitationId ? [] : [at.id])))];
  if (invited.size > 0)
    await db
      .update(invitations)
      .set({ status: "WITHDRAWN", updatedAt: now })
      .where(and(eq(invitations.tenantId, tenantId), sql`${invitations.id} = any(${uuids([...invited.keys()])})`));
  const closed = { mode: "OFF", grants: [] } as const;
  if (joined.length > 0)
    await db
      .update(joinPolicies)
      .set({ ...closed, updatedAt: now })
      .where(and(eq(joinPolicies.tenantId, tenantId), sql`${joinPolicies.organizationId} = any(${uuids(joined)})`));
  record(
    ctx,
    ...[...invited].map(
      ([id, organizationId]): Happened => ({ ...about(organizationId, id), action: "invitation.withdrawn" }),
    ),
    ...joined.map(
      (id): Happened => ({
        action: "joinPolicy.set",
        organizationId: id,
        targetType: "Organization",
        targetId: id,
        changes: closed,
      }),
    ),
  );
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
