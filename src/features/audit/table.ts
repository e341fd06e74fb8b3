import { sql } from "drizzle-orm";
import { check, index, jsonb, text, uuid } from "drizzle-orm/pg-core";
import type { AuditEventId, OrganizationId } from "../../ids.js";
import { instant, tenantTable } from "../../tenancy/table.js";

/** What happened, written in the transaction that did it. No foreign keys: it outlives what it describes. */
export const auditEvents = tenantTable(
  "audit_events",
  {
    id: uuid().$type<AuditEventId>().notNull(),
    at: instant().notNull(),
    action: text().notNull(),
    actorType: text().$type<"USER" | "OPERATOR">().notNull(),
    /** Null for who runs the service: they are nobody of the tenant's. */
    actorId: uuid(),
    organizationId: uuid().$type<OrganizationId>(),
    targetType: text().notNull(),
    targetId: uuid().notNull(),
    changes: jsonb().$type<Record<string, unknown>>(),
    requestId: text().notNull(),
  },
  (t) => [
    check(
      "audit_events_actor",
      sql`${t.actorType} in ('USER', 'OPERATOR') and (${t.actorId} is null) = (${t.actorType} = 'OPERATOR')`,
    ),
    index("audit_events_by_organization").on(t.tenantId, t.organizationId, t.at, t.id),
  ],
);

export type AuditEventRow = typeof auditEvents.$inferSelect;
