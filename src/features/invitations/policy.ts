import { definePolicy, fromArgs, fromSource, identified, inherited, may, visible } from "../../graphql/policy.js";

const there = fromArgs("input.organizationId");
const ofIt = fromArgs("input.invitationId", "Invitation");

export const policy = definePolicy({
  Mutation: {
    inviteMember: may("members:invite").in(there),
    inviteMembers: may("members:invite").in(there),
    resendInvitation: may("members:invite").in(ofIt),
    withdrawInvitation: may("members:invite").in(ofIt),
    // Whoever is invited is not in the tenant yet: the token and the caller's own address let them through, or do not.
    acceptInvitation: identified,
    declineInvitation: identified,
  },
  Organization: { invitations: may("members:invite").in(fromSource) },
  // An invitation is visible where the viewer may invite.
  Invitation: visible(
    "id",
    "organization",
    "email",
    "grants",
    "invitedBy",
    "status",
    "isVoid",
    "expiresAt",
    "membershipExpiresAt",
    "createdAt",
    "updatedAt",
  ),
  OfferedGrant: inherited,
  InvitationOutcome: inherited,
});
