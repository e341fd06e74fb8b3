import { and, eq, isNull } from "drizzle-orm";
import { OWNER } from "../../access/catalogue.js";
import { type MembershipId, newId, type OrganizationId, type TenantId, type UserId } from "../../ids.js";
import type { TenantDb } from "../../tenancy/session.js";
import { isOwning } from "../memberships/lastOwner.js";
import { grants, memberships } from "../memberships/table.js";
import { organizations, slugs } from "../organizations/table.js";
import { users } from "../users/table.js";

export interface Founding {
  readonly tenantId: TenantId;
  readonly slug: string;
  /** What people call the root. */
  readonly name: string;
  readonly owner: {
    /** Normalised. */
    readonly email: string;
    readonly name: string;
    /** What the home will know them by; null for somebody who cannot sign in yet. */
    readonly identity: Buffer | null;
  };
  readonly at: Date;
}

/** Writes what a tenant begins with: its root, and somebody who owns all of it without an end. */
export async function found(db: TenantDb, { tenantId, slug, name, owner, at }: Founding): Promise<void> {
  const root = newId<OrganizationId>();
  const userId = newId<UserId>();
  const membershipId = newId<MembershipId>();
  const made = { tenantId, createdAt: at, updatedAt: at };
  await db.insert(organizations).values({ ...made, id: root, parentId: null, path: [], slug, name, memberCount: 1 });
  await db.insert(slugs).values({ tenantId, slug, organizationId: root, createdAt: at });
  await db.insert(users).values({
    ...made,
    id: userId,
    email: owner.email,
    // Whoever makes the tenant vouches for its owner's address.
    emailVerified: true,
    displayName: owner.name,
    identity: owner.identity,
  });
  await db.insert(memberships).values({ ...made, id: membershipId, organizationId: root, userId });
  await db
    .insert(grants)
    .values({ tenantId, id: newId(), membershipId, roleKey: OWNER, reach: "SUBTREE", createdAt: at });
}

/** What people call a tenant: the name of its root; null where there is no root. */
export async function nameOf(db: TenantDb, tenantId: TenantId): Promise<string | null> {
  const [root] = await db.select({ name: organizations.name }).from(organizations).where(isRootOf(tenantId));
  return root?.name ?? null;
}

/** The owners of a tenant, by address; `[]` where nobody is. */
export async function ownersOf(db: TenantDb, tenantId: TenantId) {
  return db
    .selectDistinct({ email: users.email, identity: users.identity })
    .from(organizations)
    .innerJoin(
      memberships,
      and(eq(memberships.tenantId, organizations.tenantId), eq(memberships.organizationId, organizations.id)),
    )
    .innerJoin(users, and(eq(users.tenantId, memberships.tenantId), eq(users.id, memberships.userId)))
    .innerJoin(grants, and(eq(grants.tenantId, memberships.tenantId), eq(grants.membershipId, memberships.id)))
    .where(and(isRootOf(tenantId), isOwning()))
    .orderBy(users.email);
}

const isRootOf = (tenantId: TenantId) => and(eq(organizations.tenantId, tenantId), isNull(organizations.parentId));
