import { and, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import type { MembershipId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { type Happened, record } from "../audit/record.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { LastOwnerFailure, mustKeepOwner } from "./lastOwner.js";
import { getMembership, membershipPayload } from "./membershipPayload.js";
import { mustHoldAllNow, rightsOfMembership } from "./rights.js";
import { type MembershipRow, memberships } from "./table.js";

export const form = z.object({ membershipId: z.string() });
const FIELD = ["input", "membershipId"];

/**
 * Closes a membership until it is resumed: it gives nothing meanwhile, and nothing of it is lost.
 * @throws ExceedsYoursFailure  it gives something that the viewer does not hold
 * @throws LastOwnerFailure     it was the last owner's
 */
export async function suspendMembership(ctx: Context, named: Named): Promise<void> {
  const row = await getMembership(ctx, named);
  if (row.status === "SUSPENDED") return;
  mustHoldAllNow(scopeOf(ctx).access, await rightsOfMembership(ctx, row.id), FIELD);
  await setMembershipStatus(ctx, [row], "SUSPENDED");
  await mustKeepOwner(ctx);
}

/** Closes or opens memberships, and notes each. Two statements, however many there are. */
export async function setMembershipStatus(
  ctx: Context,
  rows: readonly MembershipRow[],
  status: MembershipRow["status"],
): Promise<void> {
  if (rows.length === 0) return;
  const { session, now } = scopeOf(ctx);
  await session.db
    .update(memberships)
    .set({ status, updatedAt: now })
    .where(
      and(eq(memberships.tenantId, session.tenantId), sql`${memberships.id} = any(${uuids(rows.map(({ id }) => id))})`),
    );
  record(
    ctx,
    ...rows.map(
      ({ id, organizationId }): Happened => ({
        action: status === "SUSPENDED" ? "membership.suspended" : "membership.resumed",
        organizationId,
        targetType: "Membership",
        targetId: id,
      }),
    ),
  );
}

export const suspendMembershipInput = mutation<z.output<typeof form>, { id: MembershipId }>("suspendMembership", {
  description:
    "Closes a membership until it is resumed. Needs `members:manage` there, and everything that the membership gives. Nothing happens to one that is suspended.",
  input: (t) => ({ membershipId: t.id({ required: true, description: "The membership to suspend." }) }),
  form,
  payload: membershipPayload("The membership gives nothing until it is resumed."),
  failures: [ExceedsYoursFailure, LastOwnerFailure, NotFoundFailure],
  change: async ({ membershipId }, ctx) => {
    const named = getNamed(ctx, "Membership", membershipId);
    await suspendMembership(ctx, named);
    return { id: named.id as MembershipId };
  },
});
