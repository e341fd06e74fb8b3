import { sql } from "drizzle-orm";
import { check, foreignKey, index, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { GrantId, MembershipId, OrganizationId, RoleId, UserId } from "../../ids.js";
import { instant, tenantTable } from "../../tenancy/table.js";
import { organizations } from "../organizations/table.js";
import { roles } from "../roles/table.js";
import { users } from "../users/table.js";

/** A user's place in an organization; gone when removed. */
export const memberships = tenantTable(
  "memberships",
  {
    id: uuid().$type<MembershipId>().notNull(),
    organizationId: uuid().$type<OrganizationId>().notNull(),
    userId: uuid().$type<UserId>().notNull(),
    status: text().$type<"ACTIVE" | "SUSPENDED">().notNull().default("ACTIVE"),
    expiresAt: instant(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    foreignKey({
      name: "memberships_organization_fkey",
      columns: [t.tenantId, t.organizationId],
      foreignColumns: [organizations.tenantId, organizations.id],
    }),
    foreignKey({
      name: "memberships_user_fkey",
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    uniqueIndex("memberships_person_key").on(t.tenantId, t.organizationId, t.userId),
    index("memberships_by_organization").on(t.tenantId, t.organizationId, t.id),
    index("memberships_by_creation").on(t.tenantId, t.organizationId, t.createdAt, t.id),
    index("memberships_by_user").on(t.tenantId, t.userId, t.id),
    check("memberships_status", sql`${t.status} in ('ACTIVE', 'SUSPENDED')`),
  ],
);

/** A role given to a membership, with a reach. The role is one of the catalogue, by key, or one of the tenant, by id. */
export const grants = tenantTable(
  "grants",
  {
    id: uuid().$type<GrantId>().notNull(),
    membershipId: uuid().$type<MembershipId>().notNull(),
    roleKey: text(),
    roleId: uuid().$type<RoleId>(),
    reach: text().$type<"ORGANIZATION" | "SUBTREE">().notNull().default("ORGANIZATION"),
    expiresAt: instant(),
    createdAt: instant().notNull(),
  },
  (t) => [
    foreignKey({
      name: "grants_membership_fkey",
      columns: [t.tenantId, t.membershipId],
      foreignColumns: [memberships.tenantId, memberships.id],
    }),
    foreignKey({
      name: "grants_role_fkey",
      columns: [t.tenantId, t.roleId],
      foreignColumns: [roles.tenantId, roles.id],
    }),
    // Giving what is held changes its end; there are never two.
    uniqueIndex("grants_fixed_role_key")
      .on(t.tenantId, t.membershipId, t.roleKey, t.reach)
      .where(sql`${t.roleKey} is not null`),
    uniqueIndex("grants_own_role_key")
      .on(t.tenantId, t.membershipId, t.roleId, t.reach)
      .where(sql`${t.roleId} is not null`),
    // The keys above are partial: a list of a membership's grants cannot use them.
    index("grants_by_membership").on(t.tenantId, t.membershipId),
    index("grants_by_role").on(t.tenantId, t.roleId).where(sql`${t.roleId} is not null`),
    check("grants_one_role", sql`num_nonnulls(${t.roleKey}, ${t.roleId}) = 1`),
    check("grants_reach", sql`${t.reach} in ('ORGANIZATION', 'SUBTREE')`),
  ],
);

export type MembershipRow = typeof memberships.$inferSelect;
export type GrantRow = typeof grants.$inferSelect;
