import { definePolicy, inherited, may, root, signedInTo } from "../../graphql/policy.js";

export const policy = definePolicy({
  OwnershipOffer: inherited,
  Mutation: {
    // Only an owner has something to offer, which the change itself asks.
    transferOwnership: may("members:manage", "SUBTREE").in(root, "withdraw"),
    // Whom an offer was made to, and for closing it whoever made it, needs no permission.
    acceptOwnership: signedInTo("withdraw"),
    closeOwnershipOffer: signedInTo("change"),
  },
});
