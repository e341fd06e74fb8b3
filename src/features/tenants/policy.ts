import { anyone, definePolicy, identified, inherited, visible } from "../../graphql/policy.js";

export const policy = definePolicy({
  // Both are about the caller alone, and null for who is not signed in.
  Query: { identity: anyone, viewer: anyone },
  Mutation: { createTenant: identified },
  Identity: inherited,
  SignUp: inherited,
  TenantChoice: inherited,
  Viewer: inherited,
  // Only ever the viewer's own; its root is shown to who may see it.
  Tenant: visible("id", "slug", "name", "host", "root", "createdAt"),
});
