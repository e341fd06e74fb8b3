import { z } from "zod";
import type { Place } from "../../access/access.js";
import type { Right } from "../../access/giving.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import type { MembershipId } from "../../ids.js";
import { ExceedsYoursFailure, mustHold } from "../roles/exceedsYours.js";
import { getMembership, membershipPayload } from "./membershipPayload.js";
import { mustHoldAll, rightsOfMembership } from "./rights.js";
import { setMembershipStatus } from "./suspendMembership.js";
import type { MembershipRow } from "./table.js";

export const form = z.object({ membershipId: z.string() });
const FIELD = ["input", "membershipId"];

/**
 * Opens a suspended membership again. All that it gives is given anew, so whoever does it must hold that.
 * @throws ExceedsYoursFailure  it gives more than the viewer holds, or for longer
 */
export async function resumeMembership(ctx: Context, named: Named): Promise<void> {
  const row = await getMembership(ctx, named);
  if (row.status === "ACTIVE") return;
  mustHoldWhole(ctx, named.place, row, await rightsOfMembership(ctx, row.id), FIELD);
  await setMembershipStatus(ctx, [row], "ACTIVE");
}

/** @throws ExceedsYoursFailure unless the viewer could give a membership as it is, to be a member as well as these rights */
export function mustHoldWhole(
  ctx: Context,
  place: Place,
  { expiresAt }: MembershipRow,
  rights: readonly Right[],
  field: readonly string[],
): void {
  const { access } = scopeOf(ctx);
  mustHold(access, { permissions: [], at: place, reach: "ORGANIZATION", until: expiresAt }, "members:manage", field);
  mustHoldAll(access, rights, field);
}

export const resumeMembershipInput = mutation<z.output<typeof form>, { id: MembershipId }>("resumeMembership", {
  description:
    "Opens a suspended membership again. Needs `members:manage` there, and everything that the membership gives, as far and as long. Nothing happens to one that is not suspended.",
  input: (t) => ({ membershipId: t.id({ required: true, description: "The membership to resume." }) }),
  form,
  payload: membershipPayload("The membership counts again."),
  failures: [ExceedsYoursFailure, NotFoundFailure],
  change: async ({ membershipId }, ctx) => {
    const named = getNamed(ctx, "Membership", membershipId);
    await resumeMembership(ctx, named);
    return { id: named.id as MembershipId };
  },
});
