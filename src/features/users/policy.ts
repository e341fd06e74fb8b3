import { definePolicy, may, root, visible } from "../../graphql/policy.js";

// A user is visible to themselves and where the viewer may read members; whoever sees one may know all of this.
export const policy = definePolicy({
  // People belong to the tenant as a whole.
  Mutation: { upsertUser: may("members:manage", "SUBTREE").in(root) },
  User: visible(
    "id",
    "uuid",
    "displayName",
    "email",
    "emailVerified",
    "imageUrl",
    "locale",
    "externalId",
    "metadata",
    "status",
    "createdAt",
    "updatedAt",
  ),
});
