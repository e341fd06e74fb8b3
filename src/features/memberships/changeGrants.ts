import { and, eq, sql } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import type { MembershipId } from "../../ids.js";
import { arrayOf, uuids } from "../../tenancy/arrays.js";
import { oneAtATime } from "../../tenancy/oneAtATime.js";
import type { Giving } from "../roles/giving.js";
import { whichRole } from "../roles/role.js";
import type { Wanted } from "./grantInput.js";
import { type GrantOfRole, listGrants } from "./loader.js";
import { type Changing, type GrantChange, planGrants } from "./planGrants.js";
import { memberships } from "./table.js";

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
  const change = planGrants(ctx, membership, await holding(ctx, membership), wanted, how);
  if (!change) return null;
  writeGrants(ctx, [change]);
  return change.told;
}

/** The grants of a membership, which nobody else changes until the transaction ends: of two who give it the same, one finds it given. */
export async function holding(ctx: Context, { id }: Changing): Promise<readonly GrantOfRole[]> {
  const { session } = scopeOf(ctx);
  const locked = session.purpose === "change" && oneAtATime(session, `grants of ${id}`);
  // Sent behind the lock, and so answered by what is there once it is held.
  const [held] = await Promise.all([listGrants(scopeOf(ctx), ctx.catalogue, id), locked]);
  return held;
}

const REMOVE = "delete from grants where tenant_id = $1::uuid and id = any($2::uuid[])";
const PUT = `
with put as (
  insert into grants (tenant_id, id, membership_id, role_key, role_id, reach, expires_at, created_at)
  select $1::uuid, p.id, p."membershipId", p."roleKey", p."roleId", p.reach, p."expiresAt", $2::timestamptz
  from json_to_recordset($3::text::json) as p(id uuid, "membershipId" uuid, "roleKey" text, "roleId" uuid, reach text,
    "expiresAt" timestamptz)
  on conflict (tenant_id, id) do update set expires_at = excluded.expires_at
)
update memberships set updated_at = $2::timestamptz where tenant_id = $1::uuid and id = any($4::uuid[])`;

/** Does what was planned, each of other memberships: at most two statements, however many there are. Nobody waits for them but the commit. */
export function writeGrants(ctx: Context, changes: readonly GrantChange[]): void {
  if (changes.length === 0) return;
  const { session, now } = scopeOf(ctx);
  const { tenantId } = session;
  const steps = changes.flatMap(({ membershipId, steps }) => steps.map((step) => ({ membershipId, ...step })));
  const removed = steps.filter(({ to }) => to === undefined).map(({ id }) => id);
  const put = steps.flatMap(({ id, membershipId, role, reach, to }) =>
    to === undefined ? [] : [{ id, membershipId, ...whichRole(role), reach, expiresAt: to }],
  );
  const touched = changes.map(({ membershipId }) => membershipId);
  if (removed.length > 0) session.write(REMOVE, [tenantId, arrayOf(removed)]);
  session.write(PUT, [tenantId, now.toISOString(), JSON.stringify(put), arrayOf(touched)]);
}

/** Notes that something of these memberships was changed. */
export async function touch(ctx: Context, ids: readonly MembershipId[]): Promise<void> {
  const { session, now } = scopeOf(ctx);
  await session.db
    .update(memberships)
    .set({ updatedAt: now })
    .where(and(eq(memberships.tenantId, session.tenantId), sql`${memberships.id} = any(${uuids(ids)})`));
}
