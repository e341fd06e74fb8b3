import { definePolicy, may, root, visible } from "../../graphql/policy.js";

// A user is visible to themselves and where the viewer may read members; whoever sees one may know all of this.
export const policy = definePolicy({
  // People belong to the tenant as a whole; whoever changes them by their address learns who is there.
  Mutation: { upsertUser: may("members:manage", "SUBTREE").and("members:read").in(root) },
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
