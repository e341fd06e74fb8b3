import { and, asc, eq, isNull, or, sql } from "drizzle-orm";
import { OWNER } from "../../access/catalogue.js";
import { type MembershipId, newId, type OrganizationId, type TenantId, type UserId } from "../../ids.js";
import type { TenantDb } from "../../tenancy/session.js";
import { type Run, recordOfOperator } from "../audit/record.js";
import { grants, memberships } from "../memberships/table.js";
import { organizations } from "../organizations/table.js";
import { users } from "../users/table.js";

/** Whom the operator makes an owner. */
export interface NewOwner {
  /** Normalised. */
  readonly email: string;
  /** What the home knows them by. */
  readonly identity: Buffer;
}

/**
 * Makes somebody an owner of the tenant, without an end, on the operator's word: the person who has this identity, or else
 * the first made of those of this address, who has it from now on; or somebody new. They are let in, and their membership of
 * the root counts, whatever it was before. Doing it again changes nothing, and is noted again. In the caller's transaction,
 * which holds the tenant's lock alone.
 */
export async function recoverOwner(
  db: TenantDb,
  tenantId: TenantId,
  { email, identity }: NewOwner,
  run: Run,
): Promise<void> {
  const root = await getRoot(db, tenantId);
  const { now } = run;
  const made = { tenantId, createdAt: now, updatedAt: now };
  const found = await db
    .select()
    .from(users)
    .where(and(eq(users.tenantId, tenantId), or(eq(users.identity, identity), eq(users.email, email))))
    .orderBy(asc(users.id));
  const known = found.find((row) => row.identity?.equals(identity)) ?? found[0];
  const userId = known?.id ?? newId<UserId>();
  // Whoever recovers a tenant vouches for its owner's address.
  if (!known)
    await db.insert(users).values({ ...made, id: userId, email, emailVerified: true, displayName: email, identity });
  else
    await db
      .update(users)
      .set({ identity, status: "ACTIVE", updatedAt: now })
      .where(and(eq(users.tenantId, tenantId), eq(users.id, userId)));

  const [joined] = await db
    .insert(memberships)
    .values({ ...made, id: newId<MembershipId>(), organizationId: root, userId })
    .onConflictDoNothing({ target: [memberships.tenantId, memberships.organizationId, memberships.userId] })
    .returning();
  const isTheirs = and(
    eq(memberships.tenantId, tenantId),
    eq(memberships.organizationId, root),
    eq(memberships.userId, userId),
  );
  if (joined)
    await db
      .update(organizations)
      .set({ memberCount: sql`${organizations.memberCount} + 1` })
      .where(and(eq(organizations.tenantId, tenantId), eq(organizations.id, root)));
  const [membership] = await db
    .update(memberships)
    .set({ status: "ACTIVE", expiresAt: null, updatedAt: now })
    .where(isTheirs)
    .returning();
  const isOwners = and(
    eq(grants.tenantId, tenantId),
    eq(grants.membershipId, membership!.id),
    eq(grants.roleKey, OWNER),
    eq(grants.reach, "SUBTREE"),
  );
  const [kept] = await db.update(grants).set({ expiresAt: null }).where(isOwners).returning();
  if (!kept)
    await db
      .insert(grants)
      .values({
        tenantId,
        id: newId(),
        membershipId: membership!.id,
        roleKey: OWNER,
        reach: "SUBTREE",
        createdAt: now,
      });
  await recordOfOperator(db, tenantId, run, [
    {
      action: "tenant.recovered",
      organizationId: root,
      targetType: "Membership",
      targetId: membership!.id,
      changes: {
        userId,
        isNew: known === undefined,
        hasOtherSignIn: known !== undefined && known.identity !== null && !known.identity.equals(identity),
      },
    },
  ]);
}

async function getRoot(db: TenantDb, tenantId: TenantId): Promise<OrganizationId> {
  const [root] = await db
    .select({ id: organizations.id })
    .from(organizations)
    .where(and(eq(organizations.tenantId, tenantId), isNull(organizations.parentId)));
  return root!.id;
}
