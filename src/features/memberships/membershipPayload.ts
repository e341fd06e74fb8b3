import { and, eq } from "drizzle-orm";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure } from "../../graphql/failure.js";
import type { MutationPayload } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import type { MembershipId } from "../../ids.js";
import { findMembership, membershipsAhead } from "./loader.js";
import type { Changing } from "./planGrants.js";
import { type MembershipRow, memberships } from "./table.js";
import { Membership } from "./type.js";

/** The payload of changes to one membership. */
export const membershipPayload = (description: string): MutationPayload<{ id: MembershipId }> => ({
  description,
  ahead: membershipsAhead,
  // The viewer's access does not come from memberships of others.
  keepsAccess: ({ viewer, named }) => named.isOfOthers(viewer.id),
  fields: (t) => ({
    membership: t.field({
      type: Membership,
      nullable: true,
      description: "The membership as it is now; null when the viewer may not read members there, or no longer.",
      resolve: ({ id }, _args, ctx) => findMembership(scopeOf(ctx), id),
    }),
  }),
});

/** The row of a membership that the field's rule has judged. */
export async function getMembership(ctx: Context, { id, place }: Named): Promise<MembershipRow> {
  const { db, tenantId } = scopeOf(ctx).session;
  const [row] = await db
    .select()
    .from(memberships)
    .where(
      and(
        eq(memberships.tenantId, tenantId),
        eq(memberships.organizationId, place.id),
        eq(memberships.id, id as MembershipId),
      ),
    );
  return row!;
}

/**
 * The membership that an input names, to change its grants.
 * @throws InvalidInputFailure when it has ended: its grants have ended with it, whatever they say
 */
export function getChanging(ctx: Context, globalId: string): Changing {
  const { id, place, expiresAt } = getNamed(ctx, "Membership", globalId);
  if (expiresAt && expiresAt <= scopeOf(ctx).now)
    throw new InvalidInputFailure("This membership has ended. Add the person again with addMembership.", [
      "input",
      "membershipId",
    ]);
  return { id: id as MembershipId, place, expiresAt };
}
