import { createHash } from "node:crypto";
import { grants, memberships } from "../../features/memberships/table.js";
import { organizations, slugs } from "../../features/organizations/table.js";
import { roles } from "../../features/roles/table.js";
import { users } from "../../features/users/table.js";
import {
  format,
  type GrantId,
  type Id,
  type MembershipId,
  type OrganizationId,
  type RoleId,
  type TenantId,
  type UserId,
} from "../../ids.js";
import type { TenantDb } from "../../tenancy/session.js";
import { DEMO_TENANTS, type DemoTenant } from "./tenants.js";

/** When the demo's world began. */
export const BEGAN = new Date("2026-01-05T09:00:00.000Z");

/** The same id in every demo: of version 7 like any other, its random part from the name. `order` puts rows of one kind in line. */
export function demoId<T extends Id<string>>(name: string, order = 0): T {
  const bytes = createHash("sha256").update(`tenantry demo ${name}`).digest().subarray(0, 16);
  bytes.writeUIntBE(BEGAN.getTime() + order, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return format(bytes) as T;
}

export const tenantIdOf = (slug: string): TenantId => demoId<TenantId>(`tenant ${slug}`);

/** @throws Error when the demo has no such organization */
export const demoOrganizationId = (tenant: string, slug: string): OrganizationId =>
  idAmong(tenant, "organization", slug, ({ organizations }) => organizations.map((one) => one.slug));

/** @throws Error when the demo has no such person */
export const demoUserId = (tenant: string, email: string): UserId =>
  idAmong(tenant, "user", email, ({ people }) => people.map((one) => one.email));

/** @throws Error when the demo has no such person, or not there */
export const demoMembershipId = (tenant: string, email: string, at: string): MembershipId =>
  idAmong(tenant, "membership", `${email} ${at}`, ({ people }) =>
    people.flatMap((one) => one.belongs.map((place) => `${one.email} ${place.at}`)),
  );

/** Rows of a kind are in line as their names are. */
function idAmong<T extends Id<string>>(
  tenant: string,
  kind: string,
  name: string,
  namesOf: (tenant: DemoTenant) => readonly string[],
): T {
  const described = DEMO_TENANTS.find(({ slug }) => slug === tenant);
  const order = described ? namesOf(described).indexOf(name) : -1;
  if (order < 0) throw new Error(`The demo has no ${kind} ${name} in ${tenant}.`);
  return demoId<T>(`${tenant} ${kind} ${name}`, order);
}

/**
 * Every row of a demo tenant's home, from its description.
 * @param digestOf what the home knows a person's identity by
 */
export function toRows(tenant: DemoTenant, digestOf: (email: string) => Buffer) {
  const tenantId = tenantIdOf(tenant.slug);
  const made = { tenantId, createdAt: BEGAN, updatedAt: BEGAN };
  const idOf = (slug: string) => demoOrganizationId(tenant.slug, slug);
  const parents = new Map(tenant.organizations.map(({ slug, parent }) => [slug, parent]));
  const pathOf = (slug: string): OrganizationId[] => {
    const parent = parents.get(slug);
    return parent ? [...pathOf(parent), idOf(parent)] : [];
  };
  const counts = new Map<string, number>();
  for (const { at } of tenant.people.flatMap(({ belongs }) => belongs)) counts.set(at, (counts.get(at) ?? 0) + 1);

  const ownRoles = tenant.roles.map((role) => ({
    ...made,
    id: demoId<RoleId>(`${tenant.slug} role ${role.key}`),
    organizationId: idOf(role.at),
    key: role.key,
    name: role.name,
    permissions: [...role.permissions],
  }));
  const people = tenant.people.map((person) => ({ ...person, id: demoUserId(tenant.slug, person.email) }));
  const places = people.flatMap((person) =>
    person.belongs.map((place) => ({ person, ...place, id: demoMembershipId(tenant.slug, person.email, place.at) })),
  );
  return {
    organizations: tenant.organizations.map(({ slug, name, parent }) => ({
      ...made,
      id: idOf(slug),
      parentId: parent ? idOf(parent) : null,
      path: pathOf(slug),
      slug,
      name,
      memberCount: counts.get(slug) ?? 0,
    })),
    slugs: tenant.organizations.map(({ slug }) => ({ tenantId, slug, organizationId: idOf(slug), createdAt: BEGAN })),
    users: people.map(({ id, email, name }) => ({
      ...made,
      id,
      email,
      emailVerified: true,
      displayName: name,
      identity: digestOf(email),
    })),
    roles: ownRoles,
    memberships: places.map(({ id, person, at, until }) => ({
      ...made,
      id,
      organizationId: idOf(at),
      userId: person.id,
      expiresAt: until ? new Date(until) : null,
    })),
    grants: places.flatMap(({ id, roles: given, reach }, order) =>
      given.map((key, nth) => {
        const own = ownRoles.find((role) => role.key === key);
        return {
          tenantId,
          id: demoId<GrantId>(`${id} ${key}`, order * 2 + nth),
          membershipId: id,
          roleKey: own ? null : key,
          roleId: own?.id ?? null,
          reach: reach ?? ("ORGANIZATION" as const),
          createdAt: BEGAN,
        };
      }),
    ),
  };
}

/** Writes a demo tenant's rows into its home. */
export async function plant(db: TenantDb, rows: ReturnType<typeof toRows>): Promise<void> {
  await db.insert(organizations).values(rows.organizations);
  await db.insert(slugs).values(rows.slugs);
  await db.insert(users).values(rows.users);
  if (rows.roles.length > 0) await db.insert(roles).values(rows.roles);
  await db.insert(memberships).values(rows.memberships);
  await db.insert(grants).values(rows.grants);
}
