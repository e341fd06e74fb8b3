import { z } from "zod";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import type { MembershipId } from "../../ids.js";
import { ExceedsYoursFailure, mustHold } from "../roles/exceedsYours.js";
import { getMembership, membershipPayload } from "./membershipPayload.js";
import { mustHoldAll, rightsOfMembership } from "./rights.js";
import { setMembershipStatus } from "./suspendMembership.js";

const form = z.object({ membershipId: z.string() });
const FIELD = ["input", "membershipId"];

/**
 * Opens a suspended membership again. All that it gives is given anew, so whoever does it must hold that.
 * @throws ExceedsYoursFailure  it gives more than the viewer holds, or for longer
 */
export async function resumeMembership(ctx: Context, named: Named): Promise<void> {
  const row = await getMembership(ctx, named);
  if (row.status === "ACTIVE") return;
  const itself = { permissions: [], at: named.place, reach: "ORGANIZATION", until: row.expiresAt } as const;
  mustHold(scopeOf(ctx).access, itself, "members:manage", FIELD);
  mustHoldAll(scopeOf(ctx).access, await rightsOfMembership(ctx, row.id), FIELD);
  await setMembershipStatus(ctx, row, "ACTIVE");
}

mutation<z.output<typeof form>, { id: MembershipId }>("resumeMembership", {
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
