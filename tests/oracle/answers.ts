import { createHash } from "node:crypto";
import { type Answered, orRefusal, Reading, Refusal, type Thing, thing } from "./document.js";
import { ACTIONS, type Facts, FIXED_ROLES, PERMISSIONS, type WholeFacts } from "./facts.js";
import { Judge } from "./judge.js";
import { type Candidate, smallestRemedy } from "./remedy.js";

/** What an installation has beside its rows: the order of its permissions, and what its fixed roles are called. */
export interface Catalogue {
  readonly permissions: readonly { readonly key: string; readonly description: string; readonly builtIn: boolean }[];
  readonly roles: readonly {
    readonly id: string;
    readonly key: string;
    readonly name: string;
    readonly description: string | null;
    readonly source: string;
  }[];
}

/** Who asks. */
export interface Asker {
  readonly issuer: string;
  readonly email: string;
  /** What their row of users tells them by, as PostgreSQL writes it: their address there may become another. */
  readonly identity: string;
}

type Found<K extends Exclude<keyof Facts, "tenantId">> = WholeFacts[K][number];
type RoleReference = Pick<Found<"grants">, "roleKey" | "roleId">;
type Reach = "ORGANIZATION" | "SUBTREE";
type Role = { readonly id: string; readonly key: string; readonly own: Found<"roles"> | null };
type Listed = Found<"memberships"> & { readonly via?: string };
type Far = "ORGANIZATION" | "SUBTREE";
type Pages = { first?: number | null; last?: number | null };
type OrganizationList = Pages & {
  filter?: { search?: string; parentId?: string; permission?: string; status?: string[]; isOpen?: boolean } | null;
  permission?: string | null;
  orderBy?: string | null;
};
type UserList = Pages & { filter?: { search?: string; status?: string[] } | null };
type EventList = Pages & {
  filter?: { actions?: string[]; actorId?: string; targetId?: string; from?: string; to?: string } | null;
};
type MembershipList = Pages & {
  filter?: {
    search?: string;
    status?: string[];
    via?: string[];
    role?: { id?: string; key?: string };
    reach?: string;
    expiresBefore?: string;
  } | null;
  orderBy?: string | null;
};

/** What one needs to give something, by the way one gives it. */
const GIVEN_BY: Readonly<Record<string, string>> = {
  MANAGE: "members:manage",
  INVITE: "members:invite",
  DOMAINS: "domains:manage",
};

export const encoded = (type: string, id: string): string => Buffer.from(`${type}:${id}`).toString("base64url");

/** Type and uuid of a global id. */
export function decoded(id: string): [type: string, id: string] {
  const [type = "", uuid = ""] = Buffer.from(id, "base64url").toString().split(":");
  return [type, uuid];
}

const instant = (value: unknown): string | null => (value === null ? null : new Date(value as string).toISOString());
const time = (value: unknown): number => (value === null ? Number.POSITIVE_INFINITY : Date.parse(value as string));
const wrong = () => new Refusal({ code: "BAD_USER_INPUT" });

/** Whether one of some texts, or a word in it, begins with what is searched for. */
function isFound(search: string | undefined, ...texts: unknown[]): boolean {
  const wanted = (search ?? "").trim().toLowerCase();
  return texts.some((text) => {
    const letters = [...String(text ?? "").toLowerCase()];
    const isStart = (n: number) => n === 0 || !/[a-z0-9]/.test(letters[n - 1]!);
    return letters.some((_, n) => isStart(n) && letters.slice(n).join("").startsWith(wanted));
  });
}

/** The uuid in an id that must be one of this type. */
function uuidIn(id: string | undefined, wanted: string): string {
  const [type, uuid] = decoded(id ?? "");
  if (type !== wanted) throw wrong();
  return uuid;
}

const by =
  <T>(...keys: ((one: T) => string | number)[]) =>
  (a: T, b: T): number => {
    for (const key of keys) if (key(a) !== key(b)) return key(a) < key(b) ? -1 : 1;
    return 0;
  };

/** A tenant that somebody asked for. */
type SignedUp = Readonly<Record<"id" | "slug" | "status" | "createdAt", string>>;

/**
 * Predicts whole answers, field by field, from the rows of a tenant: what is shown, what is null, and why. Takes its time, and
 * shares nothing with the gateway but the API's description.
 */
export class Oracle {
  readonly judge: Judge;

  constructor(
    readonly facts: WholeFacts,
    readonly catalogue: Catalogue,
    readonly asker: Asker | null,
    /** Stands for what only the gateway knows: the text of a cursor. */
    readonly anything: unknown,
  ) {
    this.judge = new Judge(facts, this.viewer?.id ?? null);
  }

  /** The asker's own row, unless they are suspended. */
  get viewer(): Found<"users"> | undefined {
    return this.facts.users.find(({ row, suspended }) => row.identity === this.asker?.identity && !suspended);
  }

  answer(document: string): Answered {
    const reading = new Reading(document);
    const query = thing("Query", null);
    const asked = [...reading.fieldsOf([reading.operation], "Query").values()].map(([node]) => node!.name.value);
    const isOutside = (name: string) => name === "identity" || name === "__typename";
    if (!this.asker || this.viewer || asked.every(isOutside)) return reading.tell([reading.operation], query, this.say);
    const isNeverNull = (name: string) => name === "nodes" || name === "permissions";
    if (!asked.includes("identity") || asked.some(isNeverNull))
      return { data: null, errors: [{ path: [], code: "TENANT_NOT_FOUND" }] };
    // Who asks for the tenants to choose from is answered that, and told at all else that there is none.
    return reading.tell([reading.operation], query, (at, field, args) => {
      if (at.type !== "Query" || isOutside(field)) return this.say(at, field, args);
      throw new Refusal({ code: "TENANT_NOT_FOUND" });
    });
  }

  readonly say = ({ type, about }: Thing, field: string, args: unknown): unknown => {
    if (/(Payload|Failure)$/.test(type)) return (about as Record<string, unknown>)[field];
    const say = this.fields[type]?.[field];
    if (!say)
      throw new Error(`The oracle does not know what ${type}.${field} is. Write it down in tests/oracle/answers.ts.`);
    return say(about as never, args as never);
  };

