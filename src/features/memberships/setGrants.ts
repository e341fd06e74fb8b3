import { z } from "zod";
import type { Context } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { MembershipId } from "../../ids.js";
import { record } from "../audit/record.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { changeGrants } from "./changeGrants.js";
import { GrantInput, grantInputs, readWanted, type Wanted } from "./grantInput.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { getChanging, membershipPayload } from "./membershipPayload.js";
import type { Changing } from "./planGrants.js";

export const form = z.object({ membershipId: z.string(), grants: grantInputs });

/**
 * Replaces all grants of a membership at once. A grant that is wanted as it is stays the same one.
 * @throws ExceedsYoursFailure  what is given, or withdrawn, is more than the viewer holds
 * @throws LastOwnerFailure     nobody would own the tenant any more
 */
export async function setGrants(ctx: Context, membership: Changing, wanted: readonly Wanted[]): Promise<void> {
  const changes = await changeGrants(ctx, membership, wanted, { replace: true });
  if (!changes) return;
  await mustKeepOwner(ctx);
  record(ctx, {
    action: "grants.set",
    organizationId: membership.place.id,
    targetType: "Membership",
    targetId: membership.id,
    changes,
  });
}

export const setGrantsInput = mutation<z.output<typeof form>, { id: MembershipId }>("setGrants", {
  description:
    "Replaces all grants of a membership at once: those that are not named are withdrawn. Needs `members:manage` there, and everything that is given or withdrawn.",
  input: (t) => ({
    membershipId: t.id({ required: true, description: "Whose grants." }),
    grants: t.field({ type: [GrantInput], required: true, description: "All that it shall have; may be empty." }),
  }),
  form,
  payload: membershipPayload("The membership has these grants, and no others."),
  failures: [ExceedsYoursFailure, LastOwnerFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ membershipId, grants }, ctx) => {
    const membership = getChanging(ctx, membershipId);
    const wanted = await readWanted(ctx, membership.place, grants, (index) => ["input", "grants", String(index)]);
    await setGrants(ctx, membership, wanted);
    return { id: membership.id };
  },
});
