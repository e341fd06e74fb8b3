import { and, eq, or, sql } from "drizzle-orm";
import { z } from "zod";
import type { Place } from "../../access/access.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { MembershipId, OrganizationId, UserId } from "../../ids.js";
import { findOrganization } from "../organizations/loader.js";
import { organizationField } from "../organizations/payload.js";
import { organizations } from "../organizations/table.js";
import { Organization } from "../organizations/type.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { getUser } from "./getUser.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { remove } from "./remove.js";
import { mustHoldEverywhereNow, rightsOfMemberships } from "./rights.js";
import { memberships } from "./table.js";

const form = z.object({ organizationId: z.string(), userId: z.string() });
const FIELD = ["input", "userId"];

/**
 * Ends all memberships of a person in an organization and everywhere below it: all of them, or none.
 * @returns those of which the viewer knew
 * @throws ExceedsYoursFailure  one of them gives something that the viewer does not hold
 * @throws LastOwnerFailure     nobody would own the tenant any more
 */
export async function removeMemberships(ctx: Context, place: Place, userId: UserId): Promise<Known[]> {
  const { session, access } = scopeOf(ctx);
  const { db, tenantId } = session;
  const found = await db
    .select({ membership: memberships, at: { id: organizations.id, path: organizations.path } })
    .from(memberships)
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
    )
    .where(
      and(
        eq(memberships.tenantId, tenantId),
        eq(memberships.userId, userId),
        or(eq(organizations.id, place.id), sql`${place.id} = any(${organizations.path})`),
      ),
    )
    .orderBy(memberships.id);
  const going = found.map(({ membership }) => membership);
  const rights = await rightsOfMemberships(
    ctx,
    going.map(({ id }) => id),
  );
  mustHoldEverywhereNow(access, rights, FIELD);
  await remove(ctx, going);
  await mustKeepOwner(ctx);
  return found
    .filter(({ at }) => access.allows(at, "members:read"))
    .map(({ membership, at }) => ({ id: membership.id, organizationId: at.id }));
}

/** A membership that is gone, and where it was. */
interface Known {
  readonly id: MembershipId;
  readonly organizationId: OrganizationId;
}

interface Removed {
  readonly removed: readonly Known[];
  readonly organizationId: OrganizationId;
}

mutation<z.output<typeof form>, Removed>("removeMemberships", {
  description:
    "Removes somebody from an organization and from everything below it: all their memberships there end for good, with all their grants, or none does. The person stays in the tenant. Needs `members:manage` and `members:read` there, both with reach SUBTREE, and everything that is withdrawn. Nothing happens to who is no member there.",
  input: (t) => ({
    organizationId: t.id({ required: true, description: "The topmost organization to remove them from." }),
    userId: t.id({ required: true, description: "Whom to remove." }),
  }),
  form,
  payload: {
    description: "The person is no member there, or below.",
    fields: (t) => ({
      removedMembershipIds: t.idList({
        description:
          "The ids of the memberships that are gone, but for those in suspended organizations into which the viewer may not look.",
        resolve: ({ removed }) => removed.map(({ id }) => encodeId("Membership", id)),
      }),
      organizations: t.field({
        type: [Organization],
        description:
          "The organizations of these memberships, with their new counts, but for those that the viewer does not see any more.",
        resolve: async ({ removed }, _args, ctx) => {
          const found = removed.map(({ organizationId }) => findOrganization(scopeOf(ctx), organizationId));
          return (await Promise.all(found)).filter((organization) => organization !== null);
        },
      }),
      organization: organizationField(
        t,
        "The topmost of the organizations; null when the viewer does not see it any more.",
      ),
    }),
  },
  failures: [ExceedsYoursFailure, LastOwnerFailure, NotFoundFailure],
  change: async ({ organizationId, userId }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    const user = await getUser(ctx, userId);
    return { removed: await removeMemberships(ctx, place, user.id), organizationId: place.id };
  },
});
