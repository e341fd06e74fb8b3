import { anyone, definePolicy, identified, inherited, signedInTo, visible } from "../../graphql/policy.js";

export const policy = definePolicy({
  // Both are about the caller alone, and null for who is not signed in.
  Query: { identity: anyone, viewer: anyone },
  // Nobody has to be allowed to say how they are called.
  Mutation: { createTenant: identified, updateViewer: signedInTo("change") },
  Identity: inherited,
  SignUp: inherited,
  TenantChoice: inherited,
  Viewer: inherited,
  // Only ever the viewer's own; its root is shown to who may see it.
  Tenant: visible("id", "slug", "name", "host", "root", "createdAt"),
});
