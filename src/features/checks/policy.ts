import { anyone, definePolicy, fromSource, inherited, may, signedIn } from "../../graphql/policy.js";

export const policy = definePolicy({
  // The catalogue is empty for who is not signed in. Checks about others are confined by their own resolver.
  Query: { permissions: anyone, permissionChecks: signedIn },
  Permission: inherited,
  PermissionCheck: inherited,
  Organization: { explainAccess: may("members:manage").orAboutOneself("subject.userId").in(fromSource) },
  AccessExplanation: inherited,
  AccessPath: inherited,
  Remedy: inherited,
});
