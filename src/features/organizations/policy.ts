import { definePolicy, finding, fromArgs, fromSource, may, signedIn, visible } from "../../graphql/policy.js";

export const policy = definePolicy({
  Query: { organization: finding("by.id", signedIn), organizations: signedIn },
  Organization: {
    ...visible("id", "uuid", "slug", "name", "status", "externalId", "imageUrl", "metadata", "createdAt", "updatedAt"),
    // Each of these shows what the viewer sees anyway, or what the viewer may do.
    ...visible("parent", "ancestors", "isOpen", "viewerCan", "viewerPermissions"),
    children: may("organizations:read").in(fromSource),
    descendants: may("organizations:read").in(fromSource),
  },
  Mutation: {
    // With reach SUBTREE and the right to read, so that whoever creates an organization sees it and may go on there.
    createOrganization: may("organizations:create", "SUBTREE").and("organizations:read").in(fromArgs("input.parentId")),
    updateOrganization: may("organizations:update").in(fromArgs("input.organizationId")),
  },
});