  /** What each field of each type shows. */
  readonly fields: Readonly<Record<string, Readonly<Record<string, (about: never, args: never) => unknown>>>> = {
    Query: {
      identity: () => this.asker && thing("Identity", this.asker),
      viewer: () => this.viewer && thing("Viewer", this.viewer),
      node: (_: null, { id }: { id: string }) => this.#node(...this.#known(id)),
      nodes: (_: null, { ids }: { ids: string[] }) => ids.map((id) => orRefusal(() => this.#node(...this.#known(id)))),
      permissions: () => (this.viewer ? this.catalogue.permissions.map((one) => thing("Permission", one)) : []),
      organization: (_: null, { by: { id, uuid, ...names } }: { by: Record<string, string> }) => {
        this.#mustBeSignedIn();
        const wanted = id === undefined ? uuid : uuidIn(id, "Organization");
        const named = this.facts.organizations.filter(
          (one) =>
            one.id === wanted ||
            this.facts.slugs.some(({ slug, organizationId }) => slug === names.slug && organizationId === one.id) ||
            one.row.external_id === names.externalId,
        );
        return named.sort(by(({ id }) => id)).flatMap(({ id }) => this.#organization(id) ?? [])[0];
      },
      organizations: (_: null, args: OrganizationList) => {
        this.#mustBeSignedIn();
        return this.#organizations(args);
      },
      user: (_: null, { by: { id, uuid, email, externalId } }: { by: Record<string, string> }) => {
        this.#mustBeSignedIn();
        const wanted = id === undefined ? uuid : uuidIn(id, "User");
        const named = this.facts.users.filter(
          (one) => one.id === wanted || one.email === email || one.row.external_id === externalId,
        );
        return named.sort(by(({ id }) => id)).flatMap((one) => this.#user(one.id) ?? [])[0];
      },
      users: (_: null, args: UserList) => {
        this.#mustBeSignedIn();
        const { search, status } = args.filter ?? {};
        const shown = this.facts.users.filter(
          (one) =>
            this.judge.seesUser(one.id) &&
            isFound(search, one.row.display_name, one.email) &&
            (!status || status.includes(one.row.status as string)),
        );
        return page(
          "User",
          shown.sort(
            by(
              ({ row }) => row.display_name as string,
              ({ id }) => id,
            ),
          ),
          args,
        );
      },
      roleUpdatePreview: (_: null, { roleId, permissions }: { roleId: string; permissions: string[] }) => {
        this.#mustBeSignedIn();
        const [type, id] = decoded(roleId);
        const role = this.#allRoles().find((one) => one.id === id);
        if (type !== "Role" || !role || !this.judge.seesRole(id)) return null;
        const at = role.own?.organizationId ?? this.#root().id;
        this.#must("roles:manage", at, "SUBTREE");
        return role.own && thing("RoleUpdatePreview", { role, at, wanted: this.#sorted(permissions) });
      },
      permissionChecks: (_: null, args: { subject?: { userId: string } | null; checks: Record<string, string>[] }) => {
        this.#mustBeSignedIn();
        return this.#checks(args);
      },
    },
    Viewer: {
      id: ({ id }: Found<"users">) => Buffer.from(`Viewer:${this.facts.tenantId}:${id}`).toString("base64url"),
      user: (one: Found<"users">) => thing("User", one),
      tenant: () => thing("Tenant", this.facts.tenant),
      memberships: ({ id }: Found<"users">, args: Pages) => this.#membershipsOfUser(id, args),
      organizations: (_: unknown, args: OrganizationList) => this.#organizations(args),
      ownershipOffers: () =>
        this.facts.ownershipOffers
          .filter(({ id, ended }) => !ended && this.judge.seesOffer(id))
          .sort(by(({ id }) => id))
          .map((offer) => thing("OwnershipOffer", offer)),
    },
    OwnershipOffer: {
      id: ({ id }: Found<"ownershipOffers">) => encoded("OwnershipOffer", id),
      from: ({ fromUserId }: Found<"ownershipOffers">) => this.#user(fromUserId),
      to: ({ userId }: Found<"ownershipOffers">) => this.#user(userId),
      expiresAt: ({ row }: Found<"ownershipOffers">) => instant(row.expires_at),
      createdAt: ({ row }: Found<"ownershipOffers">) => instant(row.created_at),
    },
    Identity: {
      id: ({ issuer, email }: Asker) =>
        createHash("sha256")
          .update(JSON.stringify([issuer, email]))
          .digest("base64url"),
      issuer: ({ issuer }: Asker) => issuer,
      subject: ({ email }: Asker) => email,
      email: ({ email }: Asker) => email,
      emailVerified: () => true,
      tenants: () => (this.viewer ? [thing("TenantChoice", this.facts.tenant)] : []),
      // Nobody of a tenant that was planted has asked for it.
      signUps: () => [],
    },
    SignUp: {
      id: ({ id }: SignedUp) => id,
      slug: ({ slug }: SignedUp) => slug,
      status: ({ status }: SignedUp) => status,
      createdAt: ({ createdAt }: SignedUp) => createdAt,
    },
    TenantChoice: {
      slug: ({ slug }: WholeFacts["tenant"]) => slug,
      name: () => this.#root().name,
      host: () => null,
      imageUrl: () => this.#root().row.image_url,
    },
    Tenant: {
      id: () => encoded("Tenant", this.facts.tenantId),
      slug: ({ slug }: WholeFacts["tenant"]) => slug,
      name: () => this.#root().name,
      host: () => null,
      root: () => this.#organization(this.#root().id),
      createdAt: ({ createdAt }: WholeFacts["tenant"]) => createdAt,
    },
    Permission: {
      key: ({ key }: { key: string }) => key,
      description: ({ description }: { description: string }) => description,
      builtIn: ({ builtIn }: { builtIn: boolean }) => builtIn,
    },
    PermissionCheck: {
      organizationId: ({ organizationId }: Record<string, unknown>) => organizationId,
      permission: ({ permission }: Record<string, unknown>) => permission,
      reach: ({ reach }: Record<string, unknown>) => reach,
      allowed: ({ allowed }: Record<string, unknown>) => allowed,
    },
    Organization: {
      id: ({ id }: Found<"organizations">) => encoded("Organization", id),
      uuid: ({ id }: Found<"organizations">) => id,
      slug: ({ slug }: Found<"organizations">) => slug,
      name: ({ name }: Found<"organizations">) => name,
      status: ({ row }: Found<"organizations">) => row.status,
      externalId: ({ row }: Found<"organizations">) => row.external_id,
      imageUrl: ({ row }: Found<"organizations">) => row.image_url,
      metadata: ({ row }: Found<"organizations">) => row.metadata,
      createdAt: ({ row }: Found<"organizations">) => instant(row.created_at),
      updatedAt: ({ row }: Found<"organizations">) => instant(row.updated_at),
      deletesAt: ({ row }: Found<"organizations">) => instant(row.deletes_at),
      deletionPreview: ({ id }: Found<"organizations">) => {
        this.#must("organizations:delete", id, "SUBTREE");
        this.#must("organizations:read", id, "SUBTREE");
        return thing("DeletionPreview", id);
      },
      isOpen: ({ id }: Found<"organizations">) => this.#isOpen(id),
      parent: ({ parentId }: Found<"organizations">) => parentId && this.#organization(parentId),
      ancestors: ({ id }: Found<"organizations">) =>
        this.#above(id).flatMap((above) => this.#organization(above) ?? []),
      viewerCan: ({ id }: Found<"organizations">, { permission, reach }: { permission: string; reach?: Far }) =>
        this.judge.allows(id, permission, reach ?? "ORGANIZATION"),
      viewerPermissions: ({ id }: Found<"organizations">) =>
        this.catalogue.permissions.map(({ key }) => key).filter((key) => this.judge.allows(id, key)),
      children: ({ id }: Found<"organizations">, args: OrganizationList) => {
        this.#must("organizations:read", id);
        return this.#organizations(args, (one) => one.parentId === id);
      },
      descendants: ({ id }: Found<"organizations">, { maxDepth, ...args }: Pages & { maxDepth?: number | null }) => {
        this.#must("organizations:read", id);
        const levels = (below: string) => this.#above(below).length - this.#above(id).length;
        return this.#organizations(
          args,
          (one) => this.#above(one.id).includes(id) && levels(one.id) <= (maxDepth ?? Number.POSITIVE_INFINITY),
        );
      },
      roles: ({ id }: Found<"organizations">) => {
        this.#must("organizations:read", id);
        return this.#rolesFor(id).map((role) => thing("Role", role));
      },
      grantableRoles: ({ id }: Found<"organizations">, { by, reach }: { by?: string; reach?: Far }) => {
        if (!this.judge.allows(id, GIVEN_BY[by ?? "MANAGE"]!)) return [];
        const holds = (permission: string) => this.judge.allows(id, permission, reach ?? "ORGANIZATION");
        return this.#rolesFor(id)
          .filter((role) => permissionsOf(role).every(holds))
          .map((role) => thing("Role", role));
      },
      memberships: ({ id }: Found<"organizations">, args: MembershipList) => {
        this.#must("members:read", id);
        return this.#membershipsOf(id, args);
      },
      memberCount: ({ id, row }: Found<"organizations">) => {
        this.#must("members:read", id);
        return row.member_count;
      },
      explainAccess: (
        { id }: Found<"organizations">,
        args: { subject: { userId: string }; permission: string; reach?: Far },
      ) => {
        if (!this.viewer || args.subject.userId !== encoded("User", this.viewer.id)) this.#must("members:manage", id);
        if (!PERMISSIONS.includes(args.permission)) throw wrong();
        const subject = uuidIn(args.subject.userId, "User");
        return this.judge.seesUser(subject)
          ? this.#explanation(subject, id, args.permission, args.reach ?? "ORGANIZATION")
          : null;
      },
      invitations: ({ id }: Found<"organizations">, { status, ...pages }: Pages & { status?: string[] | null }) => {
        this.#must("members:invite", id);
        const shown = this.facts.invitations
          .filter((one) => one.organizationId === id && (!status || status.includes(this.#statusOf(one))))
          .sort(
            by(
              ({ row }) => time(row.created_at),
              (one) => one.id,
            ),
          );
        return page("Invitation", shown.reverse(), pages);
      },
      domains: ({ id }: Found<"organizations">) => {
        this.#must("domains:manage", id);
        return this.domainsOf(id);
      },
      joinPolicy: ({ id }: Found<"organizations">) => {
        this.#must("domains:manage", id);
        return thing("JoinPolicy", id);
      },
      joinRequests: ({ id }: Found<"organizations">, { status, ...pages }: Pages & { status?: string[] | null }) => {
        this.#must("domains:manage", id);
        const shown = this.facts.joinRequests
          .filter((one) => one.organizationId === id && (!status || status.includes(one.row.status as string)))
          .sort(
            by(
              ({ row }) => time(row.created_at),
              (one) => one.id,
            ),
          );
        return page("JoinRequest", shown.reverse(), pages);
      },
      auditEvents: ({ id }: Found<"organizations">, args: EventList) => {
        this.#must("audit:read", id);
        const { actions, actorId, targetId, from = null, to = null } = args.filter ?? {};
        if (actions?.some((action) => !ACTIONS.includes(action))) throw wrong();
        const actor = actorId === undefined ? undefined : uuidIn(actorId, "User");
        const isOpen = actor === undefined || this.judge.seesUser(actor);
        const shown = this.facts.events.filter(
          ({ id: event, organizationId, row }) =>
            organizationId === id &&
            this.judge.seesEvent(event) &&
            isOpen &&
            (!actions || actions.includes(row.action as string)) &&
            (from === null || time(row.at) >= time(from)) &&
            time(row.at) < time(to) &&
            (actor === undefined || row.actor_id === actor) &&
            (targetId === undefined || encoded(row.target_type as string, row.target_id as string) === targetId),
        );
        return page(
          "AuditEvent",
          shown
            .sort(
              by(
                ({ row }) => time(row.at),
                ({ id }) => id,
              ),
            )
            .reverse(),
          args,
        );
      },
    },
    DeletionPreview: {
      organizations: (id: string) => this.#going(id).length,
      roles: (id: string) =>
        this.facts.roles.filter((one) => one.organizationId && this.#going(id).includes(one.organizationId)).length,
      memberships: (id: string) => this.#membershipsGoing(id)?.length ?? null,
      grants: (id: string) => {
        const going = this.#membershipsGoing(id);
        return going && this.facts.grants.filter((one) => going.includes(one.membershipId)).length;
      },
      invitations: (id: string) => this.#countGoing(id, this.facts.invitations, "members:invite"),
      domains: (id: string) => this.#countGoing(id, this.facts.domains, "domains:manage"),
      joinRequests: (id: string) => this.#countGoing(id, this.facts.joinRequests, "domains:manage"),
    },
    AccessExplanation: {
      allowed: ({ allowed }: { allowed: boolean }) => allowed,
      paths: ({ paths }: { paths: readonly unknown[] }) => paths.map((path) => thing("AccessPath", path)),
      remedy: ({ asked }: { asked: Parameters<typeof smallestRemedy>[1] }) => {
        const remedy = smallestRemedy(this.facts, asked);
        return remedy && thing("Remedy", remedy);
      },
    },
    Remedy: {
      organization: ({ organizationId }: Candidate) => this.#organization(organizationId),
      role: ({ roleKey, roleId }: Candidate) =>
        thing(
          "Role",
          this.#allRoles().find(({ id, key, own }) =>
            roleId === null ? own === null && key === roleKey : id === roleId,
          ),
        ),
      reach: ({ reach }: Candidate) => reach,
    },
    AccessPath: {
      allowed: ({ allowed }: AccessPath) => allowed,
      reason: ({ reason }: AccessPath) => reason,
      organization: ({ at }: AccessPath) => at && this.#organization(at),
      // Of an organization that was moved from below where the role is defined.
      role: ({ role }: AccessPath) => (role && this.judge.seesRole(role.id) ? thing("Role", role) : null),
      reach: ({ reach }: AccessPath) => reach,
      expiresAt: ({ expiresAt }: AccessPath) => expiresAt,
    },
    User: {
      id: ({ id }: Found<"users">) => encoded("User", id),
      uuid: ({ id }: Found<"users">) => id,
      displayName: ({ row }: Found<"users">) => row.display_name,
      email: ({ email }: Found<"users">) => email,
      emailVerified: ({ row }: Found<"users">) => row.email_verified,
      imageUrl: ({ row }: Found<"users">) => row.image_url,
      locale: ({ row }: Found<"users">) => row.locale,
      externalId: ({ row }: Found<"users">) => row.external_id,
      metadata: ({ row }: Found<"users">) => row.metadata,
      status: ({ row }: Found<"users">) => row.status,
      createdAt: ({ row }: Found<"users">) => instant(row.created_at),
      updatedAt: ({ row }: Found<"users">) => instant(row.updated_at),
      memberships: ({ id }: Found<"users">, args: Pages) => this.#membershipsOfUser(id, args),
    },
    Membership: {
      id: ({ id }: Listed) => encoded("Membership", id),
      user: ({ userId }: Listed) =>
        thing(
          "User",
          this.facts.users.find(({ id }) => id === userId),
        ),
      organization: ({ organizationId }: Listed) => this.#organization(organizationId),
      status: ({ ended, row }: Listed) => (ended ? "EXPIRED" : row.status),
      via: ({ via }: Listed) => via ?? "DIRECT",
      expiresAt: ({ row }: Listed) => instant(row.expires_at),
      createdAt: ({ row }: Listed) => instant(row.created_at),
      updatedAt: ({ row }: Listed) => instant(row.updated_at),
      grants: ({ id }: Listed) => this.#grantsOf(id).map((grant) => thing("Grant", grant)),
      roles: ({ id }: Listed) => {
        const live = this.#grantsOf(id).filter(({ ended }) => !ended);
        const roles = new Map(live.map((grant) => [this.#roleOf(grant).id, this.#roleOf(grant)]));
        return [...roles.values()].map((role) => thing("Role", role));
      },
    },
    // What each of many changes comes to is not foreseen; its own test compares it with what one alone comes to.
    MembershipChangeResult: {
      membershipId: ({ id }: { id?: string }) => (id === undefined ? null : encoded("Membership", id)),
      membership: ({ id }: { id?: string }) => (id === undefined ? null : this.membership(id)),
      failure: ({ failure }: { failure?: unknown }) => failure ?? null,
    },
    Grant: {
      id: ({ id }: Found<"grants">) => encoded("Grant", id),
      role: (grant: Found<"grants">) => thing("Role", this.#roleOf(grant)),
      reach: ({ row }: Found<"grants">) => row.reach,
      expiresAt: ({ row }: Found<"grants">) => instant(row.expires_at),
      createdAt: ({ row }: Found<"grants">) => instant(row.created_at),
    },
    Role: {
      id: ({ id }: Role) => encoded("Role", id),
      key: ({ key }: Role) => key,
      name: (role: Role) => this.#texts(role).name,
      description: (role: Role) => this.#texts(role).description,
      permissions: (role: Role) => this.#inOrder(role),
      source: (role: Role) =>
        !role.own ? this.#texts(role).source : role.own.organizationId === null ? "TENANT" : "ORGANIZATION",
      organization: ({ own }: Role) => own?.organizationId && this.#organization(own.organizationId),
    },
    RoleUpdatePreview: {
      gains: ({ role, wanted }: Preview) => wanted.filter((one) => !role.own!.permissions.includes(one)),
      loses: ({ role, wanted }: Preview) => role.own!.permissions.filter((one) => !wanted.includes(one)),
      complete: ({ at }: Preview) => this.judge.allows(at, "members:read", "SUBTREE"),
      memberCount: (preview: Preview) => new Set(this.#holders(preview).map(({ membershipId }) => membershipId)).size,
      effects: (preview: Preview, args: Pages) =>
        page(
          "RoleUpdateEffect",
          this.#holders(preview).map((grant) => ({ grant, ...this.#effect(preview, grant) })),
          args,
        ),
    },
    RoleUpdateEffect: {
      grant: ({ grant }: { grant: Found<"grants"> }) => thing("Grant", grant),
      membership: ({ grant }: { grant: Found<"grants"> }) => this.membership(grant.membershipId),
      gains: ({ gains }: { gains: readonly string[] }) => gains,
      loses: ({ loses }: { loses: readonly string[] }) => loses,
    },
    Invitation: {
      id: ({ id }: Found<"invitations">) => encoded("Invitation", id),
      organization: ({ organizationId }: Found<"invitations">) => this.#organization(organizationId),
      email: ({ row }: Found<"invitations">) => row.email,
      grants: ({ id, organizationId }: Found<"invitations">) => {
        const usable = this.#rolesFor(organizationId);
        return this.facts.offers
          .filter(({ invitationId }) => invitationId === id)
          .sort(by((one) => one.id))
          .flatMap((offer) => {
            const role = this.#roleOf(offer);
            return usable.some((one) => one.id === role.id) ? [thing("OfferedGrant", { ...offer, role })] : [];
          });
      },
      invitedBy: ({ row }: Found<"invitations">) => this.#user(row.inviter_id as string),
      status: (one: Found<"invitations">) => this.#statusOf(one),
      isVoid: (one: Found<"invitations">) => {
        if (this.#statusOf(one) !== "OPEN") return false;
        const { organizationId: at, row } = one;
        const offers = this.facts.offers.filter(({ invitationId }) => invitationId === one.id);
        const live = offers.filter((offer) => time(offer.row.expires_at) > Date.now());
        const given = live.map((offer) => ({ ...offer, until: offer.row.expires_at, reach: offer.row.reach as Reach }));
        return !(
          offers.every((offer) => this.#isOneOf(offer, at)) &&
          this.#couldGive(row.inviter_id as string, at, given, row.membership_expires_at, "members:invite")
        );
      },
      expiresAt: ({ row }: Found<"invitations">) => instant(row.expires_at),
      membershipExpiresAt: ({ row }: Found<"invitations">) => instant(row.membership_expires_at),
      createdAt: ({ row }: Found<"invitations">) => instant(row.created_at),
      updatedAt: ({ row }: Found<"invitations">) => instant(row.updated_at),
    },
    OfferedGrant: {
      role: ({ role }: { role: Role }) => thing("Role", role),
      reach: ({ row }: Found<"offers">) => row.reach,
      expiresAt: ({ row }: Found<"offers">) => instant(row.expires_at),
    },
    OrganizationDomain: {
      id: ({ id }: Found<"domains">) => encoded("OrganizationDomain", id),
      domain: ({ row }: Found<"domains">) => row.domain,
      isProven: ({ row }: Found<"domains">) => row.proven_at !== null,
      recordName: ({ row }: Found<"domains">) => `_tenantry.${row.domain}`,
      recordValue: ({ row }: Found<"domains">) => `tenantry-verification=${row.proof}`,
      checkedAt: ({ row }: Found<"domains">) => instant(row.checked_at),
      createdAt: ({ row }: Found<"domains">) => instant(row.created_at),
    },
    JoinPolicy: {
      mode: (id: string) => this.#joinPolicy(id)?.mode ?? "OFF",
      grants: (id: string) =>
        (this.#joinPolicy(id)?.grants ?? []).flatMap((grant) => {
          const role = this.#roleOf(grant);
          const isUsable = this.#rolesFor(id).some((one) => one.id === role.id);
          return isUsable ? [thing("OfferedGrant", { role, row: { reach: grant.reach, expires_at: null } })] : [];
        }),
      isInForce: (id: string) => {
        const policy = this.#joinPolicy(id);
        if (!policy || policy.mode === "OFF") return true;
        const given = policy.mode === "ASK" ? [] : policy.grants.map((grant) => ({ ...grant, until: null }));
        if (policy.mode === "ASK") return new Judge(this.facts, policy.set_by).allows(id, "domains:manage");
        return (
          given.every((grant) => this.#isOneOf(grant, id)) &&
          this.#couldGive(policy.set_by, id, given, null, "domains:manage")
        );
      },
      setBy: (id: string) => {
        const policy = this.#joinPolicy(id);
        return policy ? this.#user(policy.set_by) : null;
      },
    },
    JoinRequest: {
      id: ({ id }: Found<"joinRequests">) => encoded("JoinRequest", id),
      organization: ({ organizationId }: Found<"joinRequests">) => this.#organization(organizationId),
      email: ({ row }: Found<"joinRequests">) => row.email,
      displayName: ({ row }: Found<"joinRequests">) => row.display_name,
      status: ({ row }: Found<"joinRequests">) => row.status,
      createdAt: ({ row }: Found<"joinRequests">) => instant(row.created_at),
      updatedAt: ({ row }: Found<"joinRequests">) => instant(row.updated_at),
    },
    // What comes of each of many is not foreseen.
    InvitationOutcome: { invitation: () => null, failure: () => null },
    AuditEvent: {
      id: ({ id }: Found<"events">) => encoded("AuditEvent", id),
      at: ({ row }: Found<"events">) => instant(row.at),
      action: ({ row }: Found<"events">) => row.action,
      requestId: ({ row }: Found<"events">) => row.request_id,
      address: ({ row, address }: Found<"events">) => (this.#user(row.actor_id as string) ? address : null),
      actor: ({ row }: Found<"events">) => this.#user(row.actor_id as string),
      organization: ({ organizationId }: Found<"events">) => this.#organization(organizationId),
      targetId: ({ row }: Found<"events">) => encoded(row.target_type as string, row.target_id as string),
      target: ({ row }: Found<"events">) => this.#node(row.target_type as string, row.target_id as string),
      changes: ({ organizationId, row, apart }: Found<"events">) => {
        if (row.target_type === "User" && !this.judge.seesUser(row.target_id as string)) return null;
        if (row.commitment !== null) return apart ?? { erased: (row.changes as { personal: string[] }).personal };
        const needed = { Membership: "members:read", Invitation: "members:invite", JoinRequest: "domains:manage" }[
          row.target_type as string
        ];
        return needed && !this.judge.allows(organizationId, needed) ? null : row.changes;
      },
    },
    ...Object.fromEntries(
      ["Organization", "User", "Membership", "Invitation", "JoinRequest", "AuditEvent", "RoleUpdateEffect"].flatMap(
        (type) => [
          [
            `${type}Connection`,
            {
              nodes: ({ rows }: Page) => rows.map((row) => thing(type, row)),
              edges: ({ rows }: Page) => rows.map((row) => thing(`${type}Edge`, row)),
              pageInfo: (all: Page) => thing("PageInfo", all),
            },
          ],
          [`${type}Edge`, { node: (row: unknown) => thing(type, row), cursor: () => this.anything }],
        ],
      ),
    ),
    PageInfo: {
      hasNextPage: ({ goesOn }: Page) => goesOn,
      hasPreviousPage: ({ began }: Page) => began,
      startCursor: ({ rows }: Page) => (rows.length > 0 ? this.anything : null),
      endCursor: ({ rows }: Page) => (rows.length > 0 ? this.anything : null),
    },
  };

  /** What an id names, as far as the viewer may see it. */
  #node(type: string, id: string): Thing | null {
    if (!this.viewer) return null;
    if (type === "Organization") return this.#organization(id);
    if (type === "User") return this.#user(id);
    if (type === "Tenant") return this.judge.seesTenant(id) ? thing(type, this.facts.tenant) : null;
    if (type === "Role") return this.role(id);
    if (type === "Membership") return this.membership(id);
    if (type === "Invitation") return this.invitation(id);
    if (type === "JoinRequest") return this.joinRequest(id);
    const event = type === "AuditEvent" && this.judge.seesEvent(id) && this.facts.events.find((one) => one.id === id);
    return event ? thing(type, event) : null;
  }

  membership(id: string): Thing | null {
    const found = this.facts.memberships.find((one) => one.id === id);
    return found && this.judge.seesMembership(id) ? thing("Membership", found) : null;
  }

  invitation(id: string): Thing | null {
    const found = this.facts.invitations.find((one) => one.id === id);
    return found && this.judge.seesInvitation(id) ? thing("Invitation", found) : null;
  }

  joinRequest(id: string): Thing | null {
    const found = this.facts.joinRequests.find((one) => one.id === id);
    return found && this.judge.seesJoinRequest(id) ? thing("JoinRequest", found) : null;
  }

  domainsOf(organizationId: string): Thing[] {
    const own = this.facts.domains.filter((one) => one.organizationId === organizationId);
    return own.sort(by(({ row }) => row.domain as string)).map((one) => thing("OrganizationDomain", one));
  }

  #joinPolicy(organizationId: string) {
    return this.facts.joinPolicies.find(({ id }) => id === organizationId)?.row as
      | {
          readonly mode: string;
          readonly set_by: string;
          readonly grants: (RoleReference & { reach: Reach })[];
        }
      | undefined;
  }

  #isOneOf(reference: RoleReference, organizationId: string): boolean {
    return this.#rolesFor(organizationId).some(({ id }) => id === this.#roleOf(reference).id);
  }

  /** Whether somebody could make a member who has all that, by this permission: each right must outlast what is made with it. */
  #couldGive(
    userId: string,
    organizationId: string,
    given: readonly (RoleReference & { readonly reach: Reach; readonly until: unknown })[],
    membershipEnds: unknown,
    by: string,
  ): boolean {
    const lasts = (until: number, permission: string, reach: Reach) => {
      const outlasts = ({ row }: Found<"grants" | "memberships">) => time(row.expires_at) >= until;
      const memberships = this.facts.memberships.filter(outlasts);
      const grants = this.facts.grants.filter(outlasts);
      return new Judge({ ...this.facts, memberships, grants }, userId).allows(organizationId, permission, reach);
    };
    const endOf = (...ends: unknown[]) => Math.min(...ends.map(time));
    return (
      lasts(endOf(membershipEnds), by, "ORGANIZATION") &&
      given.every(({ until, reach, ...reference }) => {
        const end = endOf(until, membershipEnds);
        const permissions = permissionsOf(this.#roleOf(reference));
        return lasts(end, by, "ORGANIZATION") && permissions.every((permission) => lasts(end, permission, reach));
      })
    );
  }

  #statusOf({ ended, row }: Found<"invitations">): string {
    return row.status === "OPEN" && ended ? "EXPIRED" : (row.status as string);
  }

  role(id: string): Thing | null {
    const found = this.#allRoles().find((one) => one.id === id);
    return found && this.judge.seesRole(id) ? thing("Role", found) : null;
  }

  /** Roles that can be given in an organization: fixed ones, then those of the tenant, of what is above, and its own. */
  #rolesFor(id: string): Role[] {
    const places = [null, ...this.#above(id), id];
    return this.#allRoles().filter(({ own }) => own === null || places.includes(own.organizationId));
  }

  /** Whether a reference means one of the roles that can be given in an organization. */
  isUsable(ref: { id?: string; key?: string }, organizationId: string): boolean {
    return this.#rolesFor(organizationId).some(({ id, key }) =>
      ref.id === undefined ? key === ref.key : encoded("Role", id) === ref.id,
    );
  }

  /** The role that a reference means in an organization, or in the tenant as a whole: the nearest, but fixed ones first. */
  pickRole(ref: { id?: string; key?: string }, organizationId: string | null): string {
    if (ref.id !== undefined) return decoded(ref.id)[1];
    const usable = this.#rolesFor(organizationId ?? this.#root().id).filter(({ key }) => key === ref.key);
    const depth = ({ own }: Role) => (own?.organizationId ? this.#above(own.organizationId).length + 1 : 0);
    const [first] = usable.sort(by((role) => (role.own === null ? -1000 : -depth(role))));
    return first!.id;
  }

  organizationOf = (id: string): Thing | null => this.#organization(id);
  userOf = (id: string): Thing | null => this.#user(id);

  #organization(id: string): Thing | null {
    return this.judge.sees(id) ? thing("Organization", this.#row(id)) : null;
  }

  #user(id: string): Thing | null {
    return this.judge.seesUser(id)
      ? thing(
          "User",
          this.facts.users.find((one) => one.id === id),
        )
      : null;
  }

  #row(id: string): Found<"organizations"> {
    return this.facts.organizations.find((one) => one.id === id)!;
  }

  #root(): Found<"organizations"> {
    return this.facts.organizations.find(({ parentId }) => parentId === null)!;
  }

  /** Whether nothing closes it, here or above. */
  #isOpen(id: string): boolean {
    return [id, ...this.#above(id)].map((one) => this.#row(one)).every((one) => !one.suspended && !one.archived);
  }

  /** From the root down to what is right above. */
  #above(id: string): string[] {
    const { parentId } = this.#row(id);
    return parentId === null ? [] : [...this.#above(parentId), parentId];
  }

  #known(id: string): [string, string] {
    const [type, uuid] = decoded(id);
    if (
      !["Organization", "User", "Membership", "Role", "Invitation", "JoinRequest", "AuditEvent", "Tenant"].includes(
        type,
      )
    )
      throw wrong();
    return [type, uuid];
  }

  #mustBeSignedIn(): void {
    if (!this.viewer) throw new Refusal({ code: "UNAUTHENTICATED" });
  }

  #must(permission: string, organizationId: string, reach?: "SUBTREE"): void {
    if (!this.judge.allows(organizationId, permission, reach))
      throw new Refusal({
        code: "FORBIDDEN",
        permission,
        organizationId: this.judge.sees(organizationId) ? encoded("Organization", organizationId) : null,
      });
  }

  #organizations(
    { filter, permission, orderBy, ...pages }: OrganizationList,
    isListed: (one: Found<"organizations">) => boolean = () => true,
  ): Thing {
    const parent = filter?.parentId == null ? null : uuidIn(filter.parentId, "Organization");
    const shown = this.facts.organizations.filter(
      (one) =>
        isListed(one) &&
        this.judge.sees(one.id) &&
        isFound(filter?.search, one.name, one.slug) &&
        (parent === null || (one.parentId === parent && this.judge.sees(parent))) &&
        [permission, filter?.permission].every((wanted) => wanted == null || this.judge.allows(one.id, wanted)) &&
        (!filter?.status || filter.status.includes(one.row.status as string)) &&
        (filter?.isOpen === undefined || filter.isOpen === this.#isOpen(one.id)),
    );
    const order = orderBy ?? "NAME_ASC";
    shown.sort(
      by(
        (one) => (order.startsWith("NAME") ? one.name : time(one.row.created_at)),
        ({ id }) => id,
      ),
    );
    return page("Organization", order.endsWith("DESC") ? shown.reverse() : shown, pages);
  }

  #membershipsOfUser(id: string, pages: Pages): Thing {
    const shown = this.facts.memberships.filter(
      (one) => one.userId === id && !one.ended && this.#maySeeMembersOf(one.userId, one.organizationId),
    );
    return page("Membership", shown.sort(by((one) => one.id)), pages);
  }

  /** Whether the viewer sees what somebody is in an organization. */
  #maySeeMembersOf(userId: string, organizationId: string): boolean {
    const isOwn = userId === this.viewer?.id;
    return this.judge.sees(organizationId) && (isOwn || this.judge.allows(organizationId, "members:read"));
  }

  #membershipsOf(id: string, { filter, orderBy, ...pages }: MembershipList): Thing {
    const { search, status = ["ACTIVE", "SUSPENDED"], via = ["DIRECT"], role, reach, expiresBefore } = filter ?? {};
    const userOf = (one: Listed) => this.facts.users.find((user) => user.id === one.userId)!;
    const shown = this.facts.memberships.flatMap((one): Listed[] => {
      const live = this.#grantsOf(one.id).filter(({ ended }) => !ended);
      const isHere = one.organizationId === id;
      const reaches = this.#above(id).includes(one.organizationId) && live.some(({ subtree }) => subtree);
      if (!isHere && !(reaches && this.judge.sees(one.organizationId))) return [];
      if (!this.judge.allows(one.organizationId, "members:read")) return [];
      if (!via.includes(isHere ? "DIRECT" : "INHERITED")) return [];
      if (!status.includes(one.ended ? "EXPIRED" : (one.row.status as string))) return [];
      if (!isFound(search, userOf(one).row.display_name, userOf(one).email)) return [];
      if (expiresBefore !== undefined && time(one.row.expires_at) >= time(expiresBefore)) return [];
      const holds = ({ id, key }: Role) =>
        role!.id === undefined ? key === role!.key : id === uuidIn(role!.id, "Role");
      const isMeant = (grant: Found<"grants">) =>
        (isHere || grant.subtree) && (!role || holds(this.#roleOf(grant))) && (!reach || grant.row.reach === reach);
      if ((role || reach) && !live.some(isMeant)) return [];
      return [{ ...one, via: isHere ? "DIRECT" : "INHERITED" }];
    });
    const nameOf = (one: Listed) => userOf(one).row.display_name as string;
    const keys: Record<string, (one: Listed) => string | number> = {
      NAME: nameOf,
      CREATED: ({ row }) => time(row.created_at),
    };
    const key = keys[orderBy?.split("_")[0] ?? ""] ?? ((one) => one.id);
    shown.sort(by(key, (one) => one.id));
    return page("Membership", orderBy?.endsWith("DESC") ? shown.reverse() : shown, pages);
  }

  /** Memberships that count today, where the viewer may know of them. */
  #membershipsKnown(of: (one: Found<"memberships">) => boolean): Found<"memberships">[] {
    return this.facts.memberships.filter(
      (one) =>
        of(one) &&
        !one.suspended &&
        !one.ended &&
        this.judge.sees(one.organizationId) &&
        this.judge.allows(one.organizationId, "members:read"),
    );
  }

  /** Grants of a role that count today, and of which the viewer may know. */
  #holders({ role }: Preview): Found<"grants">[] {
    const isShut = (userId: string) => this.facts.users.find(({ id }) => id === userId)!.suspended;
    const known = this.#membershipsKnown(({ userId }) => !isShut(userId)).map(({ id }) => id);
    return this.facts.grants
      .filter((one) => one.roleId === role.id && !one.ended && known.includes(one.membershipId))
      .sort(by(({ id }) => id));
  }

  /** As if everything were open, and there were nothing but what the viewer may know of. */
  #effect({ role, wanted }: Preview, { membershipId, subtree }: Found<"grants">) {
    const { userId, organizationId } = this.facts.memberships.find(({ id }) => id === membershipId)!;
    const judgeWith = (permissions: readonly string[]) =>
      new Judge(
        {
          ...this.facts,
          organizations: this.facts.organizations.map((one) => ({ ...one, suspended: false, archived: false })),
          memberships: this.#membershipsKnown((one) => one.userId === userId),
          roles: this.facts.roles.map((one) => (one.id === role.id ? { ...one, permissions } : one)),
        },
        userId,
      );
    const [before, after] = [judgeWith(role.own!.permissions), judgeWith(wanted)];
    const has = (judge: Judge, one: string) => judge.allows(organizationId, one, subtree ? "SUBTREE" : "ORGANIZATION");
    const every = this.#sorted(PERMISSIONS);
    return {
      gains: every.filter((one) => has(after, one) && !has(before, one)),
      loses: every.filter((one) => has(before, one) && !has(after, one)),
    };
  }

  /** Each once, in the order of the catalogue. */
  #sorted(permissions: readonly string[]): string[] {
    return this.catalogue.permissions.map(({ key }) => key).filter((key) => permissions.includes(key));
  }

  /** What the viewer sees of an organization and those below. */
  #going(id: string): string[] {
    const all = this.facts.organizations.filter((one) => one.id === id || this.#above(one.id).includes(id));
    return all.map((one) => one.id).filter((one) => this.judge.sees(one));
  }

  /** In an organization and below, whoever may know of it. */
  membershipsBelow(id: string): Found<"memberships">[] {
    return this.facts.memberships
      .filter(({ organizationId: at }) => at === id || this.#above(at).includes(id))
      .sort(by((one) => one.id));
  }

  #membershipsGoing(id: string): string[] | null {
    if (!this.judge.allows(id, "members:read", "SUBTREE")) return null;
    return this.membershipsBelow(id)
      .filter(({ organizationId: at }) => this.judge.allows(at, "members:read"))
      .map((one) => one.id);
  }

  /** How many of them would go with an organization; null for who has no say about them everywhere below. */
  #countGoing(id: string, all: readonly { readonly organizationId: string }[], permission: string): number | null {
    if (!this.judge.allows(id, permission, "SUBTREE")) return null;
    const isGoing = (at: string) => at === id || this.#above(at).includes(id);
    return all.filter(({ organizationId: at }) => isGoing(at) && this.judge.allows(at, permission)).length;
  }

