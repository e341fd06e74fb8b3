import { z } from "zod";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { InvitationId } from "../../ids.js";
import { record } from "../audit/record.js";
import { EmailNotVerifiedFailure } from "../users/verifiedEmail.js";
import { answerInvitation } from "./answerInvitation.js";
import { end, InvitationClosedFailure } from "./closed.js";
import { about } from "./invite.js";

const form = z.object({ token: z.string() });

mutation<z.output<typeof form>, { id: InvitationId }>("declineInvitation", {
  description:
    "Says no to an invitation, for good. Needs what `acceptInvitation` needs: the token, and the address that it was sent to, verified; no tenant, whichever the request names.",
  input: (t) => ({ token: t.string({ required: true, description: "From the link in the mail." }) }),
  form,
  payload: {
    description: "The invitation is declined.",
    fields: (t) => ({
      declinedInvitationId: t.id({
        description: "The id of the invitation, for whoever made it.",
        resolve: ({ id }) => encodeId("Invitation", id),
      }),
    }),
  },
  failures: [EmailNotVerifiedFailure, InvitationClosedFailure, NotFoundFailure],
  change: ({ token }, ctx) =>
    answerInvitation(ctx, token, async ({ row }) => {
      await end(ctx, row, "DECLINED");
      // Whoever says no need not be anybody in the tenant: then the entry names nobody whom it knows.
      record(ctx, { ...about(row.organizationId, row.id), action: "invitation.declined" });
      return { id: row.id };
    }),
});
