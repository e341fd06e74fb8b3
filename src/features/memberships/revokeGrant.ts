import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import type { GrantId, MembershipId } from "../../ids.js";
import { record } from "../audit/record.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { membershipPayload } from "./membershipPayload.js";
import { mustHoldAllNow, rightsOfGrant } from "./rights.js";
import { grants } from "./table.js";

export const form = z.object({ grantId: z.string() });

/**
 * Withdraws one grant. What it gave is gone with the next request.
 * @throws ExceedsYoursFailure  it gives something that the viewer does not hold
 * @throws LastOwnerFailure     it was the last owner's
 */
export async function revokeGrant(ctx: Context, { id, place }: Named): Promise<MembershipId> {
  const { db, tenantId } = scopeOf(ctx).session;
  const grantId = id as GrantId;
  mustHoldAllNow(scopeOf(ctx).access, await rightsOfGrant(ctx, grantId), ["input", "grantId"]);

  const [gone] = await db
    .delete(grants)
    .where(and(eq(grants.tenantId, tenantId), eq(grants.id, grantId)))
    .returning();
  await mustKeepOwner(ctx);
  const { membershipId, roleKey, roleId, reach, expiresAt } = gone!;
  record(ctx, {
    action: "grant.revoked",
    organizationId: place.id,
    targetType: "Membership",
    targetId: membershipId,
    changes: { grantId: id, roleKey, roleId, reach, expiresAt },
  });
  return membershipId;
}

export const revokeGrantInput = mutation<z.output<typeof form>, { id: MembershipId }>("revokeGrant", {
  description:
    "Withdraws one grant; what it gave is gone with the next request. Needs `members:manage` there, and everything that is withdrawn.",
  input: (t) => ({ grantId: t.id({ required: true, description: "The grant to withdraw." }) }),
  form,
  payload: membershipPayload("The membership does not have the grant any more."),
  failures: [ExceedsYoursFailure, LastOwnerFailure, NotFoundFailure],
  change: async ({ grantId }, ctx) => ({ id: await revokeGrant(ctx, getNamed(ctx, "Grant", grantId)) }),
});
