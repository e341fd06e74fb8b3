import { definePolicy, fromArgs, fromArgsOrRoot, fromSource, may, visible } from "../../graphql/policy.js";

export const policy = definePolicy({
  Role: visible("id", "key", "name", "description", "permissions", "source", "organization"),
  Mutation: {
    // A role acts wherever it may be given: in its organization, and below.
    createRole: may("roles:manage", "SUBTREE").in(fromArgsOrRoot("input.organizationId")),
    // Of the role that is copied nothing is asked but that the viewer sees it.
    cloneRole: may("roles:manage", "SUBTREE").in(fromArgsOrRoot("input.organizationId")),
    updateRole: may("roles:manage", "SUBTREE").in(fromArgs("input.roleId", "Role"), "withdraw"),
  },
  Organization: {
    roles: may("organizations:read").in(fromSource),
    // Roles that are usable here exist for whoever sees the organization: whoever may give one without reading it finds which.
    ...visible("grantableRoles"),
  },
});
