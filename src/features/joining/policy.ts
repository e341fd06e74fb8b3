import { definePolicy, fromArgs, fromSource, identified, inherited, may, visible } from "../../graphql/policy.js";

const there = fromArgs("input.organizationId");
const ofIt = fromArgs("input.joinRequestId", "JoinRequest");

export const policy = definePolicy({
  Mutation: {
    claimDomain: may("domains:manage").in(there),
    verifyDomain: may("domains:manage").in(there),
    releaseDomain: may("domains:manage").in(there),
    setJoinPolicy: may("domains:manage").in(there),
    approveJoinRequest: may("domains:manage").in(ofIt),
    refuseJoinRequest: may("domains:manage").in(ofIt),
    // Whoever joins is not in the tenant yet: their own address lets them in, or does not.
    joinByEmail: identified,
  },
  Organization: {
    domains: may("domains:manage").in(fromSource),
    joinPolicy: may("domains:manage").in(fromSource),
    joinRequests: may("domains:manage").in(fromSource),
  },
  OrganizationDomain: inherited,
  JoinPolicy: inherited,
  // A request is visible where the viewer decides who may join.
  JoinRequest: visible("id", "organization", "email", "displayName", "status", "createdAt", "updatedAt"),
});
