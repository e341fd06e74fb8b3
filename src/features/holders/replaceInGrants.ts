import { and, eq, exists, isNull, or, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { type Context, scopeOf } from "../../graphql/context.js";
import type { RoleId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { offeredGrants } from "../invitations/table.js";
import { grants } from "../memberships/table.js";
import { type Role, whichRole } from "../roles/role.js";

/** What somebody has, or what an invitation offers them. */
type Given = typeof grants | typeof offeredGrants;

/** An alias has the columns of its table, which the types of drizzle do not say of one table or another. */
const aliasOf = alias as unknown as (table: Given, name: string) => Given;

/** Whose it is: the membership, or the invitation. */
const bearerOf = (table: Given) => ("membershipId" in table ? table.membershipId : table.invitationId);

/**
 * Puts another role in the place of one, in every live grant of it that these memberships have, or these invitations offer.
 * Where one of them has the other role with the same reach already, one of the two is left, and ends when the later would
 * have. Three statements, however many there are.
 */
export async function replaceInGrants(
  ctx: Context,
  table: Given,
  roleId: RoleId,
  replacement: Role,
  bearers: readonly string[],
): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const [moved, other] = [aliasOf(table, "moved"), aliasOf(table, "other")];
  const which = whichRole(replacement);
  const isOther = (one: Given) =>
    which.roleKey === null ? eq(one.roleId, which.roleId) : eq(one.roleKey, which.roleKey);
  const ids = uuids([...new Set(bearers)]);
  const isMoved = (one: Given) =>
    and(eq(one.roleId, roleId), sql`${bearerOf(one)} = any(${ids})`, isLive(one.expiresAt, now));
  const isBeside = (one: Given) =>
    and(eq(one.tenantId, table.tenantId), eq(bearerOf(one), bearerOf(table)), eq(one.reach, table.reach));
  const ofTenant = eq(table.tenantId, tenantId);

  await db
    .update(table)
    .set({
      expiresAt: sql`(case when ${table.expiresAt} is null or ${moved.expiresAt} is null then null
        else greatest(${table.expiresAt}, ${moved.expiresAt}) end)`,
    })
    .from(moved)
    .where(and(ofTenant, isOther(table), isMoved(moved), isBeside(moved)));
  const hasOther = exists(
    db
      .select({ id: other.id })
      .from(other)
      .where(and(isBeside(other), isOther(other))),
  );
  await db.delete(table).where(and(ofTenant, isMoved(table), hasOther));
  await db
    .update(table)
    .set(which)
    .where(and(ofTenant, isMoved(table)));
}

/** Removes what is left of a role: grants that have ended, or are on a membership that has, and offers that are open no more. */
export async function dropGrants(ctx: Context, roleId: RoleId): Promise<void> {
  const { db, tenantId } = scopeOf(ctx).session;
  for (const table of [grants, offeredGrants])
    await db.delete(table).where(and(eq(table.tenantId, tenantId), eq(table.roleId, roleId)));
}

const isLive = (end: SQLWrapper, now: Date): SQL | undefined =>
  or(isNull(end), sql`${end} > ${now.toISOString()}::timestamptz`);
