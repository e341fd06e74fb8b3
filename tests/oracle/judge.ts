import { type Facts, FIXED_ROLES } from "./facts.js";

/** What stays possible in a closed organization: of a suspended one, for whoever could resume it. */
const LOOKING = ["organizations:read", "members:read", "audit:read"];

type Reach = "ORGANIZATION" | "SUBTREE";

/**
 * Says what one person may do and see, by going through the rows one after the other, as slowly as it likes. Shares no line
 * with the gateway: where the two differ, one of them is wrong.
 */
export class Judge {
  constructor(
    private readonly facts: Facts,
    /** The person's row of users; null for somebody who is not in the tenant. */
    private readonly userId: string | null,
  ) {}

  allows(organizationId: string, permission: string, reach: Reach = "ORGANIZATION"): boolean {
    return this.#isOpen(organizationId, permission) && this.#holds(organizationId, permission, reach);
  }

  sees(organizationId: string): boolean {
    if (!this.#exists(organizationId)) return false;
    if (!this.#isOpen(organizationId, "organizations:read")) return false;
    return this.#isMember(organizationId) || this.#holds(organizationId, "organizations:read", "ORGANIZATION");
  }

  /** A role is seen where it could be used. The catalogue's, and the tenant's, can be used in every organization. */
  seesRole(roleId: string): boolean {
    const definedAt = this.facts.roles.find(({ id }) => id === roleId)?.organizationId ?? null;
    return this.facts.organizations.some(
      ({ id }) => this.sees(id) && (definedAt === null || this.#chain(id).includes(definedAt)),
    );
  }

  /** People in no organization are for whoever manages the members of the whole tenant. */
  seesUser(userId: string): boolean {
    if (!this.#isKnown() || !this.facts.users.some(({ id }) => id === userId)) return false;
    const places = this.facts.memberships.filter((one) => one.userId === userId);
    const root = this.facts.organizations.find(({ parentId }) => parentId === null)!;
    if (userId === this.userId) return true;
    if (places.length === 0) return this.allows(root.id, "members:manage", "SUBTREE");
    return places.some(({ organizationId }) => this.allows(organizationId, "members:read"));
  }

  seesMembership(membershipId: string): boolean {
    const found = this.facts.memberships.find(({ id }) => id === membershipId);
    if (!found || !this.sees(found.organizationId)) return false;
    return found.userId === this.userId || this.allows(found.organizationId, "members:read");
  }

  seesGrant(grantId: string): boolean {
    const found = this.facts.grants.find(({ id }) => id === grantId);
    return found !== undefined && this.seesMembership(found.membershipId);
  }

  seesInvitation(invitationId: string): boolean {
    const found = this.facts.invitations.find(({ id }) => id === invitationId);
    return (
      found !== undefined && this.sees(found.organizationId) && this.allows(found.organizationId, "members:invite")
    );
  }

  seesDomain(domainId: string): boolean {
    const found = this.facts.domains.find(({ id }) => id === domainId);
    return (
      found !== undefined && this.sees(found.organizationId) && this.allows(found.organizationId, "domains:manage")
    );
  }

  seesJoinRequest(requestId: string): boolean {
    const found = this.facts.joinRequests.find(({ id }) => id === requestId);
    return (
      found !== undefined && this.sees(found.organizationId) && this.allows(found.organizationId, "domains:manage")
    );
  }

  /** Where its organization stands today, or whether it still does, is nothing to an event: it stays where it was written. */
  seesEvent(eventId: string): boolean {
    const event = this.facts.events.find(({ id }) => id === eventId);
    if (!event) return false;
    const chain = [...event.path, event.organizationId];
    const isSeen =
      this.#isMember(event.organizationId) ||
      this.#holds(event.organizationId, "organizations:read", "ORGANIZATION", chain);
    const isShut = chain.some((id) => this.#isSuspended(id) && !this.#isOpen(id, "audit:read"));
    return isSeen && !isShut && this.#holds(event.organizationId, "audit:read", "ORGANIZATION", chain);
  }

  /** An offer of ownership is between two. */
  seesOffer(offerId: string): boolean {
    const found = this.facts.ownershipOffers.find(({ id }) => id === offerId);
    return this.#isKnown() && found !== undefined && [found.fromUserId, found.userId].includes(this.userId!);
  }

  seesTenant(tenantId: string): boolean {
    return this.#isKnown() && tenantId === this.facts.tenantId;
  }

  isRoot(organizationId: string): boolean {
    return this.#organization(organizationId).parentId === null;
  }

  #isSuspended(organizationId: string): boolean {
    return this.facts.organizations.some(({ id, suspended }) => id === organizationId && suspended);
  }

  #exists(organizationId: string): boolean {
    return this.facts.organizations.some(({ id }) => id === organizationId);
  }

  #isKnown(): boolean {
    return this.facts.users.some(({ id, suspended }) => id === this.userId && !suspended);
  }

  #isMember(organizationId: string): boolean {
    return this.#liveMemberships().some((one) => one.organizationId === organizationId);
  }

  #liveMemberships() {
    if (!this.#isKnown()) return [];
    return this.facts.memberships.filter((one) => one.userId === this.userId && !one.suspended && !one.ended);
  }

  #holds(organizationId: string, permission: string, reach: Reach, above = this.#chain(organizationId)): boolean {
    return this.#liveMemberships().some((membership) =>
      this.facts.grants.some((grant) => {
        if (grant.membershipId !== membership.id || grant.ended) return false;
        if (!this.#permissionsOf(grant).includes(permission)) return false;
        if (grant.subtree) return above.includes(membership.organizationId);
        return reach === "ORGANIZATION" && membership.organizationId === organizationId;
      }),
    );
  }

  #permissionsOf({ roleKey, roleId }: Facts["grants"][number]): readonly string[] {
    if (roleKey !== null) return FIXED_ROLES[roleKey] ?? [];
    return this.facts.roles.find(({ id }) => id === roleId)?.permissions ?? [];
  }

  /** Whether nothing closed stands in the way: the person may look into what is suspended if they could resume the topmost from above. */
  #isOpen(organizationId: string, permission: string): boolean {
    const chain = this.#chain(organizationId);
    const topmost = chain.find((id) => this.#organization(id).suspended);
    const isArchived = chain.some((id) => this.#organization(id).archived);
    if (isArchived && ![...LOOKING, "organizations:delete"].includes(permission)) return false;
    if (topmost === undefined) return true;
    if (![...LOOKING, "organizations:suspend"].includes(permission)) return false;
    const parent = this.#organization(topmost).parentId;
    return parent !== null && this.#holds(parent, "organizations:suspend", "SUBTREE");
  }

  /** From the root down to the organization itself. */
  #chain(organizationId: string): string[] {
    const { parentId } = this.#organization(organizationId);
    return parentId === null ? [organizationId] : [...this.#chain(parentId), organizationId];
  }

  #organization(id: string) {
    const found = this.facts.organizations.find((one) => one.id === id);
    if (!found) throw new Error(`There is no organization ${id}.`);
    return found;
  }
}
