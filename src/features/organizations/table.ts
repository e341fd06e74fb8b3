import { sql } from "drizzle-orm";
import { check, foreignKey, index, integer, jsonb, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { OrganizationId } from "../../ids.js";
import { instant, tenantTable } from "../../tenancy/table.js";

/** A tree with one root per tenant. */
export const organizations = tenantTable(
  "organizations",
  {
    id: uuid().$type<OrganizationId>().notNull(),
    parentId: uuid().$type<OrganizationId>(),
    /** Ancestors, root first, without itself: so that no rule walks the tree by queries. */
    path: uuid().$type<OrganizationId>().array().notNull(),
    slug: text().notNull(),
    name: text().notNull(),
    status: text().$type<"ACTIVE" | "SUSPENDED" | "ARCHIVED">().notNull().default("ACTIVE"),
    /** When an archived one goes for good, with all below; null for one that stays. */
    deletesAt: instant(),
    externalId: text(),
    imageUrl: text(),
    metadata: jsonb().$type<Record<string, unknown>>().notNull().default({}),
    /** Memberships that are not removed; kept in the transaction that adds or removes one. */
    memberCount: integer().notNull().default(0),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    foreignKey({
      name: "organizations_parent_fkey",
      columns: [t.tenantId, t.parentId],
      foreignColumns: [t.tenantId, t.id] as never,
    }),
    uniqueIndex("organizations_root_key").on(t.tenantId).where(sql`${t.parentId} is null`),
    uniqueIndex("organizations_slug_key").on(t.tenantId, t.slug),
    index("organizations_by_name").on(t.tenantId, sql`${t.name} collate "C"`, t.id),
    index("organizations_by_creation").on(t.tenantId, t.createdAt, t.id),
    index("organizations_by_parent").on(t.tenantId, t.parentId),
    index("organizations_by_external_id").on(t.tenantId, t.externalId).where(sql`${t.externalId} is not null`),
    index("organizations_not_active").on(t.tenantId, t.status).where(sql`${t.status} <> 'ACTIVE'`),
    check("organizations_status", sql`${t.status} in ('ACTIVE', 'SUSPENDED', 'ARCHIVED')`),
    // The path ends at the parent; the root alone has neither.
    check(
      "organizations_path",
      sql`(${t.parentId} is null and cardinality(${t.path}) = 0) or (${t.parentId} is not null and ${t.path}[cardinality(${t.path})] = ${t.parentId})`,
    ),
  ],
);

/** Every slug that was ever given, so that an old address never leads to another organization. No foreign key: it outlives that. */
export const slugs = tenantTable(
  "slugs",
  {
    slug: text().notNull(),
    organizationId: uuid().$type<OrganizationId>().notNull(),
    createdAt: instant().notNull(),
  },
  (t) => [index("slugs_by_organization").on(t.tenantId, t.organizationId)],
  "slug",
);

export type OrganizationRow = typeof organizations.$inferSelect;
