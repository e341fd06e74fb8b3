import { and, eq, isNotNull, sql } from "drizzle-orm";
import { OWNER } from "../../access/catalogue.js";
import { type MembershipId, newId, type OrganizationId, type TenantId, type UserId } from "../../ids.js";
import type { TenantDb } from "../../tenancy/session.js";
import { organizations } from "../organizations/table.js";
import { isOwners } from "./lastOwner.js";
import { grants, type MembershipRow, memberships } from "./table.js";

/** Who is to own a tenant, by its root, and when. */
interface NewOwner {
  readonly userId: UserId;
  readonly root: OrganizationId;
  readonly at: Date;
}

type State = Pick<MembershipRow, "status" | "expiresAt">;
const OWNING = { status: "ACTIVE", expiresAt: null } as const;

/** The membership by which somebody owns a tenant now. */
interface Owning {
  readonly id: MembershipId;
  /** What became of it, for the audit; `before` is null where they were no member of the root. */
  readonly membership: { readonly before: State | null; readonly after: State };
}

/**
 * Makes somebody an owner without an end: their membership of the root counts from now on, whatever it was, and has the owner
 * role for everything below; other roles end as before. The tenant's lock is held alone; nobody is judged here.
 */
export async function makeOwner(db: TenantDb, tenantId: TenantId, { userId, root, at }: NewOwner): Promise<Owning> {
  const theirs = and(
    eq(memberships.tenantId, tenantId),
    eq(memberships.organizationId, root),
    eq(memberships.userId, userId),
  );
  const [before = null] = await db
    .select({ status: memberships.status, expiresAt: memberships.expiresAt })
    .from(memberships)
    .where(theirs);
  const [joined] = await db
    .insert(memberships)
    .values({ tenantId, id: newId(), organizationId: root, userId, createdAt: at, updatedAt: at })
    .onConflictDoNothing({ target: [memberships.tenantId, memberships.organizationId, memberships.userId] })
    .returning();
  if (joined)
    await db
      .update(organizations)
      .set({ memberCount: sql`${organizations.memberCount} + 1` })
      .where(and(eq(organizations.tenantId, tenantId), eq(organizations.id, root)));
  // What else they had ends when their membership would have: an owner's has no end, and they may be none some day.
  await db
    .update(grants)
    .set({ expiresAt: sql`least(${grants.expiresAt}, ${memberships.expiresAt})` })
    .from(memberships)
    .where(
      and(
        eq(grants.tenantId, tenantId),
        eq(memberships.tenantId, grants.tenantId),
        eq(memberships.id, grants.membershipId),
        eq(memberships.organizationId, root),
        eq(memberships.userId, userId),
        isNotNull(memberships.expiresAt),
      ),
    );
  const [membership] = await db
    .update(memberships)
    .set({ ...OWNING, updatedAt: at })
    .where(theirs)
    .returning();
  const { id } = membership!;
  const [kept] = await db
    .update(grants)
    .set({ expiresAt: null })
    .where(and(eq(grants.tenantId, tenantId), eq(grants.membershipId, id), isOwners()))
    .returning();
  if (!kept)
    await db
      .insert(grants)
      .values({ tenantId, id: newId(), membershipId: id, roleKey: OWNER, reach: "SUBTREE", createdAt: at });
  return { id, membership: { before, after: OWNING } };
}
