import type { Planted } from "./world.js";

/** What a sample acts on: a tenant, the slug of one of its organizations, and somebody in it for this mutation alone. */
export interface Where {
  readonly tenant: Planted;
  readonly at: string;
  readonly person: string;
}

/**
 * An input for each mutation with which whoever may changes something in the organization. What has to be there for it is
 * planted with the stage.
 */
const SAMPLES = {
  createOrganization: ({ tenant, at }) => ({ parentId: tenant.id("Organization", at), name: "New", slug: `new-${at}` }),
  updateOrganization: ({ tenant, at }) => ({ organizationId: tenant.id("Organization", at), name: "Renamed" }),
  moveOrganization: ({ tenant, at }) => ({
    organizationId: tenant.id("Organization", at),
    parentId: tenant.id("Organization", "aside"),
  }),
  suspendOrganization: organization,
  resumeOrganization: organization,
  archiveOrganization: organization,
  restoreOrganization: organization,
  deleteOrganization: organization,
  upsertUser: () => ({ email: "new@acme.test", displayName: "New" }),
  updateViewer: () => ({ displayName: "Renamed" }),
  suspendUser: ({ tenant, person }) => ({ userId: tenant.id("User", person) }),
  resumeUser: ({ tenant, person }) => ({ userId: tenant.id("User", person) }),
  eraseUser: ({ tenant, person }) => ({ userId: tenant.id("User", person) }),
  exportUser: ({ tenant, person }) => ({ userId: tenant.id("User", person) }),
  addMembership: ({ tenant, at }) => ({
    organizationId: tenant.id("Organization", at),
    userId: tenant.id("User", "neighbour"),
    grants: [{ role: { key: "guest" } }],
  }),
  removeMembership: membership(),
  removeMemberships: ({ tenant, at, person }) => ({
    organizationId: tenant.id("Organization", at),
    userId: tenant.id("User", person),
  }),
  leaveOrganization: organization,
  changeMemberships: ({ tenant, at, person }) => ({
    organizationId: tenant.id("Organization", at),
    changes: [{ suspendMembership: { membershipId: tenant.id("Membership", `${person}@${at}`) } }],
  }),
  setGrants: membership({ grants: [] }),
  grantRole: ({ tenant, at, person }) => ({
    membershipId: tenant.id("Membership", `${person}@${at}`),
    role: { id: tenant.id("Role", "local") },
  }),
  revokeGrant: ({ tenant, at, person }) => ({ grantId: tenant.id("Grant", `${person}@${at}`) }),
  suspendMembership: membership(),
  resumeMembership: membership(),
  transferOwnership: ({ tenant }) => ({ userId: tenant.id("User", "neighbour") }),
  acceptOwnership: ({ tenant }) => ({ offerId: tenant.id("OwnershipOffer", "accepted") }),
  closeOwnershipOffer: ({ tenant }) => ({ offerId: tenant.id("OwnershipOffer", "closed") }),
  inviteMember: ({ tenant, at }) => ({
    organizationId: tenant.id("Organization", at),
    email: "invited@acme.test",
    grants: [{ role: { key: "guest" } }],
  }),
  inviteMembers: ({ tenant, at }) => ({
    organizationId: tenant.id("Organization", at),
    invitations: [{ email: "also-invited@acme.test", grants: [{ role: { key: "guest" } }] }],
  }),
  resendInvitation: invitation,
  withdrawInvitation: invitation,
  claimDomain: ({ tenant, at }) => ({ organizationId: tenant.id("Organization", at), domain: "new.test" }),
  verifyDomain: domain,
  releaseDomain: domain,
  setJoinPolicy: ({ tenant, at }) => ({ organizationId: tenant.id("Organization", at), mode: enumValue("ASK") }),
  approveJoinRequest: joinRequest({ grants: [{ role: { key: "guest" } }] }),
  refuseJoinRequest: joinRequest(),
  createRole: ({ tenant, at }) => ({
    organizationId: tenant.id("Organization", at),
    key: "new",
    name: "New",
    permissions: ["organizations:read"],
  }),
  cloneRole: ({ tenant, at }) => ({
    roleId: tenant.id("Role", "local"),
    organizationId: tenant.id("Organization", at),
    key: "copied",
  }),
  deleteRole: ({ tenant }) => ({ roleId: tenant.id("Role", "unused"), replacement: { key: "guest" } }),
  updateRole: ({ tenant }) => ({ roleId: tenant.id("Role", "local"), name: "Renamed" }),
} satisfies Readonly<Record<string, Sample>>;

