import { z } from "zod";
import type { Context } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { MembershipId } from "../../ids.js";
import { record } from "../audit/record.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { RoleRef } from "../roles/roleRef.js";
import { changeGrants } from "./changeGrants.js";
import { grantInput, readWanted, type Wanted } from "./grantInput.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { getChanging, membershipPayload } from "./membershipPayload.js";
import type { Changing } from "./planGrants.js";
import { Reach } from "./type.js";

export const form = grantInput.extend({ membershipId: z.string() });

/**
 * Gives a membership one more role; one that it has already, with that reach, gets the new end.
 * @throws ExceedsYoursFailure  the role is more than the viewer holds, or would outlast it; or it is shortened, and they do not hold it
 * @throws LastOwnerFailure     the shortened grant was the last owner's
 */
export async function grantRole(ctx: Context, membership: Changing, wanted: Wanted): Promise<void> {
  const changes = await changeGrants(ctx, membership, [wanted], { replace: false });
  if (!changes) return;
  await mustKeepOwner(ctx);
  await record(ctx, {
    action: "grant.given",
    organizationId: membership.place.id,
    targetType: "Membership",
    targetId: membership.id,
    changes,
  });
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
    const membership = await getChanging(ctx, membershipId);
    const [wanted] = await readWanted(ctx, membership.place, [input], () => ["input"]);
    await grantRole(ctx, membership, wanted!);
    return { id: membership.id };
  },
});
