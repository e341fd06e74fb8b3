import { definePolicy, fromSource, inherited, may, signedIn, visible } from "../../graphql/policy.js";

export const policy = definePolicy({
  // Confined to the people that the viewer sees, by their statements.
  Query: { user: signedIn, users: signedIn },
  // A membership is visible to its own user, and where the viewer may read members.
  Membership: visible(
    "id",
    "user",
    "organization",
    "status",
    "via",
    "expiresAt",
    "createdAt",
    "updatedAt",
    "roles",
    "grants",
  ),
  Grant: inherited,
  Organization: {
    memberships: may("members:read").in(fromSource),
    memberCount: may("members:read").in(fromSource),
  },
  // Confined to where the viewer may read members, by its statement.
  User: visible("memberships"),
});
