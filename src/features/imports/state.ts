import { and, eq, or, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import type { Catalogue } from "../../access/catalogue.js";
import type { MembershipId, OrganizationId, TenantId, UserId } from "../../ids.js";
import { texts, uuids } from "../../tenancy/arrays.js";
import type { TenantDb, TenantSession } from "../../tenancy/session.js";
import { type GrantRow, grants, memberships } from "../memberships/table.js";
import { organizations, slugs } from "../organizations/table.js";
import { toRole } from "../roles/loader.js";
import { ofCatalogue, type Role } from "../roles/role.js";
import { roles } from "../roles/table.js";
import { users } from "../users/table.js";
import type { ImportRow } from "./row.js";

export interface KnownOrganization extends Place {
  readonly externalId: string | null;
  readonly slug: string;
  readonly name: string;
  /** As what is to be deleted is as well. */
  readonly isArchived: boolean;
}

export interface KnownPerson {
  readonly id: UserId;
  readonly externalId: string | null;
  readonly email: string | null;
  readonly displayName: string;
}

export interface KnownMembership {
  readonly id: MembershipId;
  readonly expiresAt: Date | null;
  /** What it has, by `grantKey`. */
  readonly held: Map<string, HeldGrant>;
}

export type HeldGrant = Pick<GrantRow, "id" | "roleKey" | "roleId" | "reach" | "expiresAt">;

/** `<role> <reach>`, the role by its key in the catalogue or its id: what a membership has at most once. */
export const grantKey = ({ roleKey, roleId, reach }: Pick<GrantRow, "roleKey" | "roleId" | "reach">): string =>
  `${roleKey ?? roleId} ${reach}`;

const VERSION = `select concat_ws(' ',
    (select concat(count(*), ' ', max(updated_at)) from organizations where tenant_id = $1),
    (select concat(count(*), ' ', max(updated_at)) from roles where tenant_id = $1),
    (select count(*) from slugs where tenant_id = $1)) as version`;

/** Another one whenever organizations, slugs or roles have changed: each change is of a later instant, or of their number. */
export async function versionOf(session: TenantSession): Promise<string> {
  const [row] = await session.query(VERSION, [session.tenantId]);
  return row!.version as string;
}

/**
 * What an import knows of a tenant: what there is, and what it has made of it so far, also in a dry run, which makes nothing.
 * Organizations and roles are few and read once, and again when somebody else has changed them; people and memberships are read
 * for each batch.
 */
export class ImportState {
  readonly organizations = new Map<OrganizationId, KnownOrganization>();
  readonly #byName = new Map<string, KnownOrganization>();
  readonly takenSlugs = new Set<string>();
  readonly roles: Role[] = [];
  root!: KnownOrganization;
  /** By external id. */
  readonly people = new Map<string, KnownPerson>();
  readonly #persons = new Map<UserId, KnownPerson>();
  readonly #addressed = new Map<string, Set<UserId>>();
  /** By `<organization> <user>`. */
  readonly memberships = new Map<string, KnownMembership>();

  static async read(db: TenantDb, tenantId: TenantId, catalogue: Catalogue): Promise<ImportState> {
    const state = new ImportState();
    const { id, path, externalId, slug, name, status } = organizations;
    const isArchived = sql<boolean>`${status} = 'ARCHIVED'`;
    const all = await db
      .select({ id, path, externalId, slug, name, isArchived })
      .from(organizations)
      .where(eq(organizations.tenantId, tenantId))
      .orderBy(id);
    for (const one of all) state.add(one);
    state.root = all.find((one) => one.path.length === 0)!;
    for (const row of await db.select({ slug: slugs.slug }).from(slugs).where(eq(slugs.tenantId, tenantId)))
      state.takenSlugs.add(row.slug);
    const own = await db
      .select({ role: roles, path: organizations.path })
      .from(roles)
      .leftJoin(
        organizations,
        and(eq(organizations.tenantId, roles.tenantId), eq(organizations.id, roles.organizationId)),
      )
      .where(eq(roles.tenantId, tenantId));
    state.roles.push(...[...catalogue.roles.values()].map(ofCatalogue), ...own.map(toRole));
    return state;
  }

  /** Notes an organization, found by its external id before its slug. */
  add(organization: KnownOrganization): void {
    this.organizations.set(organization.id, organization);
    const { externalId } = organization;
    const first = this.#byName.get(`id ${externalId}`);
    // Of two with the same external id the first made keeps it, under whatever name a row gives it.
    if (externalId !== null && (!first || first.id === organization.id))
      this.#byName.set(`id ${externalId}`, organization);
    this.#byName.set(`slug ${organization.slug}`, organization);
  }

  find(called: string): KnownOrganization | undefined {
    return this.#byName.get(`id ${called}`) ?? this.#byName.get(`slug ${called}`);
  }

  /** Whether an organization is archived, or one above it is: nothing can be done there. */
  isPutAway({ id, path }: Place): boolean {
    return [id, ...path].some((one) => this.organizations.get(one)?.isArchived);
  }

  /** Notes a person as they are from now on: an address that they had before is theirs no more. */
  addPerson(person: KnownPerson): void {
    const { id, externalId, email } = person;
    const former = this.#persons.get(id)?.email ?? null;
    if (former !== null) this.#addressed.get(former)!.delete(id);
    this.#persons.set(id, person);
    if (externalId !== null) this.people.set(externalId, person);
    if (email !== null) this.#addressed.set(email, (this.#addressed.get(email) ?? new Set()).add(id));
  }

  /** Everybody who has an address. */
  addressedBy(email: string): KnownPerson[] {
    return [...(this.#addressed.get(email) ?? [])].map((id) => this.#persons.get(id)!);
  }

  /** Reads the people of some rows, and what they are in the organizations of these; nothing that is known already. */
  async readBatch(db: TenantDb, tenantId: TenantId, rows: readonly ImportRow[]): Promise<void> {
    const persons = rows.flatMap(({ person }) => person ?? []);
    const [externalIds, emails] = [
      persons.map(({ externalId }) => externalId),
      persons.flatMap(({ email }) => email ?? []),
    ];
    const { id, externalId, email, displayName } = users;
    const found = await db
      .select({ id, externalId, email, displayName })
      .from(users)
      .where(
        and(
          eq(users.tenantId, tenantId),
          or(sql`${externalId} = any(${texts(externalIds)})`, sql`${email} = any(${texts(emails)})`),
        ),
      )
      .orderBy(id);
    // Who is known is so as the rows before have made them, which in a dry run the database does not say.
    for (const person of found)
      if (!this.#persons.has(person.id) && (person.externalId === null || !this.people.has(person.externalId)))
        this.addPerson(person);

    // By the person alone: of an organization there may be a hundred thousand.
    const held = await db
      .select({ membership: memberships, grant: grants })
      .from(memberships)
      .leftJoin(grants, and(eq(grants.tenantId, memberships.tenantId), eq(grants.membershipId, memberships.id)))
      .where(
        and(eq(memberships.tenantId, tenantId), sql`${memberships.userId} = any(${uuids(found.map((one) => one.id))})`),
      );
    const fresh = new Map<string, KnownMembership>();
    for (const { membership, grant } of held) {
      const key = `${membership.organizationId} ${membership.userId}`;
      if (this.memberships.has(key)) continue;
      const known = fresh.get(key) ?? { ...membership, held: new Map() };
      if (grant) known.held.set(grantKey(grant), grant);
      fresh.set(key, known);
    }
    for (const [key, known] of fresh) this.memberships.set(key, known);
  }

  /** Forgets what the database has by now. */
  forgetBatch(): void {
    this.people.clear();
    this.#persons.clear();
    this.#addressed.clear();
    this.memberships.clear();
  }
}
