import { randomBytes } from "node:crypto";
import type { PgTable } from "drizzle-orm/pg-core";
import { auditEvents, auditUnsealed } from "../../src/features/audit/table.js";
import { invitations, offeredGrants } from "../../src/features/invitations/table.js";
import { joinRequests, organizationDomains } from "../../src/features/joining/table.js";
import { grants, memberships } from "../../src/features/memberships/table.js";
import { organizations, slugs } from "../../src/features/organizations/table.js";
import { ownershipOffers } from "../../src/features/ownership/table.js";
import { roles } from "../../src/features/roles/table.js";
import { users } from "../../src/features/users/table.js";
import { encodeId, type IdType } from "../../src/graphql/nodeId.js";
import { registerPeople } from "../../src/identity/development.js";
import { identityDigest } from "../../src/identity/digest.js";
import { DEVELOPMENT_ISSUER } from "../../src/identity/issuers.js";
import { loadKey } from "../../src/identity/key.js";
import {
  type AuditEventId,
  type GrantId,
  type InvitationId,
  type JoinRequestId,
  type MembershipId,
  newId,
  type OfferedGrantId,
  type OrganizationDomainId,
  type OrganizationId,
  type OwnershipOfferId,
  type RoleId,
  type TenantId,
  type UserId,
} from "../../src/ids.js";
import { createTenant } from "../../src/tenancy/create.js";
import type { TenantDb } from "../../src/tenancy/session.js";
import { FOLDER } from "./database.js";
import type { Caller, TestGateway } from "./gateway.js";

/** Organizations by slug, each with those below it. */
export interface Tree {
  readonly [slug: string]: Tree;
}

/** A membership, and what is granted to it. */
export interface Belonging {
  readonly at: string;
  /** Keys of roles: of the catalogue, or of the sketch. */
  readonly roles?: readonly string[];
  /** Permissions, as a role of the whole tenant that holds exactly these. */
  readonly can?: readonly string[];
  readonly reach?: "ORGANIZATION" | "SUBTREE";
  /** When the membership ends. */
  readonly until?: Date;
  /** When its grants end. */
  readonly grantsUntil?: Date;
  readonly suspended?: boolean;
}

/** A tenant, as one would draw it on a whiteboard. */
export interface TenantSketch {
  /** One root. */
  readonly tree: Tree;
  /** Without `at`, a role of the whole tenant. */
  readonly roles?: Readonly<Record<string, { readonly at?: string; readonly permissions: readonly string[] }>>;
  /** By name, which becomes `<name>@<tenant>.test` unless it is an address. The same address in two tenants is one person. */
  readonly people?: Readonly<Record<string, readonly Belonging[]>>;
  /** Slugs of suspended organizations, and names of suspended people. */
  readonly suspended?: readonly string[];
  /** Slugs of archived organizations. */
  readonly archived?: readonly string[];
  /** Slugs that organizations had before, by their slug now. */
  readonly formerly?: Readonly<Record<string, readonly string[]>>;
  /** Open offers of ownership by a name, each from one of the people to another. */
  readonly offers?: Readonly<Record<string, { readonly from: string; readonly to: string }>>;
  /** What people are invited by, by the slug of the organization: addresses like names of people, each offered `guest` by the first of them. */
  readonly invited?: Readonly<Record<string, readonly string[]>>;
  /** Who asks to join, by the slug of the organization: addresses like names of people. */
  readonly asking?: Readonly<Record<string, readonly string[]>>;
  /** Domains that organizations claim, by their slug, and have not proven; what proves one is `proof-of-<domain>`. */
  readonly claims?: Readonly<Record<string, readonly string[]>>;
  /** How many events the audit has of organizations, by slug; done to them by the first of the people. */
  readonly events?: Readonly<Record<string, number>>;
}

