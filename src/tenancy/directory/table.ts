import { sql } from "drizzle-orm";
import {
  bytea,
  check,
  foreignKey,
  integer,
  jsonb,
  primaryKey,
  snakeCase,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import type { TenantId } from "../../ids.js";
import { instant } from "../table.js";

/** The tables that exist once. They say where a tenant lives and who may knock; no tenant's content is in them. */
export const directory = snakeCase.schema("tenantry");

export const tenants = directory.table(
  "tenants",
  {
    id: uuid().$type<TenantId>().primaryKey(),
    slug: text().notNull(),
    status: text().$type<"ACTIVE" | "SUSPENDED">().notNull().default("ACTIVE"),
    isolation: text().$type<"SHARED" | "SCHEMA" | "DATABASE">().notNull().default("SCHEMA"),
    /** Where its tables are. Made from random digits, never from a name that somebody typed. */
    schemaName: text().notNull(),
    /** Raised with every change of this row; the home holds the same number. */
    epoch: integer().notNull().default(1),
    createdAt: instant().notNull(),
  },
  (t) => [
    uniqueIndex("tenants_slug_key").on(t.slug),
    check("tenants_status", sql`${t.status} in ('ACTIVE', 'SUSPENDED')`),
    check("tenants_isolation", sql`${t.isolation} in ('SHARED', 'SCHEMA', 'DATABASE')`),
    check("tenants_schema_name", sql`${t.schemaName} ~ '^t_[0-9a-f]{32}$'`),
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
