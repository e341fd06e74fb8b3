import { decoded, encoded, type Oracle } from "./answers.js";
import { type Answered, Reading, type Thing, type Told, thing } from "./document.js";
import { exportedOf } from "./exported.js";
import type { Row } from "./facts.js";

/** What a change needs, and where: as the API's descriptions say it. */
interface Need {
  readonly permissions: readonly string[];
  readonly reach?: "SUBTREE";
  /** The field of the input that names something in the organization meant; without one, the root is. */
  readonly at?:
    | "organizationId"
    | "parentId"
    | "membershipId"
    | "grantId"
    | "roleId"
    | "offerId"
    | "invitationId"
    | "joinRequestId";
  /** Whether leaving it out means the root. */
  readonly orRoot?: boolean;
  /** What it needs besides, in another organization that the input names. */
  readonly also?: Omit<Need, "shows" | "also">;
  /** What the payload shows, by the rows as they are after the change; where it is not foreseen, it is taken as it came. */
  readonly shows?: (after: Oracle, input: Input, before: Oracle) => Readonly<Record<string, unknown>>;
}

type Input = Readonly<Record<string, string | null | undefined>>;
const uuid = (id: string | null | undefined) => decoded(id ?? "")[1];
const byMembership = (after: Oracle, { membershipId }: Input) => ({ membership: after.membership(uuid(membershipId)) });
const byOrganization = (after: Oracle, { organizationId }: Input) => ({
  organization: after.organizationOf(uuid(organizationId)),
});
const byInvitation = (after: Oracle, { invitationId }: Input) => ({ invitation: after.invitation(uuid(invitationId)) });
const byUser = (after: Oracle, { userId }: Input) => ({ user: after.userOf(uuid(userId)) });
const organizationAt = (oracle: Oracle, slug: Input[string]) =>
  oracle.facts.organizations.find((one) => one.slug === slug)!.id;
const membershipOf = (oracle: Oracle, membershipId: Input[string]) =>
  oracle.facts.memberships.find(({ id }) => id === uuid(membershipId))!;

/** The role of this key where it was to be defined. */
const roleAt = (after: Oracle, { key, organizationId }: Input) => {
  const at = organizationId == null ? null : uuid(organizationId);
  return after.role(after.facts.roles.find((one) => one.row.key === key && one.organizationId === at)!.id);
};

/** Whether somebody owns the tenant without an end. */
const owns = (oracle: Oracle, user: string): boolean =>
  oracle.facts.users.some(({ id, suspended }) => id === user && !suspended) &&
  oracle.facts.memberships.some(
    (one) =>
      one.userId === user &&
      one.organizationId === rootOf(oracle) &&
      !one.suspended &&
      one.row.expires_at === null &&
      oracle.facts.grants.some(
        ({ membershipId, roleKey, subtree, row }) =>
          membershipId === one.id && roleKey === "owner" && subtree && row.expires_at === null,
      ),
  );

const rootOf = ({ facts }: Oracle): string => facts.organizations.find(({ parentId }) => parentId === null)!.id;

/** The membership of the viewer's own that counts in an organization. */
const ownAt = ({ facts, viewer }: Oracle, organization: string) =>
  facts.memberships.find(
    (one) => one.userId === viewer!.id && one.organizationId === organization && !one.suspended && !one.ended,
  );

const suspending: Need = {
  permissions: ["organizations:suspend"],
  reach: "SUBTREE",
  at: "organizationId",
  shows: byOrganization,
};
const deleting: Need = { ...suspending, permissions: ["organizations:delete"] };

const domainNeed: Need = {
  permissions: ["domains:manage"],
  at: "organizationId",
  shows: (after, { organizationId, domain }) => ({
    ...byOrganization(after, { organizationId }),
    domain:
      after.judge.sees(uuid(organizationId)) && after.judge.allows(uuid(organizationId), "domains:manage")
        ? after.domainsOf(uuid(organizationId)).find(({ about }) => (about as { row: Row }).row.domain === domain)
        : null,
  }),
};
const joinRequestNeed: Need = {
  permissions: ["domains:manage"],
  at: "joinRequestId",
  shows: (after, { joinRequestId }) => ({ joinRequest: after.joinRequest(uuid(joinRequestId)) }),
};

