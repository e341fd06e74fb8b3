import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import type { InvitationId } from "../../ids.js";
import { record } from "../audit/record.js";
import { closed, end, InvitationClosedFailure } from "./closed.js";
import { about } from "./invite.js";
import { invitationPayload } from "./inviteMember.js";
import { type InvitationRow, invitations } from "./table.js";

const form = z.object({ invitationId: z.string() });
export const FIELD = ["input", "invitationId"];

/** The row of an invitation that the field's rule has judged, locked against whoever accepts it at this moment. */
export async function getInvitation(ctx: Context, { id, place }: Named): Promise<InvitationRow> {
  const { db, tenantId } = scopeOf(ctx).session;
  const [row] = await db
    .select()
    .from(invitations)
    .where(
      and(
        eq(invitations.tenantId, tenantId),
        eq(invitations.organizationId, place.id),
        eq(invitations.id, id as InvitationId),
      ),
    )
    .for("update");
  return row!;
}

/**
 * Takes an offer back: its link is good for nothing from now on.
 * @throws InvitationClosedFailure  it is not open any more
 */
export async function withdrawInvitation(ctx: Context, named: Named): Promise<void> {
  const row = await getInvitation(ctx, named);
  if (row.status !== "OPEN") throw closed(ctx, row.status, FIELD);
  await end(ctx, row, "WITHDRAWN");
  record(ctx, { ...about(row.organizationId, row.id), action: "invitation.withdrawn" });
}

mutation<z.output<typeof form>, { id: InvitationId }>("withdrawInvitation", {
  description: "Takes an invitation back. Its link is good for nothing from then on. Needs `members:invite` there.",
  input: (t) => ({ invitationId: t.id({ required: true, description: "The invitation." }) }),
  form,
  payload: invitationPayload("The invitation is withdrawn."),
  failures: [InvitationClosedFailure, NotFoundFailure],
  change: async ({ invitationId }, ctx) => {
    const named = getNamed(ctx, "Invitation", invitationId);
    await withdrawInvitation(ctx, named);
    return { id: named.id as InvitationId };
  },
});
