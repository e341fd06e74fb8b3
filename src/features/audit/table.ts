import { sql } from "drizzle-orm";
import { bytea, check, index, integer, jsonb, text, uuid } from "drizzle-orm/pg-core";
import type { AuditEventId, OrganizationId, UserId } from "../../ids.js";
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
    /**
     * Where the organization stood at the time: who may read the audit along it may read this, wherever it is now. Null where
     * a version wrote it that noted none; it waits for being taken in, before it is sealed.
     */
    path: uuid().$type<OrganizationId>().array(),
    targetType: text().notNull(),
    targetId: uuid().notNull(),
    /** Of a person only the names of what was changed: the values stand apart. */
    changes: jsonb().$type<Record<string, unknown>>(),
    /** The salted digest of the values that stand apart; null where none do. */
    commitment: bytea(),
    requestId: text().notNull(),
    /** The salted digest of the address that it was asked from, which stands apart as well; null where that is not known, or theirs who is nobody. */
    origin: bytea(),
  },
  (t) => [
    check(
      "audit_events_actor",
      sql`${t.actorType} in ('USER', 'OPERATOR') and (${t.actorId} is null) = (${t.actorType} = 'OPERATOR')`,
    ),
    index("audit_events_by_organization").on(t.tenantId, t.organizationId, t.at, t.id),
    index("audit_events_not_taken_in").on(t.tenantId).where(sql`${t.path} is null`),
  ],
);

export type AuditEventRow = typeof auditEvents.$inferSelect;

/** What an event says of a person, or of where somebody was, by the digest in the event. It can be erased, and the event still stands. */
export const auditValues = tenantTable(
  "audit_values",
  {
    commitment: bytea().notNull(),
    subjectId: uuid().$type<UserId>().notNull(),
    /** Without it nobody can try out what an erased value was. */
    salt: bytea().notNull(),
    /** JSON; the digest is of this very text. */
    value: text().notNull(),
  },
  (t) => [index("audit_values_by_subject").on(t.tenantId, t.subjectId)],
  "commitment",
);

/** Events that are in no seal yet. A row comes with its event and goes with its seal, however late the event is committed. */
export const auditUnsealed = tenantTable(
  "audit_unsealed",
  { eventId: uuid().$type<AuditEventId>().notNull() },
  () => [],
  "eventId",
);

/**
 * Seals of the audit, each over its events and over the seal before. The first that is kept may be a checkpoint: what it and
 * those before it sealed was removed when its time was over.
 */
export const auditSeals = tenantTable(
  "audit_seals",
  {
    /** From one, without gaps. */
    number: integer().notNull(),
    sealedAt: instant().notNull(),
    events: uuid().$type<AuditEventId>().array().notNull(),
    /** Of each event, in the same order. */
    digests: bytea().array().notNull(),
    /** Tells which installation key sealed it, and nothing more of that. */
    keyMark: text().notNull(),
    mac: bytea().notNull(),
    /** Of a checkpoint: signs that nothing of its time is missing by mistake. */
    checkpoint: bytea(),
  },
  (t) => [check("audit_seals_digests", sql`cardinality(${t.events}) = cardinality(${t.digests})`)],
  "number",
);