const NEEDS: Readonly<Record<string, Need>> = {
  createOrganization: {
    permissions: ["organizations:create", "organizations:read"],
    reach: "SUBTREE",
    at: "parentId",
    shows: (after, { slug }) => ({ organization: after.organizationOf(organizationAt(after, slug)) }),
  },
  updateOrganization: {
    permissions: ["organizations:update"],
    at: "organizationId",
    shows: byOrganization,
  },
  moveOrganization: {
    permissions: ["organizations:move"],
    reach: "SUBTREE",
    at: "organizationId",
    also: { permissions: ["organizations:create", "organizations:read"], reach: "SUBTREE", at: "parentId" },
    shows: byOrganization,
  },
  suspendOrganization: suspending,
  resumeOrganization: suspending,
  archiveOrganization: deleting,
  restoreOrganization: deleting,
  deleteOrganization: deleting,
  upsertUser: {
    permissions: ["members:manage", "members:read"],
    reach: "SUBTREE",
    shows: (after, { userId, email, externalId }) => {
      const { users } = after.facts;
      const found =
        (userId == null ? undefined : users.find(({ id }) => id === uuid(userId))) ??
        (externalId == null ? undefined : users.find(({ row }) => row.external_id === externalId)) ??
        users.find((one) => one.email === email)!;
      return { user: after.userOf(found.id) };
    },
  },
  updateViewer: {
    permissions: [],
    shows: (after) => ({ viewer: thing("Viewer", after.viewer), user: after.userOf(after.viewer!.id) }),
  },
  suspendUser: { permissions: ["members:manage"], reach: "SUBTREE", shows: byUser },
  resumeUser: { permissions: ["members:manage"], reach: "SUBTREE", shows: byUser },
  eraseUser: {
    permissions: ["members:manage"],
    reach: "SUBTREE",
    shows: (after, input, before) => ({
      ...byUser(after, input),
      removedMembershipIds: before.facts.memberships
        .filter(({ userId, organizationId }) => {
          return userId === uuid(input.userId) && before.judge.allows(organizationId, "members:read");
        })
        .map(({ id }) => encoded("Membership", id)),
    }),
  },
  exportUser: {
    permissions: ["members:manage", "members:read"],
    reach: "SUBTREE",
    shows: (_after, { userId }, before) => ({
      content: exportedOf(before.facts, uuid(userId), (id) => before.judge.sees(id)),
    }),
  },
  addMembership: {
    permissions: ["members:manage"],
    at: "organizationId",
    shows: (after, { organizationId, userId }) => ({
      organization: after.organizationOf(uuid(organizationId)),
      membership: after.membership(
        after.facts.memberships.find(
          (one) => one.organizationId === uuid(organizationId) && one.userId === uuid(userId),
        )!.id,
      ),
    }),
  },
  removeMembership: {
    permissions: ["members:manage"],
    at: "membershipId",
    shows: (after, { membershipId }, before) => ({
      removedMembershipId: membershipId,
      organization: after.organizationOf(membershipOf(before, membershipId).organizationId),
    }),
  },
  leaveOrganization: {
    permissions: [],
    at: "organizationId",
    shows: (after, input, before) => ({
      leftMembershipId: encoded("Membership", ownAt(before, uuid(input.organizationId))!.id),
      ...byOrganization(after, input),
    }),
  },
  removeMemberships: {
    permissions: ["members:manage", "members:read"],
    reach: "SUBTREE",
    at: "organizationId",
    shows: (after, input, before) => {
      const known = before.membershipsBelow(uuid(input.organizationId)).filter(({ userId, organizationId }) => {
        return userId === uuid(input.userId) && before.judge.allows(organizationId, "members:read");
      });
      return {
        removedMembershipIds: known.map(({ id }) => encoded("Membership", id)),
        organizations: known
          .map(({ organizationId }) => after.organizationOf(organizationId))
          .filter((organization) => organization !== null),
        ...byOrganization(after, input),
      };
    },
  },
  changeMemberships: { permissions: ["members:manage", "members:read"], at: "organizationId" },
  setGrants: { permissions: ["members:manage"], at: "membershipId", shows: byMembership },
  grantRole: { permissions: ["members:manage"], at: "membershipId", shows: byMembership },
  revokeGrant: {
    permissions: ["members:manage"],
    at: "grantId",
    shows: (after, { grantId }, before) => ({
      membership: after.membership(before.facts.grants.find(({ id }) => id === uuid(grantId))!.membershipId),
    }),
  },
  suspendMembership: { permissions: ["members:manage"], at: "membershipId", shows: byMembership },
  resumeMembership: { permissions: ["members:manage"], at: "membershipId", shows: byMembership },
  transferOwnership: {
    permissions: [],
    shows: (after) => ({
      offer: thing(
        "OwnershipOffer",
        after.facts.ownershipOffers.find(({ fromUserId }) => fromUserId === after.viewer!.id),
      ),
    }),
  },
  acceptOwnership: {
    permissions: [],
    at: "offerId",
    shows: (after, { offerId }, before) => {
      const ofRoot = (userId: string) =>
        after.facts.memberships.find((one) => one.userId === userId && one.organizationId === rootOf(after))!.id;
      const offer = before.facts.ownershipOffers.find(({ id }) => id === uuid(offerId))!;
      return {
        membership: after.membership(ofRoot(after.viewer!.id)),
        formerOwner: after.membership(ofRoot(offer.fromUserId)),
      };
    },
  },
  closeOwnershipOffer: {
    permissions: [],
    at: "offerId",
    shows: (_after, { offerId }) => ({ closedOfferId: offerId }),
  },
  inviteMember: {
    permissions: ["members:invite"],
    at: "organizationId",
    shows: (after, { organizationId, email }, before) => {
      const openIn = ({ facts }: Oracle) =>
        facts.invitations.find(
          ({ row, ...one }) =>
            one.organizationId === uuid(organizationId) && row.email === email && row.status === "OPEN",
        );
      const replaced = openIn(before);
      return {
        invitation: after.invitation(openIn(after)!.id),
        withdrawnInvitationId: replaced ? encoded("Invitation", replaced.id) : null,
      };
    },
  },
  inviteMembers: { permissions: ["members:invite"], at: "organizationId" },
  resendInvitation: { permissions: ["members:invite"], at: "invitationId", shows: byInvitation },
  withdrawInvitation: { permissions: ["members:invite"], at: "invitationId", shows: byInvitation },
  claimDomain: domainNeed,
  verifyDomain: domainNeed,
  releaseDomain: {
    ...domainNeed,
    shows: (after, input, before) => ({
      ...byOrganization(after, input),
      releasedDomainId: encoded(
        "OrganizationDomain",
        before.facts.domains.find(
          ({ row, organizationId }) => organizationId === uuid(input.organizationId) && row.domain === input.domain,
        )!.id,
      ),
      releasedDomain: input.domain,
    }),
  },
  setJoinPolicy: { permissions: ["domains:manage"], at: "organizationId", shows: byOrganization },
  approveJoinRequest: {
    ...joinRequestNeed,
    shows: (after, { joinRequestId }) => {
      const { organizationId, row } = after.facts.joinRequests.find(({ id }) => id === uuid(joinRequestId))!;
      const person = after.facts.users.find(({ email }) => email === row.email)!;
      const made = after.facts.memberships.find(
        (one) => one.userId === person.id && one.organizationId === organizationId,
      )!;
      return {
        joinRequest: after.joinRequest(uuid(joinRequestId)),
        membership: after.membership(made.id),
        organization: after.organizationOf(organizationId),
      };
    },
  },
  refuseJoinRequest: joinRequestNeed,
  createRole: {
    permissions: ["roles:manage"],
    reach: "SUBTREE",
    at: "organizationId",
    orRoot: true,
    shows: (after, input) => ({ role: roleAt(after, input) }),
  },
  cloneRole: {
    permissions: ["roles:manage"],
    reach: "SUBTREE",
    at: "organizationId",
    orRoot: true,
    shows: (after, input) => ({ role: roleAt(after, input) }),
  },
  deleteRole: {
    permissions: ["roles:manage"],
    reach: "SUBTREE",
    at: "roleId",
    shows: (after, input, before) => {
      const { replacement: ref } = input as unknown as { replacement?: { id?: string; key?: string } | null };
      const own = before.facts.roles.find(({ id }) => id === uuid(input.roleId))!;
      const replacement = ref && before.pickRole(ref, own.organizationId);
      return { deletedRoleId: input.roleId, replacement: replacement && after.role(replacement) };
    },
  },
  updateRole: {
    permissions: ["roles:manage"],
    reach: "SUBTREE",
    at: "roleId",
    shows: (after, { roleId }) => ({ role: after.role(uuid(roleId)) }),
  },
};

