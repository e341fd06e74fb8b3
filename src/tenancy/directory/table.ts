import { sql } from "drizzle-orm";
import {
  boolean,
  bytea,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  primaryKey,
  snakeCase,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { MAIN } from "../../database/names.js";
import type { TenantId } from "../../ids.js";
import { instant } from "../table.js";

/** The tables that exist once. They say where a tenant lives and who may knock; no tenant's content is in them. */
export const directory = snakeCase.schema("tenantry");

export const ISOLATIONS = ["SHARED", "SCHEMA", "DATABASE"] as const;
/** How a tenant is kept apart: by its id in every row, by a schema of its own, or by a database of its own. */
export type Isolation = (typeof ISOLATIONS)[number];

/** Places where tenants' rows are, or can be: one for all `SHARED` tenants of a database, one for each other tenant. */
export const homes = directory.table(
  "homes",
  {
    /** What the settings call the database. */
    database: text().notNull(),
    /** Where its tables are. Made from random digits, never from a name that somebody typed. */
    schemaName: text().notNull(),
    isolation: text().$type<Isolation>().notNull(),
    /** `READY` is empty and waits for a tenant; `LEFT` is what a tenant moved away from, kept for a while. */
    status: text().$type<"READY" | "IN_USE" | "LEFT">().notNull(),
    /** The last migration that ran in it; null when nobody has looked yet. A hint: the home's own record decides. */
    version: text(),
    /** A digest of the names of all that ran, which tells of one that was left out before the last. */
    lineage: text(),
    /** Why the last run could not bring it to a newer version; null when it did. */
    problem: text(),
    createdAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ name: "homes_pkey", columns: [t.database, t.schemaName] }),
    uniqueIndex("homes_isolation_key").on(t.database, t.schemaName, t.isolation),
    uniqueIndex("homes_shared_key").on(t.database).where(sql`${t.isolation} = 'SHARED'`),
    uniqueIndex("homes_database_key").on(t.database).where(sql`${t.isolation} = 'DATABASE'`),
    check("homes_isolation", sql`${t.isolation} in ('SHARED', 'SCHEMA', 'DATABASE')`),
    check("homes_status", sql`${t.status} in ('READY', 'IN_USE', 'LEFT')`),
    check("homes_schema_name", sql`${t.schemaName} ~ '^t_[0-9a-f]{32}$'`),
  ],
);

export const tenants = directory.table(
  "tenants",
  {
    id: uuid().$type<TenantId>().primaryKey(),
    slug: text().notNull(),
    /** `CREATING` and `ERASING` are steps on the way, invisible to everybody who asks. */
    status: text().$type<"CREATING" | "ACTIVE" | "SUSPENDED" | "ERASING">().notNull().default("ACTIVE"),
    isolation: text().$type<Isolation>().notNull().default("SCHEMA"),
    database: text().notNull().default(MAIN),
    schemaName: text().notNull(),
    /** Raised with every change of this row; the home holds the same number. */
    epoch: integer().notNull().default(1),
    createdAt: instant().notNull(),
  },
  (t) => [
    uniqueIndex("tenants_slug_key").on(t.slug),
    // Only the shared home is home to more than one.
    uniqueIndex("tenants_home_key").on(t.database, t.schemaName).where(sql`${t.isolation} <> 'SHARED'`),
    foreignKey({
      name: "tenants_home_fkey",
      columns: [t.database, t.schemaName, t.isolation],
      foreignColumns: [homes.database, homes.schemaName, homes.isolation],
    }),
    check("tenants_status", sql`${t.status} in ('CREATING', 'ACTIVE', 'SUSPENDED', 'ERASING')`),
    check("tenants_isolation", sql`${t.isolation} in ('SHARED', 'SCHEMA', 'DATABASE')`),
    check("tenants_schema_name", sql`${t.schemaName} ~ '^t_[0-9a-f]{32}$'`),
  ],
);

export const MOVE_STEPS = ["COPYING", "FENCING", "SWITCHED", "LEFT"] as const;

/**
 * Moves of tenants that are under way or were interrupted, and old homes that are still kept. Before `SWITCHED` the old home
 * is the tenant's, from then on the new one: that step is written in one transaction with the directory's record.
 */
