import { definePolicy, inherited, signedInTo } from "../../graphql/policy.js";

export const policy = definePolicy({
  OwnershipOffer: inherited,
  // Each is about what is the viewer's own: what they own, what was offered to them, what they offered.
  Mutation: {
    transferOwnership: signedInTo("withdraw"),
    acceptOwnership: signedInTo("withdraw"),
    closeOwnershipOffer: signedInTo("change"),
  },
});
