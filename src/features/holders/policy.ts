import { definePolicy, fromArgs, inherited, may } from "../../graphql/policy.js";

export const policy = definePolicy({
  // Whoever may change a role may look at what that would do, to those of whom they may know.
  Query: { roleUpdatePreview: may("roles:manage", "SUBTREE").in(fromArgs("roleId", "Role")) },
  RoleUpdatePreview: inherited,
  RoleUpdateEffect: inherited,
  Mutation: { deleteRole: may("roles:manage", "SUBTREE").in(fromArgs("input.roleId", "Role"), "withdraw") },
});
