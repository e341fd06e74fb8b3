import { z } from "zod";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { MembershipId, OrganizationId } from "../../ids.js";
import { organizationField } from "../organizations/payload.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { remove } from "./remove.js";
import { mustHoldAllNow, rightsOfMembership } from "./rights.js";

export const form = z.object({ membershipId: z.string() });

/**
 * Ends somebody's membership for good, with all its grants. The person stays in the tenant.
 * @throws ExceedsYoursFailure  it gives something that the viewer does not hold
 * @throws LastOwnerFailure     nobody would own the tenant any more
 */
export async function removeMembership(ctx: Context, { id, place, userId }: Named): Promise<void> {
  const membershipId = id as MembershipId;
  mustHoldAllNow(scopeOf(ctx).access, await rightsOfMembership(ctx, membershipId), ["input", "membershipId"]);

  await remove(ctx, [{ id: membershipId, organizationId: place.id, userId: userId! }]);
  await mustKeepOwner(ctx);
}

export const removeMembershipInput = mutation<z.output<typeof form>, { id: string; organizationId: OrganizationId }>(
  "removeMembership",
  {
    description:
      "Ends a membership for good, with all its grants. The person stays in the tenant. Needs `members:manage` there, and everything that is withdrawn.",
    input: (t) => ({ membershipId: t.id({ required: true, description: "The membership to remove." }) }),
    form,
    payload: {
      description: "The membership is gone.",
      fields: (t) => ({
        removedMembershipId: t.id({
          description: "The id it had.",
          resolve: ({ id }) => encodeId("Membership", id),
        }),
        organization: organizationField(
          t,
          "Where it was, with its new count; null when the viewer does not see it any more.",
        ),
      }),
    },
    failures: [ExceedsYoursFailure, LastOwnerFailure, NotFoundFailure],
    change: async ({ membershipId }, ctx) => {
      const membership = getNamed(ctx, "Membership", membershipId);
      await removeMembership(ctx, membership);
      return { id: membership.id, organizationId: membership.place.id };
    },
  },
);