/** Changes for which a request names no tenant: whoever has a token may ask, and here everybody is told no. */
const WITHOUT_TENANT = ["createTenant", "acceptInvitation", "declineInvitation", "joinByEmail"];

/** What becomes of a change before anything is changed. */
type Verdict =
  | { readonly kind: "refused"; readonly extensions: Readonly<Record<string, unknown>> }
  | { readonly kind: "missing"; readonly field: readonly unknown[] }
  /** It is tried. Whether it then comes to a failure is not the judge's business, except that it must where something is missing. */
  | { readonly kind: "open"; readonly lacks: boolean };

/** Judges a change by the rows as they are before it. */
function verdictOn(oracle: Oracle, mutation: string, input: Input): Verdict {
  if (oracle.asker && WITHOUT_TENANT.includes(mutation)) return { kind: "open", lacks: true };
  if (!oracle.viewer) return { kind: "refused", extensions: { code: "UNAUTHENTICATED" } };
  const need = NEEDS[mutation];
  if (!need)
    throw new Error(`The oracle does not know what ${mutation} needs. Write it down in tests/oracle/changes.ts.`);
  const { judge } = oracle;
  for (const { permissions, reach, ...where } of need.also ? [need, need.also] : [need]) {
    const place = placeOf(oracle, where, input);
    if (place === null) return { kind: "missing", field: ["input", where.at] };
    const permission = permissions.find((one) => !judge.allows(place, one, reach));
    if (permission !== undefined) {
      const organizationId = judge.sees(place) ? encoded("Organization", place) : null;
      return {
        kind: "refused",
        extensions: { code: "FORBIDDEN", permission, organizationId, ...(reach === "SUBTREE" && { reach }) },
      };
    }
  }
  return { kind: "open", lacks: lacksSomething(oracle, mutation, input, placeOf(oracle, need, input)!) };
}