  #grantsOf(membershipId: string): Found<"grants">[] {
    return this.facts.grants.filter((one) => one.membershipId === membershipId).sort(by(({ id }) => id));
  }

  #allRoles(): Role[] {
    const own = this.facts.roles.map((one) => ({ id: one.id, key: one.row.key as string, own: one }));
    own.sort(
      by(
        ({ own }) => own.row.name as string,
        ({ id }) => id,
      ),
    );
    return [...this.catalogue.roles.map(({ id, key }) => ({ id, key, own: null })), ...own];
  }

  #roleOf({ roleKey, roleId }: RoleReference): Role {
    return this.#allRoles().find(({ id, key, own }) => (roleKey === null ? id === roleId : !own && key === roleKey))!;
  }

  #texts({ id, own }: Role) {
    return (own?.row ?? this.catalogue.roles.find((one) => one.id === id)!) as {
      name: string;
      description: string | null;
      source?: string;
    };
  }

  /** A role's permissions as it was defined; those of a fixed role in the order of the catalogue. */
  #inOrder(role: Role): readonly string[] {
    return role.own ? role.own.permissions : this.#sorted(permissionsOf(role));
  }

  #checks({ subject, checks }: { subject?: { userId: string } | null; checks: Record<string, string>[] }) {
    const asked = checks.map(({ organizationId, permission, reach }) => {
      const id = uuidIn(organizationId, "Organization");
      if (!PERMISSIONS.includes(permission!)) throw wrong();
      return { id, organizationId, permission: permission!, reach: (reach ?? "ORGANIZATION") as Far };
    });
    const who = subject ? uuidIn(subject.userId, "User") : this.viewer!.id;
    if (!this.judge.seesUser(who)) return null;
    const seen = asked.filter(({ id }) => this.judge.sees(id));
    if (who !== this.viewer!.id) for (const { id } of seen) this.#must("members:read", id);
    const about = new Judge(this.facts, who);
    return asked.map(({ id, ...check }) =>
      thing("PermissionCheck", {
        ...check,
        allowed: this.judge.sees(id) && about.allows(id, check.permission, check.reach),
      }),
    );
  }

  #explanation(subject: string, place: string, permission: string, reach: Far): Thing {
    const isAllowed = new Judge(this.facts, subject).allows(place, permission, reach);
    const isActive = !this.facts.users.find(({ id }) => id === subject)!.suspended;
    const chain = [...this.#above(place), place];
    const near = this.facts.memberships
      .filter((one) => one.userId === subject && chain.includes(one.organizationId))
      .filter((one) => subject === this.viewer!.id || this.#maySeeMembersOf(subject, one.organizationId))
      .sort(
        by(
          (one) => -chain.indexOf(one.organizationId),
          ({ id }) => id,
        ),
      );
    const paths = near.flatMap((membership): AccessPath[] => {
      const at = membership.organizationId;
      const end = instant(membership.row.expires_at);
      const broken = !isActive
        ? "The person is suspended."
        : membership.ended
          ? "The membership has ended."
          : membership.suspended
            ? "The membership is suspended."
            : null;
      const grants = this.#grantsOf(membership.id);
      if (grants.length === 0)
        return [
          {
            allowed: false,
            reason: broken ?? "The membership has no roles.",
            at,
            role: null,
            reach: null,
            expiresAt: end,
          },
        ];
      return grants.map((grant) => {
        const role = this.#roleOf(grant);
        const failing = grant.ended
          ? "The grant has ended."
          : !permissionsOf(role).includes(permission)
            ? "The role does not have the permission."
            : !grant.subtree && at !== place
              ? "The grant does not reach below its organization."
              : !grant.subtree && reach === "SUBTREE"
                ? "The grant is for the organization alone, and this needs reach SUBTREE."
                : isAllowed
                  ? null
                  : "The organization, or one above it, is suspended or archived.";
        const reason = broken ?? failing;
        const ends = [end, instant(grant.row.expires_at)].filter((one) => one !== null).sort();
        return {
          allowed: reason === null,
          reason: reason ?? (at === place ? "Granted here." : "Granted further up, with reach SUBTREE."),
          at,
          role,
          reach: grant.row.reach as string,
          expiresAt: ends[0] ?? null,
        };
      });
    });
    const isUnseen = isAllowed && !paths.some(({ allowed }) => allowed);
    const unseen = {
      allowed: true,
      reason: "Allowed by a grant further up, where you may not read members.",
      at: null,
      role: null,
      reach: null,
      expiresAt: null,
    };
    const asked = { asker: this.viewer!.id, subject, organizationId: place, permission, reach };
    return thing("AccessExplanation", { allowed: isAllowed, paths: isUnseen ? [...paths, unseen] : paths, asked });
  }
}

interface AccessPath {
  readonly allowed: boolean;
  readonly reason: string;
  readonly at: string | null;
  readonly role: Role | null;
  readonly reach: string | null;
  readonly expiresAt: string | null;
}

/** A role where it is defined, and the permissions that it might have. */
interface Preview {
  readonly role: Role;
  readonly at: string;
  readonly wanted: readonly string[];
}

const permissionsOf = ({ key, own }: Role): readonly string[] => own?.permissions ?? FIXED_ROLES[key]!;

interface Page {
  readonly rows: readonly unknown[];
  readonly goesOn: boolean;
  readonly began: boolean;
}

function page(type: string, rows: readonly unknown[], { first, last }: Pages): Thing {
  if (first != null && last != null) throw wrong();
  const length = last ?? first ?? 20;
  const more = rows.length > length;
  const shown = last == null ? rows.slice(0, length) : rows.slice(Math.max(0, rows.length - length));
  return thing(`${type}Connection`, { rows: shown, goesOn: last == null && more, began: last != null && more });
}
