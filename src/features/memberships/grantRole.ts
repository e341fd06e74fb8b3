import { z } from "zod";
import type { Context } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { MembershipId } from "../../ids.js";
import { record } from "../audit/record.js";
import { Reach } from "../organizations/reach.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { RoleRef } from "../roles/roleRef.js";
import { holding, writeGrants } from "./changeGrants.js";
import { grantInput, readWanted } from "./grantInput.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { getChanging, membershipPayload } from "./membershipPayload.js";
import { type Changing, planGrants } from "./planGrants.js";

export const form = grantInput.extend({ membershipId: z.string() });

/**
 * Gives a membership one more role; one that it has already, with that reach, gets the new end.
 * @throws ExceedsYoursFailure  the role is more than the viewer holds, or would outlast it; or it is shortened, and they do not hold it
 * @throws LastOwnerFailure     the shortened grant was the last owner's
 */
async function grantRole(ctx: Context, membership: Changing, input: z.output<typeof grantInput>): Promise<void> {
  const [[wanted], held] = await Promise.all([
    readWanted(ctx, membership.place, [input], () => ["input"]),
    holding(ctx, membership),
  ]);
  const change = planGrants(ctx, membership, held, [wanted!], { replace: false });
  if (!change) return;
  writeGrants(ctx, [change]);
  record(ctx, {
    action: "grant.given",
    organizationId: membership.place.id,
    targetType: "Membership",
    targetId: membership.id,
    changes: change.told,
  });
  if (change.withdraws) await mustKeepOwner(ctx);
}

export const grantRoleInput = mutation<z.output<typeof form>, { id: MembershipId }>("grantRole", {
  description:
    "Gives a membership a role. If it has the role with that reach already, only the end changes. Needs `members:manage` there, and everything the role allows, as far and as long.",
  input: (t) => ({
    membershipId: t.id({ required: true, description: "Who gets it." }),
    role: t.field({ type: RoleRef, required: true, description: "A role that is usable in the organization." }),
    reach: t.field({ type: Reach, defaultValue: "ORGANIZATION", description: "How far it reaches." }),
    expiresAt: t.field({ type: "DateTime", description: "When it ends; left out for no end." }),
  }),
  form,
  payload: membershipPayload("The membership has the role."),
  failures: [ExceedsYoursFailure, LastOwnerFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ membershipId, ...input }, ctx) => {
    const membership = getChanging(ctx, membershipId);
    await grantRole(ctx, membership, input);
    return { id: membership.id };
  },
});
