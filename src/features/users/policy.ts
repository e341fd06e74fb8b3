import { definePolicy, visible } from "../../graphql/policy.js";

// A user is visible to themselves and where the viewer may read members; whoever sees one may know all of this.
export const policy = definePolicy({
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
