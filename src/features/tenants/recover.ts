import { and, asc, eq, isNull, or } from "drizzle-orm";
import { newId, type OrganizationId, type TenantId, type UserId } from "../../ids.js";
import type { TenantDb } from "../../tenancy/session.js";
import { type Run, recordOfOperator } from "../audit/record.js";
import { makeOwner } from "../memberships/makeOwner.js";
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

  const { id: membershipId, membership } = await makeOwner(db, tenantId, { userId, root, at: now });
  await recordOfOperator(db, tenantId, run, [
    {
      action: "tenant.recovered",
      organizationId: root,
      targetType: "Membership",
      targetId: membershipId,
      changes: {
        userId,
        isNew: known === undefined,
        hasOtherSignIn: known !== undefined && known.identity !== null && !known.identity.equals(identity),
        membership,
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
