import type { GraphQLSchema } from "graphql";
import { policy as auditEventPolicy } from "./features/auditEvents/policy.js";
import { policy as checkPolicy } from "./features/checks/policy.js";
import { policy as holderPolicy } from "./features/holders/policy.js";
import { policy as invitationPolicy } from "./features/invitations/policy.js";
import { policy as joiningPolicy } from "./features/joining/policy.js";
import { policy as membershipPolicy } from "./features/memberships/policy.js";
import { policy as organizationPolicy } from "./features/organizations/policy.js";
import { policy as ownershipPolicy } from "./features/ownership/policy.js";
import { policy as rolePolicy } from "./features/roles/policy.js";
import { policy as tenantPolicy } from "./features/tenants/policy.js";
import { policy as treePolicy } from "./features/tree/policy.js";
import { policy as userPolicy } from "./features/users/policy.js";
import { builder } from "./graphql/builder.js";
import { guard } from "./graphql/guard.js";
import { policy as nodePolicy } from "./graphql/node.js";
import type { Rule } from "./graphql/policy.js";

// Every feature, in order: each adds to those above it and knows none below.
import "./features/users/type.js";
import "./features/organizations/type.js";
import "./features/organizations/lists.js";
import "./features/organizations/createOrganization.js";
import "./features/organizations/updateOrganization.js";
import "./features/roles/type.js";
import "./features/roles/createRole.js";
import "./features/roles/cloneRole.js";
import "./features/roles/updateRole.js";
import "./features/memberships/type.js";
import "./features/memberships/upsertUser.js";
import "./features/memberships/addMembership.js";
import "./features/memberships/removeMembership.js";
import "./features/memberships/removeMemberships.js";
import "./features/memberships/leaveOrganization.js";
import "./features/memberships/setGrants.js";
import "./features/memberships/grantRole.js";
import "./features/memberships/revokeGrant.js";
import "./features/memberships/suspendMembership.js";
import "./features/memberships/resumeMembership.js";
import "./features/memberships/changeMemberships.js";
import "./features/memberships/suspendUser.js";
import "./features/memberships/resumeUser.js";
import "./features/memberships/eraseUser.js";
import "./features/memberships/exportUser.js";
import "./features/memberships/lists.js";
import "./features/memberships/users.js";
import "./features/invitations/type.js";
import "./features/invitations/kept.js";
import "./features/invitations/inviteMember.js";
import "./features/invitations/resendInvitation.js";
import "./features/invitations/withdrawInvitation.js";
import "./features/invitations/acceptInvitation.js";
import "./features/invitations/declineInvitation.js";
import "./features/joining/type.js";
import "./features/joining/kept.js";
import "./features/joining/claimDomain.js";
import "./features/joining/verifyDomain.js";
import "./features/joining/releaseDomain.js";
import "./features/joining/setJoinPolicy.js";
import "./features/joining/joinByEmail.js";
import "./features/joining/answerJoinRequest.js";
import "./features/holders/updatePreview.js";
import "./features/holders/deleteRole.js";
import "./features/tree/deletionPreview.js";
import "./features/tree/moveOrganization.js";
import "./features/tree/suspendOrganization.js";
import "./features/tree/resumeOrganization.js";
import "./features/tree/archiveOrganization.js";
import "./features/tree/restoreOrganization.js";
import "./features/tree/deleteOrganization.js";
import "./features/auditEvents/type.js";
import "./features/checks/permissions.js";
import "./features/checks/permissionChecks.js";
import "./features/checks/explainAccess.js";
import "./features/tenants/signUp.js";
import "./features/tenants/type.js";
import "./features/tenants/updateViewer.js";
import "./features/tenants/createTenant.js";
import "./features/ownership/type.js";
import "./features/ownership/transferOwnership.js";
import "./features/ownership/acceptOwnership.js";
import "./features/ownership/closeOwnershipOffer.js";

export const policies = [
  nodePolicy,
  userPolicy,
  organizationPolicy,
  rolePolicy,
  membershipPolicy,
  invitationPolicy,
  joiningPolicy,
  holderPolicy,
  treePolicy,
  auditEventPolicy,
  checkPolicy,
  tenantPolicy,
  ownershipPolicy,
];

/** The schema with every rule in front of its field, and the rules that can deny by the coordinate of their field. */
export interface GuardedSchema {
  readonly schema: GraphQLSchema;
  readonly rules: ReadonlyMap<string, Rule>;
}

/** @throws Error when a field has no rule or a rule no field: the server must not start */
export function buildSchema(): GuardedSchema {
  const schema = builder.toSchema({ sortSchema: false });
  return { schema, rules: guard(schema, policies) };
}
