import type { Place, Reach } from "../../access/access.js";
import { stillThere } from "../../access/catalogue.js";
import { earlier } from "../../access/end.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { type GrantId, type MembershipId, newId } from "../../ids.js";
import { mustHold, mustHoldNow } from "../roles/exceedsYours.js";
import type { Giving } from "../roles/giving.js";
import type { ShownRole } from "../roles/role.js";
import type { Wanted } from "./grantInput.js";
import type { GrantOfRole } from "./loader.js";

/** A membership whose grants are to change. */
export interface Changing {
  readonly id: MembershipId;
  readonly place: Place;
  /** When it ends, and all its grants with it. */
  readonly expiresAt: Date | null;
}

/** One grant, from what it was to what it shall be: its end, null for none, undefined where it is not given. */
export interface Step {
  readonly id: GrantId;
  readonly role: ShownRole;
  readonly reach: Reach;
  readonly from: Date | null | undefined;
  readonly to: Date | null | undefined;
  readonly field: readonly string[];
}

/** What is to become of the grants of a membership. */
export interface GrantChange {
  readonly membershipId: MembershipId;
  readonly steps: readonly Step[];
  /** Whether something ends, or ends sooner. */
  readonly withdraws: boolean;
  /** What the audit keeps of it: what was `given` and `withdrawn`, and, where there are any, ended grants that were `removed`. */
  readonly told: Record<string, unknown>;
}

const keyOf = ({ role, reach }: { role: ShownRole; reach: Reach }): string => `${role.id} ${reach}`;
const timeOf = (end: Date | null | undefined): number | undefined =>
  end === null ? Number.POSITIVE_INFINITY : end?.getTime();

/**
 * Gives what is wanted to a membership that holds these grants; one that is there already gets the wanted end. With `replace`,
 * what is not wanted is withdrawn. Nobody judges what stays as it is.
 * @returns null when everything is as it should be already
 * @throws ExceedsYoursFailure  the viewer does not hold what is given, for as long and as far down, or what is withdrawn
 */
export function planGrants(
  ctx: Context,
  membership: Changing,
  held: readonly GrantOfRole[],
  wanted: readonly Wanted[],
  {
    replace,
    field = ["input"],
    by,
  }: { readonly replace: boolean; readonly field?: readonly string[]; readonly by?: Giving },
): GrantChange | null {
  const steps = [
    ...wanted.map((one): Step => {
      const before = held.find((grant) => keyOf(grant) === keyOf(one));
      return { ...one, id: before?.id ?? newId(), from: before?.expiresAt, to: one.expiresAt };
    }),
    ...held
      .filter((grant) => replace && !wanted.some((one) => keyOf(one) === keyOf(grant)))
      .map((grant) => withdrawal(grant, [...field, "grants"])),
  ].filter(({ from, to }) => timeOf(from) !== timeOf(to));
  return steps.length === 0 ? null : judged(ctx, membership, steps, by);
}

/**
 * Withdraws one of the grants of a membership.
 * @throws ExceedsYoursFailure  the viewer does not hold what it gives
 */
export const planWithdrawal = (
  ctx: Context,
  membership: Changing,
  grant: GrantOfRole,
  field: readonly string[],
): GrantChange => judged(ctx, membership, [withdrawal(grant, field)]);

const withdrawal = ({ id, role, reach, expiresAt }: GrantOfRole, field: readonly string[]): Step => ({
  id,
  role,
  reach,
  from: expiresAt,
  to: undefined,
  field,
});

function judged(
  ctx: Context,
  { id, place, expiresAt }: Changing,
  steps: readonly Step[],
  by: Giving = "members:manage",
): GrantChange {
  const { access, now } = scopeOf(ctx);
  const before = (step: Step) => {
    const end = timeOf(step.from);
    return end === undefined || end <= now.getTime() ? Number.NEGATIVE_INFINITY : end;
  };
  const after = (step: Step) => timeOf(step.to) ?? Number.NEGATIVE_INFINITY;
  const [given, withdrawn, removed] = [
    steps.filter((step) => after(step) > before(step)),
    steps.filter((step) => after(step) < before(step)),
    // Had ended already: nobody loses anything by it, so nobody judges it.
    steps.filter((step) => after(step) === before(step)),
  ];
  for (const { role, reach, to, field } of given) {
    const until = earlier(to ?? null, expiresAt);
    mustHold(access, { permissions: role.permissions, at: place, reach, until }, by, field);
  }
  for (const { role, reach, field } of withdrawn) {
    const permissions = stillThere(ctx.catalogue, role.permissions);
    mustHoldNow(access, { permissions, at: place, reach }, "withdraw", field);
  }
  return {
    membershipId: id,
    steps,
    withdraws: withdrawn.length > 0,
    told: {
      given: given.map(told),
      withdrawn: withdrawn.map(told),
      ...(removed.length > 0 && { removed: removed.map(told) }),
    },
  };
}

const told = ({ role, reach, from, to }: Step) => ({
  role: role.key,
  roleId: role.id,
  reach,
  ...(from !== undefined && { from }),
  ...(to !== undefined && { to }),
});
