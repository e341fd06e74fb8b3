import { z } from "zod";
import { builder } from "../../graphql/builder.js";
import type { Failure } from "../../graphql/failure.js";
import type { MembershipId } from "../../ids.js";
import { form as grantRoleForm, grantRoleInput } from "./grantRole.js";
import { form as removeMembershipForm, removeMembershipInput } from "./removeMembership.js";
import { form as resumeMembershipForm, resumeMembershipInput } from "./resumeMembership.js";
import { form as revokeGrantForm, revokeGrantInput } from "./revokeGrant.js";
import { form as setGrantsForm, setGrantsInput } from "./setGrants.js";
import { form as suspendMembershipForm, suspendMembershipInput } from "./suspendMembership.js";

export const MembershipChange = builder.inputType("MembershipChange", {
  description: "One change of a membership, as the mutation of this name makes it.",
  isOneOf: true,
  fields: (t) => ({
    setGrants: t.field({ type: setGrantsInput, description: "Replaces all its grants." }),
    grantRole: t.field({ type: grantRoleInput, description: "Gives it one more role, or another end to one it has." }),
    revokeGrant: t.field({ type: revokeGrantInput, description: "Withdraws one of its grants." }),
    suspendMembership: t.field({ type: suspendMembershipInput, description: "Closes it until it is resumed." }),
    resumeMembership: t.field({ type: resumeMembershipInput, description: "Opens it again." }),
    removeMembership: t.field({ type: removeMembershipInput, description: "Ends it for good." }),
  }),
});

export const membershipChange = z.object({
  setGrants: setGrantsForm.nullish(),
  grantRole: grantRoleForm.nullish(),
  revokeGrant: revokeGrantForm.nullish(),
  suspendMembership: suspendMembershipForm.nullish(),
  resumeMembership: resumeMembershipForm.nullish(),
  removeMembership: removeMembershipForm.nullish(),
});
export type MembershipChange = z.output<typeof membershipChange>;

/** What became of one change: the membership that was changed, or why nothing was. */
export type ChangeOutcome =
  | { readonly id: MembershipId; readonly failure?: undefined }
  | { readonly id?: undefined; readonly failure: Failure };