/** The organization that a change is about; null where the viewer sees no such thing. */
function placeOf(oracle: Oracle, { at, orRoot }: Pick<Need, "at" | "orRoot">, input: Input): string | null {
  const { facts, judge, catalogue } = oracle;
  const root = rootOf(oracle);
  if (!at || (orRoot && input[at] == null)) return root;
  const [type, id] = decoded(input[at]!);
  const seen: Readonly<Record<string, () => string | null | undefined>> = {
    Organization: () => (judge.sees(id) ? id : null),
    Membership: () =>
      judge.seesMembership(id) ? facts.memberships.find((one) => one.id === id)!.organizationId : null,
    Grant: () => {
      const grant = judge.seesGrant(id) && facts.grants.find((one) => one.id === id);
      return grant ? facts.memberships.find((one) => one.id === grant.membershipId)!.organizationId : null;
    },
    OwnershipOffer: () => (judge.seesOffer(id) ? root : null),
    Invitation: () =>
      judge.seesInvitation(id) ? facts.invitations.find((one) => one.id === id)!.organizationId : null,
    JoinRequest: () =>
      judge.seesJoinRequest(id) ? facts.joinRequests.find((one) => one.id === id)!.organizationId : null,
    Role: () => {
      const own = facts.roles.find((one) => one.id === id);
      const isThere = own !== undefined || catalogue.roles.some((one) => one.id === id);
      return isThere && judge.seesRole(id) ? (own?.organizationId ?? root) : null;
    },
  };
  const wanted = {
    offerId: "OwnershipOffer",
    organizationId: "Organization",
    parentId: "Organization",
    membershipId: "Membership",
    grantId: "Grant",
    roleId: "Role",
    invitationId: "Invitation",
    joinRequestId: "JoinRequest",
  };
  return type === wanted[at] ? (seen[type]!() ?? null) : null;
}

/** Whether the input names, besides, a person or a role that is not there for the viewer. */
function lacksSomething(oracle: Oracle, mutation: string, input: Input, place: string): boolean {
  if (mutation === "verifyDomain" || mutation === "releaseDomain")
    return !oracle.facts.domains.some((one) => one.organizationId === place && one.row.domain === input.domain);
  const { userId, role, grants, replacement, roleId } = input as unknown as {
    userId?: string;
    role?: object;
    grants?: { role: object }[];
    replacement?: object | null;
    roleId?: string;
  };
  if (mutation === "cloneRole" && !(decoded(roleId!)[0] === "Role" && oracle.role(uuid(roleId)))) return true;
  if (mutation === "acceptOwnership") {
    const offer = oracle.facts.ownershipOffers.find(({ id }) => id === uuid(input.offerId))!;
    return offer.ended || offer.userId !== oracle.viewer!.id || !owns(oracle, offer.fromUserId);
  }
  if (mutation === "leaveOrganization" && !ownAt(oracle, place)) return true;
  // Of a role that cannot be removed, nobody looks at what would take its place.
  if (replacement && oracle.facts.roles.some(({ id }) => id === uuid(roleId)))
    return !oracle.isUsable(replacement, place);
  if (userId !== undefined && !(decoded(userId)[0] === "User" && oracle.judge.seesUser(uuid(userId)))) return true;
  const roles = mutation === "grantRole" ? [role!] : (grants ?? []).map((one) => one.role);
  return roles.some((one) => !oracle.isUsable(one, place));
}