/** A tenant that was planted: its ids, and its people to ask as. */
export interface Planted {
  readonly slug: string;
  readonly tenantId: TenantId;
  readonly organizations: Readonly<Record<string, OrganizationId>>;
  readonly roles: Readonly<Record<string, RoleId>>;
  readonly users: Readonly<Record<string, UserId>>;
  /** By `<name>@<slug>`. */
  readonly memberships: Readonly<Record<string, MembershipId>>;
  /** By `<name>@<slug>`, the first of them. */
  readonly grants: Readonly<Record<string, GrantId>>;
  /** By `<name>@<slug>`. */
  readonly invitations: Readonly<Record<string, InvitationId>>;
  readonly joinRequests: Readonly<Record<string, JoinRequestId>>;
  /** By the slug of their organization, the first of them. */
  readonly events: Readonly<Record<string, AuditEventId>>;
  /** The global id of something by what the sketch calls it. */
  id(type: string, name: string): string;
  as(person: string, headers?: Record<string, string>): Caller;
}

/** Makes tenants from sketches, in the gateway's own database. Each call may name tenants that are not there yet. */
export async function world<Slug extends string>(
  gateway: TestGateway,
  sketches: Readonly<Record<Slug, TenantSketch>>,
): Promise<Record<Slug, Planted>> {
  const planted = {} as Record<Slug, Planted>;
  const key = await loadKey({ dataDir: FOLDER });
  await gateway.database.owners(async (owners) => {
    for (const [slug, sketch] of Object.entries<TenantSketch>(sketches)) {
      const digestOf = (email: string) => identityDigest(key, { issuer: DEVELOPMENT_ISSUER, subject: email });
      const tenantId = newId<TenantId>();
      const rows = toRows(tenantId, slug, sketch, digestOf);
      const place = await gateway.database.placeForTenant();
      const digests = rows.users.map((user) => user.identity);
      const record = { id: tenantId, slug, ...place, createdAt: new Date(), identities: digests };
      await createTenant(owners, record, (db) => plant(db, rows));
      await registerPeople(
        FOLDER,
        rows.users.map(({ email, displayName }) => ({ email, name: displayName, subject: email, tenants: [slug] })),
      );
      planted[slug as Slug] = toPlanted(gateway, tenantId, slug, rows);
    }
  });
  return planted;
}

/** Writes the rows of a sketch into the home of its tenant. */
export async function plant(db: TenantDb, rows: ReturnType<typeof toRows>): Promise<void> {
  const insert = async (table: PgTable, values: readonly object[]) => {
    for (let from = 0; from < values.length; from += 1000)
      await db.insert(table).values(values.slice(from, from + 1000) as never);
  };
  await insert(organizations, rows.organizations);
  await insert(slugs, rows.slugs);
  await insert(users, rows.users);
  await insert(roles, rows.roles);
  await insert(memberships, rows.memberships);
  await insert(grants, rows.grants);
  await insert(ownershipOffers, rows.offers);
  await insert(invitations, rows.invitations);
  await insert(offeredGrants, rows.offeredGrants);
  await insert(joinRequests, rows.joinRequests);
  await insert(organizationDomains, rows.domains);
  await insert(auditEvents, rows.events);
  await insert(
    auditUnsealed,
    rows.events.map(({ tenantId, id }) => ({ tenantId, eventId: id })),
  );
}

const addressOf = (name: string, tenant: string) => (name.includes("@") ? name : `${name}@${tenant}.test`);

