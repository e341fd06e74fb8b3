import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import type { InvitationId } from "../../ids.js";
import { record } from "../audit/record.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { closed, InvitationClosedFailure } from "./closed.js";
import { about, sendLinks } from "./invite.js";
import { invitationPayload } from "./inviteMember.js";
import { listOffers } from "./loader.js";
import { endOf, mayGive } from "./offer.js";
import { invitations } from "./table.js";
import { FIELD, getInvitation } from "./withdrawInvitation.js";

const form = z.object({ invitationId: z.string() });

/**
 * Sends an offer once more, by a new link, in the viewer's own name from now on: whoever lets it go on offers it.
 * @throws InvitationClosedFailure  it was accepted, declined or withdrawn, or offers what cannot be given there any more
 * @throws ExceedsYoursFailure      the viewer may not give what it offers
 */
export async function resendInvitation(ctx: Context, named: Named): Promise<void> {
  const scope = scopeOf(ctx);
  const { session, access, now, viewer } = scope;
  const row = await getInvitation(ctx, named);
  const { membershipExpiresAt } = row;
  if (row.status !== "OPEN") throw closed(ctx, row.status, FIELD);
  const { offers, isWhole } = await listOffers(scope, ctx.catalogue, row.id, named.place);
  if (!isWhole || (membershipExpiresAt && membershipExpiresAt <= now))
    throw new InvitationClosedFailure("It offers what cannot be given there any more. Invite anew.", FIELD, {
      status: null,
      tenantSlug: session.tenant.slug,
    });
  const grants = offers.map((offer) => ({ ...offer, field: FIELD }));
  mayGive(access, named.place, { grants, membershipExpiresAt }, FIELD);

  const { token, hash } = ctx.invitationTokens.make(session.tenantId);
  const expiresAt = endOf(now, membershipExpiresAt);
  await session.db
    .update(invitations)
    .set({ tokenHash: hash, inviterId: viewer.id, expiresAt, updatedAt: now })
    .where(and(eq(invitations.tenantId, session.tenantId), eq(invitations.id, row.id)));
  await sendLinks(ctx, row.organizationId, [{ email: row.email, token, expiresAt }]);
  record(ctx, {
    ...about(row.organizationId, row.id),
    action: "invitation.resent",
    changes: { before: { expiresAt: row.expiresAt }, after: { expiresAt } },
  });
}

mutation<z.output<typeof form>, { id: InvitationId }>("resendInvitation", {
  description:
    "Sends an invitation once more, also one that has expired: by a new link, good for seven days, in place of the one before, and in the viewer's name. Needs `members:invite` there, and everything that it offers.",
  input: (t) => ({ invitationId: t.id({ required: true, description: "The invitation." }) }),
  form,
  payload: invitationPayload("The invitation is on its way again."),
  failures: [InvitationClosedFailure, ExceedsYoursFailure, NotFoundFailure],
  change: async ({ invitationId }, ctx) => {
    const named = getNamed(ctx, "Invitation", invitationId);
    await resendInvitation(ctx, named);
    return { id: named.id as InvitationId };
  },
});