type Sample = (where: Where) => Readonly<Record<string, unknown>>;
export const MUTATION_SAMPLES: Readonly<Record<string, Sample>> = SAMPLES;

/** Inputs that name a role by its id, for each place where one can be named but those above. */
export const ROLE_SAMPLES: readonly (readonly [mutation: string, sample: Sample])[] = [
  ["addMembership", (where) => ({ ...SAMPLES.addMembership(where), grants: [local(where)] })],
  ["setGrants", (where) => ({ ...SAMPLES.setGrants(where), grants: [local(where)] })],
  [
    "changeMemberships",
    ({ tenant, at, person }) => ({
      organizationId: tenant.id("Organization", at),
      changes: [
        { grantRole: { membershipId: tenant.id("Membership", `${person}@${at}`), ...local({ tenant, at, person }) } },
      ],
    }),
  ],
  ["inviteMember", (where) => ({ ...SAMPLES.inviteMember(where), grants: [local(where)] })],
  [
    "inviteMembers",
    (where) => ({
      organizationId: where.tenant.id("Organization", where.at),
      invitations: [{ email: "also-invited@acme.test", grants: [local(where)] }],
    }),
  ],
  [
    "setJoinPolicy",
    (where) => ({ ...SAMPLES.setJoinPolicy(where), mode: enumValue("AUTOMATIC"), grants: [local(where)] }),
  ],
  ["approveJoinRequest", (where) => ({ ...SAMPLES.approveJoinRequest(where), grants: [local(where)] })],
  ["deleteRole", (where) => ({ ...SAMPLES.deleteRole(where), replacement: local(where).role })],
];

function local({ tenant }: Where) {
  return { role: { id: tenant.id("Role", "local") } };
}

/** What the audit says of each, when it was sent with its sample. */
export const MUTATION_EVENTS: Readonly<Record<keyof typeof SAMPLES, string>> = {
  createOrganization: "organization.created",
  updateOrganization: "organization.updated",
  moveOrganization: "organization.moved",
  suspendOrganization: "organization.suspended",
  resumeOrganization: "organization.resumed",
  archiveOrganization: "organization.archived",
  restoreOrganization: "organization.restored",
  deleteOrganization: "organization.deleted",
  upsertUser: "user.created",
  updateViewer: "user.updated",
  suspendUser: "user.suspended",
  resumeUser: "user.resumed",
  eraseUser: "user.erased",
  exportUser: "user.exported",
  addMembership: "membership.added",
  removeMembership: "membership.removed",
  removeMemberships: "membership.removed",
  leaveOrganization: "membership.removed",
  changeMemberships: "membership.suspended",
  setGrants: "grants.set",
  grantRole: "grant.given",
  revokeGrant: "grant.revoked",
  suspendMembership: "membership.suspended",
  resumeMembership: "membership.resumed",
  transferOwnership: "ownership.offered",
  acceptOwnership: "ownership.transferred",
  closeOwnershipOffer: "ownership.declined",
  inviteMember: "invitation.created",
  inviteMembers: "invitation.created",
  resendInvitation: "invitation.resent",
  withdrawInvitation: "invitation.withdrawn",
  claimDomain: "domain.claimed",
  verifyDomain: "domain.proven",
  releaseDomain: "domain.released",
  setJoinPolicy: "joinPolicy.set",
  approveJoinRequest: "joinRequest.approved",
  refuseJoinRequest: "joinRequest.refused",
  createRole: "role.created",
  cloneRole: "role.created",
  deleteRole: "role.deleted",
  updateRole: "role.updated",
};

function organization({ tenant, at }: Where) {
  return { organizationId: tenant.id("Organization", at) };
}

function invitation({ tenant, at, person }: Where) {
  return { invitationId: tenant.id("Invitation", `${person}@${at}`) };
}

/** A value that a document writes without quotes, and a variable as a text. */
const enumValue = (name: string): object => Object(name);

/** What a sketch claims is that of the organization and the tenant. */
function domain({ tenant, at, person }: Where) {
  return { organizationId: tenant.id("Organization", at), domain: `${person}.test` };
}

function joinRequest(more: object = {}) {
  return ({ tenant, at, person }: Where) => ({ joinRequestId: tenant.id("JoinRequest", `${person}@${at}`), ...more });
}

function membership(more: object = {}) {
  return ({ tenant, at, person }: Where) => ({ membershipId: tenant.id("Membership", `${person}@${at}`), ...more });
}
