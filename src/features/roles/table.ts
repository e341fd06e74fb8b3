import { sql } from "drizzle-orm";
import { foreignKey, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { OrganizationId, RoleId } from "../../ids.js";
import { instant, tenantTable } from "../../tenancy/table.js";
import { organizations } from "../organizations/table.js";

/** Roles that a tenant, or one of its organizations, defines. What is built in or the product's is in the catalogue, not here. */
export const roles = tenantTable(
  "roles",
  {
    id: uuid().$type<RoleId>().notNull(),
    /** Null for a role of the whole tenant. */
    organizationId: uuid().$type<OrganizationId>(),
    key: text().notNull(),
    name: text().notNull(),
    description: text(),
    permissions: text().array().notNull(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    foreignKey({
      name: "roles_organization_fkey",
      columns: [t.tenantId, t.organizationId],
      foreignColumns: [organizations.tenantId, organizations.id],
    }),
    uniqueIndex("roles_organization_key")
      .on(t.tenantId, t.organizationId, t.key)
      .where(sql`${t.organizationId} is not null`),
    uniqueIndex("roles_tenant_key").on(t.tenantId, t.key).where(sql`${t.organizationId} is null`),
  ],
);

export type RoleRow = typeof roles.$inferSelect;