/** The rows of a sketch, as they are planted. */
export function toRows(tenantId: TenantId, tenant: string, sketch: TenantSketch, digestOf: (email: string) => Buffer) {
  const now = new Date();
  const made = { tenantId, createdAt: now, updatedAt: now };
  const isSuspended = (name: string) => (sketch.suspended ?? []).includes(name);
  const status = (is: boolean | undefined) => (is ? ("SUSPENDED" as const) : ("ACTIVE" as const));
  const people = Object.entries(sketch.people ?? {});
  const belongings = people.flatMap(([name, belongs]) => belongs.map((one) => ({ name, ...one })));

  const organizationRows: (typeof organizations.$inferInsert)[] = [];
  const grow = (tree: Tree, parentPath: readonly OrganizationId[]) => {
    for (const [slug, below] of Object.entries(tree)) {
      const id = newId<OrganizationId>();
      const memberCount = belongings.filter(({ at }) => at === slug).length;
      const place = { id, parentId: parentPath.at(-1) ?? null, path: [...parentPath] };
      const isArchived = sketch.archived?.includes(slug) && !isSuspended(slug);
      const state = isArchived ? ("ARCHIVED" as const) : status(isSuspended(slug));
      organizationRows.push({ ...made, ...place, slug, name: slug, memberCount, status: state });
      grow(below, [...parentPath, id]);
    }
  };
  grow(sketch.tree, []);
  const at = (slug: string) => {
    const row = organizationRows.find((one) => one.slug === slug);
    if (!row) throw new Error(`The sketch of ${tenant} has no organization ${slug}.`);
    return row.id;
  };

  const roleRows = Object.entries(sketch.roles ?? {}).map(([key, { at: slug, permissions }]) => ({
    ...made,
    id: newId<RoleId>(),
    organizationId: slug === undefined ? null : at(slug),
    key,
    name: key,
    permissions: [...permissions],
  }));
  const holding = (permissions: readonly string[]): RoleId => {
    const key = `can-${permissions.length}-${permissions.join("-").replaceAll(":", "-").toLowerCase()}`.slice(0, 200);
    const known = roleRows.find((role) => role.key === key);
    if (known) return known.id;
    const id = newId<RoleId>();
    roleRows.push({ ...made, id, organizationId: null, key, name: key, permissions: [...permissions] });
    return id;
  };

  const userRows = people.map(([name]) => {
    const email = addressOf(name, tenant);
    const identity = digestOf(email);
    return {
      ...made,
      id: newId<UserId>(),
      name,
      email,
      displayName: name,
      identity,
      status: status(isSuspended(name)),
    };
  });
  const membershipRows = belongings.map((one) => ({
    ...made,
    ...one,
    id: newId<MembershipId>(),
    organizationId: at(one.at),
    userId: userRows.find(({ name }) => name === one.name)!.id,
    status: status(one.suspended),
    expiresAt: one.until ?? null,
  }));
  const grantRows = membershipRows.flatMap(({ id, name, at: slug, reach, grantsUntil, ...given }) => {
    const own = (given.roles ?? []).map((key) => ({ key, role: roleRows.find((role) => role.key === key) }));
    const refs: { roleKey: string | null; roleId: RoleId | null }[] = own.map(({ key, role }) =>
      role ? { roleKey: null, roleId: role.id } : { roleKey: key, roleId: null },
    );
    if (given.can) refs.push({ roleKey: null, roleId: holding(given.can) });
    return refs.map((ref) => ({
      tenantId,
      createdAt: now,
      ...ref,
      name: `${name}@${slug}`,
      id: newId<GrantId>(),
      membershipId: id,
      reach: reach ?? ("ORGANIZATION" as const),
      expiresAt: grantsUntil ?? null,
    }));
  });
  const invitationRows = Object.entries(sketch.invited ?? {}).flatMap(([slug, names]) =>
    names.map((name) => ({
      ...made,
      id: newId<InvitationId>(),
      name: `${name}@${slug}`,
      organizationId: at(slug),
      email: addressOf(name, tenant),
      inviterId: userRows[0]!.id,
      tokenHash: randomBytes(32),
      expiresAt: new Date(now.getTime() + 86_400_000),
    })),
  );
  const requestRows = Object.entries(sketch.asking ?? {}).flatMap(([slug, names]) =>
    names.map((name) => ({
      ...made,
      id: newId<JoinRequestId>(),
      name: `${name}@${slug}`,
      organizationId: at(slug),
      email: addressOf(name, tenant),
      displayName: name,
      identity: randomBytes(32),
    })),
  );
  return {
    joinRequests: requestRows,
    domains: Object.entries(sketch.claims ?? {}).flatMap(([slug, domains]) =>
      domains.map((domain) => ({
        tenantId,
        id: newId<OrganizationDomainId>(),
        organizationId: at(slug),
        domain,
        proof: `proof-of-${domain}`,
        createdAt: now,
      })),
    ),
    invitations: invitationRows,
    offeredGrants: invitationRows.map(({ id }) => ({
      tenantId,
      id: newId<OfferedGrantId>(),
      invitationId: id,
      roleKey: "guest",
    })),
    organizations: organizationRows,
    slugs: organizationRows.flatMap(({ slug, id }) =>
      [slug, ...(sketch.formerly?.[slug] ?? [])].map((one) => ({
        tenantId,
        slug: one,
        organizationId: id,
        createdAt: now,
      })),
    ),
    users: userRows,
    roles: roleRows,
    memberships: membershipRows,
    grants: grantRows,
    offers: Object.entries(sketch.offers ?? {}).map(([name, { from, to }]) => {
      const idOf = (person: string) => userRows.find((row) => row.name === person)!.id;
      const expiresAt = new Date(now.getTime() + 3_600_000);
      return {
        name,
        tenantId,
        id: newId<OwnershipOfferId>(),
        fromUserId: idOf(from),
        userId: idOf(to),
        expiresAt,
        createdAt: now,
      };
    }),
    events: Object.entries(sketch.events ?? {}).flatMap(([slug, count]) =>
      Array.from({ length: count }, () => ({
        tenantId,
        slug,
        id: newId<AuditEventId>(),
        at: now,
        action: "organization.created",
        actorType: "USER" as const,
        actorId: userRows[0]!.id,
        organizationId: at(slug),
        path: organizationRows.find((row) => row.slug === slug)!.path,
        targetType: "Organization",
        targetId: at(slug),
        requestId: "planted",
      })),
    ),
  };
}

