import { and, eq } from "drizzle-orm";
import { z } from "zod";
import type { Place } from "../../access/access.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { encodeId, idOf } from "../../graphql/nodeId.js";
import type { MembershipId, OrganizationId } from "../../ids.js";
import { organizationField } from "../organizations/payload.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { remove } from "./remove.js";
import { memberships } from "./table.js";

const form = z.object({ organizationId: z.string() });

/**
 * Ends the viewer's own membership for good, which nobody has to allow them: they give up what is theirs.
 * @throws LastOwnerFailure they own the tenant, and nobody else does
 */
export async function leaveOrganization(ctx: Context, { id: organizationId }: Place): Promise<MembershipId> {
  const { session, viewer } = scopeOf(ctx);
  const [own] = await session.db
    .select()
    .from(memberships)
    .where(
      and(
        eq(memberships.tenantId, session.tenantId),
        eq(memberships.organizationId, organizationId),
        eq(memberships.userId, viewer.id),
      ),
    );
  await remove(ctx, [own!]);
  await mustKeepOwner(ctx);
  return own!.id;
}

mutation<z.output<typeof form>, { id: MembershipId; organizationId: OrganizationId }>("leaveOrganization", {
  description:
    "Ends the viewer's own membership of an organization for good, with all its grants. Needs no permission. Neither a membership that is suspended nor one that has ended can be left.",
  input: (t) => ({ organizationId: t.id({ required: true, description: "The organization to leave." }) }),
  form,
  payload: {
    description: "The viewer is not a member any more.",
    fields: (t) => ({
      leftMembershipId: t.id({
        description: "The id that their membership had.",
        resolve: ({ id }) => encodeId("Membership", id),
      }),
      organization: organizationField(
        t,
        "Where it was, with its new count; null when the viewer does not see it any more.",
      ),
    }),
  },
  failures: [LastOwnerFailure, NotFoundFailure],
  change: async (input, ctx) => {
    const { access } = scopeOf(ctx);
    const id = idOf<OrganizationId>("Organization", input.organizationId);
    const place = access.grounds.memberOf.find((one) => one.id === id);
    if (!place || !access.sees(place))
      throw new NotFoundFailure("You are no member there, or your membership does not count today.", [
        "input",
        "organizationId",
      ]);
    return { id: await leaveOrganization(ctx, place), organizationId: place.id };
  },
});
