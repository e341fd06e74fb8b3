import {
  definePolicy,
  fromArgs,
  fromSource,
  inherited,
  may,
  root,
  signedIn,
  signedInTo,
  visible,
} from "../../graphql/policy.js";

const inMembership = fromArgs("input.membershipId", "Membership");

export const policy = definePolicy({
  Mutation: {
    addMembership: may("members:manage").in(fromArgs("input.organizationId")),
    // Nobody has to be allowed to give up what is theirs.
    leaveOrganization: signedInTo("withdraw"),
    removeMemberships: may("members:manage", "SUBTREE")
      .and("members:read")
      .in(fromArgs("input.organizationId"), "withdraw"),
    removeMembership: may("members:manage").in(inMembership, "withdraw"),
    setGrants: may("members:manage").in(inMembership, "withdraw"),
    // Giving a role that is held changes its end, which may come sooner; none never does.
    grantRole: may("members:manage").inWithdrawingBy("input.expiresAt", inMembership),
    revokeGrant: may("members:manage").in(fromArgs("input.grantId", "Grant"), "withdraw"),
    suspendMembership: may("members:manage").in(inMembership, "withdraw"),
    resumeMembership: may("members:manage").in(inMembership, "withdraw"),
    changeMemberships: may("members:manage").and("members:read").in(fromArgs("input.organizationId"), "withdraw"),
    // A person belongs to the tenant as a whole; whoever changes them by their address learns who is there.
    upsertUser: may("members:manage", "SUBTREE").and("members:read").in(root),
    suspendUser: may("members:manage", "SUBTREE").in(root, "withdraw"),
    resumeUser: may("members:manage", "SUBTREE").in(root, "withdraw"),
    eraseUser: may("members:manage", "SUBTREE").in(root, "withdraw"),
    exportUser: may("members:manage", "SUBTREE").and("members:read").in(root),
  },
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
  MembershipChangeResult: inherited,
  Organization: {
    memberships: may("members:read").in(fromSource),
    memberCount: may("members:read").in(fromSource),
  },
  // Confined to where the viewer may read members, by its statement.
  User: visible("memberships"),
});