export const moves = directory.table(
  "moves",
  {
    id: uuid().primaryKey(),
    tenantId: uuid().$type<TenantId>().notNull(),
    fromDatabase: text().notNull(),
    fromSchema: text().notNull(),
    fromIsolation: text().$type<Isolation>().notNull(),
    toDatabase: text().notNull(),
    toSchema: text().notNull(),
    toIsolation: text().$type<Isolation>().notNull(),
    /** What the tenant is before the move and after it. */
    status: text().$type<"ACTIVE" | "SUSPENDED">().notNull(),
    /** Of the old home; the new one has the next. */
    epoch: integer().notNull(),
    step: text().$type<(typeof MOVE_STEPS)[number]>().notNull(),
    keepSeconds: integer().notNull(),
    /** When the old home is removed; null until the tenant has left it. */
    keptUntil: instant(),
    startedAt: instant().notNull(),
  },
  (t) => [
    uniqueIndex("moves_under_way_key").on(t.tenantId).where(sql`${t.step} <> 'LEFT'`),
    // A tenant with a home that is still kept cannot be forgotten.
    foreignKey({ name: "moves_tenant_fkey", columns: [t.tenantId], foreignColumns: [tenants.id] }),
    check("moves_step", sql`${t.step} in ('COPYING', 'FENCING', 'SWITCHED', 'LEFT')`),
    check("moves_status", sql`${t.status} in ('ACTIVE', 'SUSPENDED')`),
    check("moves_kept", sql`${t.keptUntil} is not null or ${t.step} in ('COPYING', 'FENCING')`),
  ],
);

/** Every slug that a tenant has or had: an address that was given out never leads to another tenant, until its own is erased. */
export const slugs = directory.table(
  "slugs",
  {
    slug: text().primaryKey(),
    tenantId: uuid().$type<TenantId>().notNull(),
  },
  (t) => [
    index("slugs_by_tenant").on(t.tenantId),
    foreignKey({ name: "slugs_tenant_fkey", columns: [t.tenantId], foreignColumns: [tenants.id] }).onDelete("cascade"),
  ],
);

/** Which tenants an identity may knock at. Only a keyed digest of issuer and subject stands here; the home decides. */
export const identities = directory.table(
  "identities",
  {
    digest: bytea().notNull(),
    tenantId: uuid().$type<TenantId>().notNull(),
  },
  (t) => [
    primaryKey({ name: "identities_pkey", columns: [t.digest, t.tenantId] }),
    foreignKey({ name: "identities_tenant_fkey", columns: [t.tenantId], foreignColumns: [tenants.id] }).onDelete(
      "cascade",
    ),
  ],
);

/** The product's own permissions and role templates, as they were last applied: what the file of the next start is held against. */
export const product = directory.table(
  "product",
  {
    kind: text().$type<"PERMISSION" | "ROLE">().notNull(),
    key: text().notNull(),
    /** The entry of the file, without its key. */
    content: jsonb().$type<Record<string, unknown>>().notNull(),
    appliedAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ name: "product_pkey", columns: [t.kind, t.key] }),
    check("product_kind", sql`${t.kind} in ('PERMISSION', 'ROLE')`),
  ],
);

/**
 * The newest seal of each tenant's audit, where the tenant's own home cannot reach it: whoever cuts the audit there leaves it
 * behind what stands here.
 */
export const auditWitnesses = directory.table(
  "audit_witnesses",
  {
    tenantId: uuid().$type<TenantId>().primaryKey(),
    number: integer().notNull(),
    mac: bytea().notNull(),
    witnessedAt: instant().notNull(),
  },
  (t) => [
    foreignKey({ name: "audit_witnesses_tenant_fkey", columns: [t.tenantId], foreignColumns: [tenants.id] }).onDelete(
      "cascade",
    ),
  ],
);

/** What is known of the installation as a whole: one row. */
export const installation = directory.table(
  "installation",
  {
    isOnly: boolean().primaryKey().default(true),
    /** Tells which `TENANTRY_KEY` everything here was made with, and nothing more of that. */
    keyMark: text().notNull(),
  },
  (t) => [check("installation_only", sql`${t.isOnly}`)],
);
