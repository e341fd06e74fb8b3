import { definePolicy, fromSource, may, visible } from "../../graphql/policy.js";

export const policy = definePolicy({
  Role: visible("id", "key", "name", "description", "permissions", "source", "organization"),
  Organization: {
    roles: may("organizations:read").in(fromSource),
    grantableRoles: may("organizations:read").in(fromSource),
  },
});