function toPlanted(gateway: TestGateway, tenantId: TenantId, slug: string, rows: ReturnType<typeof toRows>): Planted {
  const byName = <Row, Id extends string>(all: readonly Row[], nameOf: (row: Row) => string, idOf: (row: Row) => Id) =>
    Object.fromEntries([...all].reverse().map((row) => [nameOf(row), idOf(row)])) as Record<string, Id>;
  const ids = {
    organizations: byName(
      rows.organizations,
      (row) => row.slug,
      (row) => row.id,
    ),
    roles: byName(
      rows.roles,
      (row) => row.key,
      (row) => row.id,
    ),
    users: byName(
      rows.users,
      (row) => row.name,
      (row) => row.id,
    ),
    memberships: byName(
      rows.memberships,
      (row) => `${row.name}@${row.at}`,
      (row) => row.id,
    ),
    grants: byName(
      rows.grants,
      (row) => row.name,
      (row) => row.id,
    ),
    invitations: byName(
      rows.invitations,
      (row) => row.name,
      (row) => row.id,
    ),
    joinRequests: byName(
      rows.joinRequests,
      (row) => row.name,
      (row) => row.id,
    ),
    events: byName(
      rows.events,
      (row) => row.slug,
      (row) => row.id,
    ),
  };
  const OF_TYPE: Readonly<Record<string, Record<string, string>>> = {
    Organization: ids.organizations,
    Role: ids.roles,
    User: ids.users,
    Membership: ids.memberships,
    Grant: ids.grants,
    Invitation: ids.invitations,
    JoinRequest: ids.joinRequests,
    AuditEvent: ids.events,
    OwnershipOffer: byName(
      rows.offers,
      (row) => row.name,
      (row) => row.id,
    ),
    Tenant: { [slug]: tenantId },
  };
  return {
    slug,
    tenantId,
    ...ids,
    id(type, name) {
      const id = OF_TYPE[type]?.[name];
      if (!id) throw new Error(`${slug} has no ${type} that the sketch calls ${name}.`);
      return encodeId(type as IdType, id);
    },
    as: (person, headers) => gateway.as(addressOf(person, slug), slug, headers),
  };
}
