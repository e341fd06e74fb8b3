import { and, eq, sql } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import type { MembershipId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { whichRole } from "../roles/role.js";
import type { Wanted } from "./grantInput.js";
import { listGrants } from "./loader.js";
import { type Changing, type Giving, type GrantChange, planGrants } from "./planGrants.js";
import { grants, memberships } from "./table.js";

/**
 * Gives what is wanted to a membership; a grant that is there already gets the wanted end. With `replace`, what is not wanted
 * is withdrawn. Nobody judges what stays as it is. Where something may be shortened or withdrawn, the tenant's lock must be
 * held alone.
 * @returns what the audit keeps of it; null when everything is as it should be already
 * @throws ExceedsYoursFailure  the viewer does not hold what is given, for as long and as far down, or what is withdrawn
 */
export async function changeGrants(
  ctx: Context,
  membership: Changing,
  wanted: readonly Wanted[],
  how: { readonly replace: boolean; readonly by?: Giving },
): Promise<Record<string, unknown> | null> {
  const held = await listGrants(scopeOf(ctx), ctx.catalogue, membership.id);
  const change = planGrants(ctx, membership, held, wanted, how);
  if (!change) return null;
  await writeGrants(ctx, [change]);
  return change.told;
}

/** PostgreSQL takes 65,535 values in one statement. */
const AT_ONCE = 5000;

/** Does what was planned, each of other memberships. Three statements, however many there are; one more for each 5,000 grants. */
export async function writeGrants(ctx: Context, changes: readonly GrantChange[]): Promise<void> {
  if (changes.length === 0) return;
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const steps = changes.flatMap(({ membershipId, steps }) => steps.map((step) => ({ membershipId, ...step })));
  const removed = steps.filter(({ to }) => to === undefined).map(({ id }) => id);
  if (removed.length > 0)
    await db.delete(grants).where(and(eq(grants.tenantId, tenantId), sql`${grants.id} = any(${uuids(removed)})`));

  const put = steps.flatMap(({ id, membershipId, role, reach, to }) => {
    if (to === undefined) return [];
    return [{ tenantId, id, membershipId, ...whichRole(role), reach, expiresAt: to, createdAt: now }];
  });
  for (let from = 0; from < put.length; from += AT_ONCE)
    await db
      .insert(grants)
      .values(put.slice(from, from + AT_ONCE))
      .onConflictDoUpdate({ target: [grants.tenantId, grants.id], set: { expiresAt: sql`excluded.expires_at` } });
  await touch(
    ctx,
    changes.map(({ membershipId }) => membershipId),
  );
}

/** Notes that something of these memberships was changed. */
export async function touch(ctx: Context, ids: readonly MembershipId[]): Promise<void> {
  const { session, now } = scopeOf(ctx);
  await session.db
    .update(memberships)
    .set({ updatedAt: now })
    .where(and(eq(memberships.tenantId, session.tenantId), sql`${memberships.id} = any(${uuids(ids)})`));
}
