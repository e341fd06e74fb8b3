import { bytea, foreignKey, index, primaryKey, uuid } from "drizzle-orm/pg-core";
import type { TenantId } from "../../ids.js";
import { instant } from "../table.js";
import { directory, tenants } from "./table.js";

/** Tenants in which somebody can join by an address of a domain, of which only a keyed digest stands here; the home decides. */
export const joinDomains = directory.table(
  "join_domains",
  {
    digest: bytea().notNull(),
    tenantId: uuid().$type<TenantId>().notNull(),
  },
  (t) => [
    primaryKey({ name: "join_domains_pkey", columns: [t.digest, t.tenantId] }),
    foreignKey({ name: "join_domains_owner", columns: [t.tenantId], foreignColumns: [tenants.id] }).onDelete("cascade"),
  ],
);

/** Tenants in whose outbox something may be due: a hint, so that nobody has to look into every home. */
export const dueMail = directory.table(
  "due_mail",
  {
    tenantId: uuid().$type<TenantId>().primaryKey(),
    dueAt: instant().notNull(),
  },
  (t) => [
    index("due_mail_in_order").on(t.dueAt),
    foreignKey({ name: "due_mail_tenant_fkey", columns: [t.tenantId], foreignColumns: [tenants.id] }).onDelete(
      "cascade",
    ),
  ],
);
