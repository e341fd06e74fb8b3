import { and, eq, exists, isNull, or, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { type Context, scopeOf } from "../../graphql/context.js";
import type { RoleId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import type { RightOfGrant } from "../memberships/rights.js";
import { grants, memberships } from "../memberships/table.js";
import { type Role, whichRole } from "../roles/role.js";

const moved = alias(grants, "moved");
const other = alias(grants, "other");

/**
 * Puts another role in the place of one, in every live grant of it; `held` are these. Where a membership has the other one
 * with the same reach already, one of the two is left, and ends when the later would have. Four statements, however many
 * grants there are.
 */
export async function replaceInGrants(
  ctx: Context,
  roleId: RoleId,
  replacement: Role,
  held: readonly RightOfGrant[],
): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const which = whichRole(replacement);
  const isOther = (table: typeof grants | typeof other) =>
    which.roleKey === null ? eq(table.roleId, which.roleId) : eq(table.roleKey, which.roleKey);
  const ids = uuids([...new Set(held.map(({ membershipId }) => membershipId))]);
  const isMoved = (table: typeof grants | typeof moved) =>
    and(eq(table.roleId, roleId), sql`${table.membershipId} = any(${ids})`, isLive(table.expiresAt, now));
  const isBeside = (table: typeof moved | typeof other) =>
    and(
      eq(table.tenantId, grants.tenantId),
      eq(table.membershipId, grants.membershipId),
      eq(table.reach, grants.reach),
    );
  const ofTenant = eq(grants.tenantId, tenantId);

  await db
    .update(grants)
    .set({
      expiresAt: sql`(case when ${grants.expiresAt} is null or ${moved.expiresAt} is null then null
        else greatest(${grants.expiresAt}, ${moved.expiresAt}) end)`,
    })
    .from(moved)
    .where(and(ofTenant, isOther(grants), isMoved(moved), isBeside(moved)));
  const hasOther = exists(
    db
      .select({ id: other.id })
      .from(other)
      .where(and(isBeside(other), isOther(other))),
  );
  await db.delete(grants).where(and(ofTenant, isMoved(grants), hasOther));
  await db
    .update(grants)
    .set(which)
    .where(and(ofTenant, isMoved(grants)));
  await db
    .update(memberships)
    .set({ updatedAt: now })
    .where(and(eq(memberships.tenantId, tenantId), sql`${memberships.id} = any(${ids})`));
}

/** Removes what is left of a role: grants that have ended, or are on a membership that has. */
export async function dropGrants(ctx: Context, roleId: RoleId): Promise<void> {
  const { db, tenantId } = scopeOf(ctx).session;
  await db.delete(grants).where(and(eq(grants.tenantId, tenantId), eq(grants.roleId, roleId)));
}

const isLive = (end: SQLWrapper, now: Date): SQL | undefined =>
  or(isNull(end), sql`${end} > ${now.toISOString()}::timestamptz`);
