import { and, eq, isNotNull, isNull } from "drizzle-orm";
import { OWNER } from "../../access/catalogue.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";
import type { MembershipId, UserId } from "../../ids.js";
import { users } from "../users/table.js";
import { grants, memberships } from "./table.js";

export class LastOwnerFailure extends Failure {
  override readonly name = "LastOwnerFailure";
  readonly code = "LAST_OWNER";
}
failureType(LastOwnerFailure, "The tenant would be left without an owner.");

/** Of a membership of the root, the grant that makes an owner, as far as that is the grant's. */
export const isOwners = () => and(eq(grants.roleKey, OWNER), eq(grants.reach, "SUBTREE"));

/** Whether a grant, its membership and its user together make an owner, at the root. */
export const isOwning = () =>
  and(
    isOwners(),
    isNull(grants.expiresAt),
    eq(memberships.status, "ACTIVE"),
    isNull(memberships.expiresAt),
    eq(users.status, "ACTIVE"),
  );

const ANOTHER =
  "This would leave the tenant without an owner. First make somebody else owner of its root who has signed in, with reach SUBTREE and without an end.";

/** The memberships that make their users owners of the tenant. */
export const owningMemberships = async (ctx: Context): Promise<Set<MembershipId>> =>
  new Set((await owning(ctx)).map(({ id }) => id));

/** The membership that makes somebody an owner of the tenant; null where they are none. */
export const owningMembershipOf = async (ctx: Context, user: UserId): Promise<MembershipId | null> =>
  (await owning(ctx)).find(({ userId }) => userId === user)?.id ?? null;

async function owning(ctx: Context) {
  const { session, root } = scopeOf(ctx);
  return session.db
    .selectDistinct({ id: memberships.id, userId: memberships.userId })
    .from(grants)
    .innerJoin(memberships, and(eq(memberships.tenantId, grants.tenantId), eq(memberships.id, grants.membershipId)))
    .innerJoin(users, and(eq(users.tenantId, memberships.tenantId), eq(users.id, memberships.userId)))
    .where(
      and(
        eq(grants.tenantId, session.tenantId),
        eq(memberships.organizationId, root.id),
        isOwning(),
        // Whoever was only written down cannot sign in, and perhaps never comes.
        isNotNull(users.identity),
      ),
    );
}

/**
 * Returns when the tenant still has an owner: an active user who has signed in, with an active, unending membership and an unending grant of the
 * built-in owner role at the root, for everything below. To be called at the end of every change that can end one, under the
 * tenant's lock held alone, so that of two owners who give up at once one stays.
 * @throws LastOwnerFailure
 */
export async function mustKeepOwner(ctx: Context): Promise<void> {
  mustNotBeLast(await owningMemberships(ctx));
}

/** @throws LastOwnerFailure when none of the owners is left */
export function mustNotBeLast(left: ReadonlySet<MembershipId>, field?: readonly string[]): void {
  if (left.size === 0) throw new LastOwnerFailure(ANOTHER, field);
}
