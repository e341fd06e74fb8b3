import { both, definePolicy, fromArgs, fromSource, may, visible } from "../../graphql/policy.js";

const named = fromArgs("input.organizationId");

// With reach SUBTREE: whatever becomes of an organization becomes of all below it.
export const policy = definePolicy({
  Mutation: {
    // Of the new parent the same as of one below which something is created.
    moveOrganization: both(
      may("organizations:move", "SUBTREE").in(named, "withdraw"),
      may("organizations:create", "SUBTREE").and("organizations:read").in(fromArgs("input.parentId")),
    ),
    suspendOrganization: may("organizations:suspend", "SUBTREE").in(named, "withdraw"),
    resumeOrganization: may("organizations:suspend", "SUBTREE").in(named, "withdraw"),
    archiveOrganization: may("organizations:delete", "SUBTREE").in(named, "withdraw"),
    restoreOrganization: may("organizations:delete", "SUBTREE").in(named, "withdraw"),
    deleteOrganization: may("organizations:delete", "SUBTREE").in(named, "withdraw"),
  },
  Organization: {
    ...visible("deletesAt"),
    deletionPreview: may("organizations:delete", "SUBTREE").and("organizations:read").in(fromSource),
  },
  DeletionPreview: "inherited",
});