/** What a payload is to show. */
const payloadOf = (mutation: string, input: Input, after: Oracle, before: Oracle): Thing =>
  thing(`${mutation[0]!.toUpperCase()}${mutation.slice(1)}Payload`, NEEDS[mutation]!.shows!(after, input, before));

/**
 * Predicts what a document of changes answers. Whether a change that is let through then fails, and how, follows from more than
 * who may what: there the answer says what it came to, and is held to what it may come to, and to what a payload may show.
 * @param before the rows as they were before it
 * @param after reads them as they are after it
 */
export async function predictChanges(
  document: string,
  answered: Answered,
  before: Oracle,
  after: () => Promise<Oracle>,
): Promise<Answered> {
  const reading = new Reading(document);
  const roots = [...reading.fieldsOf([reading.operation], "Mutation")];
  if (roots.length === 0) return { data: {}, errors: [] };
  const needsTenant = roots.some(([, nodes]) => !WITHOUT_TENANT.includes(nodes[0]!.name.value));
  if (before.asker && !before.viewer && needsTenant) {
    // A single change says itself that there is no such tenant; several are refused before any of them is looked at.
    const path = roots.length === 1 ? [roots[0]![0]] : [];
    const data = roots.length === 1 ? { [roots[0]![0]]: null } : null;
    return { data, errors: [{ path, code: "TENANT_NOT_FOUND" }] };
  }
  const changes = roots.map(([key, nodes]) => {
    const name = nodes[0]!.name.value;
    const { input } = reading.argumentsOf(nodes[0]!) as { input: Input };
    return { key, name, nodes, input, verdict: verdictOn(before, name, input) };
  });

  const data: Record<string, unknown> = {};
  const errors: Told[] = [];
  const tell = (key: string, told: Answered) => {
    data[key] = told.data;
    errors.push(...told.errors);
  };
  // With one that is refused none is run, and each says why.
  const isStopped = before.asker !== null && changes.some(({ verdict }) => verdict.kind === "refused");
  let isAsBefore = true;
  for (const { key, name, nodes, input, verdict } of changes) {
    const as = (one: Thing, from = before) => reading.tell(nodes, one, from.say, [key]);
    const came = (answered.data?.[key] ?? { __typename: "null" }) as Answered["data"] & { __typename: string };
    const asItCame = {
      data: (answered.data?.[key] ?? null) as Answered["data"],
      errors: answered.errors.filter(({ path }) => path[0] === key),
    };
    if (verdict.kind === "refused") tell(key, { data: null, errors: [{ path: [key], ...verdict.extensions }] });
    else if (isStopped) tell(key, { data: null, errors: [{ path: [key], code: "NOT_RUN" }] });
    else if (!isAsBefore) tell(key, asItCame);
    else if (verdict.kind === "missing") {
      const { field } = verdict;
      tell(key, as(thing("NotFoundFailure", { code: "NOT_FOUND", field, message: before.anything })));
    } else if (came.__typename.endsWith("Payload")) {
      isAsBefore = false;
      const then = await after();
      // Whoever shut themselves out is told nothing more, and what came later is not seen here.
      const isLast = key === changes.at(-1)!.key && then.viewer && NEEDS[name]?.shows;
      if (verdict.lacks) data[key] = { __typename: "a failure: something that it names is missing" };
      else tell(key, isLast ? as(payloadOf(name, input, then, before), then) : asItCame);
    } else {
      const mayFail = came.__typename.endsWith("Failure") && (verdict.lacks || came.__typename !== "NotFoundFailure");
      data[key] = mayFail ? came : { __typename: "let through" };
    }
  }
  return { data, errors };
}
