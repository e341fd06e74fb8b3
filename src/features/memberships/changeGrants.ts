import { and, eq, sql } from "drizzle-orm";
import type { Place, Reach } from "../../access/access.js";
import { stillThere } from "../../access/catalogue.js";
import { earlier } from "../../access/end.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { type GrantId, type MembershipId, newId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { mustHold, mustHoldNow } from "../roles/exceedsYours.js";
import type { Role } from "../roles/role.js";
import type { Wanted } from "./grantInput.js";
import { listGrants } from "./loader.js";
import { grants, memberships } from "./table.js";

/** A membership whose grants are to change. */
export interface Changing {
  readonly id: MembershipId;
  readonly place: Place;
  /** When it ends, and all its grants with it. */
  readonly expiresAt: Date | null;
}

/** The permission by which somebody is given something. */
export type Giving = "members:manage" | "members:invite" | "domains:manage";

/** One grant, from what it was to what it shall be: its end, null for none, undefined where it is not given. */
interface Step {
  readonly id: GrantId;
  readonly role: Role;
  readonly reach: Reach;
  readonly from: Date | null | undefined;
  readonly to: Date | null | undefined;
  readonly field: readonly string[];
}

const keyOf = ({ role, reach }: { role: Role; reach: Reach }): string => `${role.id} ${reach}`;
const timeOf = (end: Date | null | undefined): number | undefined =>
  end === null ? Number.POSITIVE_INFINITY : end?.getTime();

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
  { replace, by = "members:manage" }: { readonly replace: boolean; readonly by?: Giving },
): Promise<Record<string, unknown> | null> {
  const scope = scopeOf(ctx);
  const held = await listGrants(scope, ctx.catalogue, membership.id);
  const steps = [
    ...wanted.map((one): Step => {
      const before = held.find((grant) => keyOf(grant) === keyOf(one));
      return { ...one, id: before?.id ?? newId(), from: before?.expiresAt, to: one.expiresAt };
    }),
    ...held.flatMap(({ id, role, reach, expiresAt }): Step[] => {
      if (!replace || wanted.some((one) => keyOf(one) === keyOf({ role, reach }))) return [];
      return [{ id, role, reach, from: expiresAt, to: undefined, field: ["input", "grants"] }];
    }),
  ].filter(({ from, to }) => timeOf(from) !== timeOf(to));
  if (steps.length === 0) return null;

  const before = (step: Step) => {
    const end = timeOf(step.from);
    return end === undefined || end <= scope.now.getTime() ? Number.NEGATIVE_INFINITY : end;
  };
  const after = (step: Step) => timeOf(step.to) ?? Number.NEGATIVE_INFINITY;
  const [given, withdrawn] = [
    steps.filter((step) => after(step) > before(step)),
    steps.filter((step) => after(step) < before(step)),
  ];
  for (const { role, reach, to, field } of given) {
    const until = earlier(to ?? null, membership.expiresAt);
    mustHold(scope.access, { permissions: role.permissions, at: membership.place, reach, until }, by, field);
  }
  for (const { role, reach, field } of withdrawn) {
    const permissions = stillThere(ctx.catalogue, role.permissions);
    mustHoldNow(scope.access, { permissions, at: membership.place, reach }, "withdraw", field);
  }
  await write(ctx, membership.id, steps);
  return { given: given.map(told), withdrawn: withdrawn.map(told) };
}

const told = ({ role, reach, from, to }: Step) => ({
  role: role.key,
  roleId: role.id,
  reach,
  ...(from !== undefined && { from }),
  ...(to !== undefined && { to }),
});

/** Three statements at most, however many steps there are. */
async function write(ctx: Context, membershipId: MembershipId, steps: readonly Step[]): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const removed = steps.filter(({ to }) => to === undefined).map(({ id }) => id);
  if (removed.length > 0)
    await db.delete(grants).where(and(eq(grants.tenantId, tenantId), sql`${grants.id} = any(${uuids(removed)})`));

  const put = steps.flatMap(({ id, role, reach, to }) => {
    if (to === undefined) return [];
    const isFixed = role.source === "BUILT_IN" || role.source === "PRODUCT";
    const which = isFixed ? { roleKey: role.key, roleId: null } : { roleKey: null, roleId: role.id };
    return [{ tenantId, id, membershipId, ...which, reach, expiresAt: to, createdAt: now }];
  });
  if (put.length > 0)
    await db
      .insert(grants)
      .values(put)
      .onConflictDoUpdate({ target: [grants.tenantId, grants.id], set: { expiresAt: sql`excluded.expires_at` } });
  await db
    .update(memberships)
    .set({ updatedAt: now })
    .where(and(eq(memberships.tenantId, tenantId), eq(memberships.id, membershipId)));
}
