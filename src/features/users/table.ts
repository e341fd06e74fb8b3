import { sql } from "drizzle-orm";
import { boolean, bytea, check, index, jsonb, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { UserId } from "../../ids.js";
import { instant, tenantTable } from "../../tenancy/table.js";

/** People of this tenant. Addresses are not unique: a constraint would tell one admin of the people of another. */
export const users = tenantTable(
  "users",
  {
    id: uuid().$type<UserId>().notNull(),
    displayName: text().notNull(),
    /** Normalised; compared as it stands. */
    email: text(),
    emailVerified: boolean().notNull().default(false),
    imageUrl: text(),
    locale: text(),
    externalId: text(),
    metadata: jsonb().$type<Record<string, unknown>>().notNull().default({}),
    status: text().$type<"ACTIVE" | "SUSPENDED">().notNull().default("ACTIVE"),
    /** Keyed digest of issuer and subject; null until the person first signs in. */
    identity: bytea(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    // One identity is one person in a tenant, whoever signs in twice at the same moment.
    uniqueIndex("users_identity_key").on(t.tenantId, t.identity),
    index("users_by_email").on(t.tenantId, t.email),
    index("users_by_external_id").on(t.tenantId, t.externalId).where(sql`${t.externalId} is not null`),
    index("users_by_name").on(t.tenantId, sql`${t.displayName} collate "C"`, t.id),
    check("users_status", sql`${t.status} in ('ACTIVE', 'SUSPENDED')`),
  ],
);

export type UserRow = typeof users.$inferSelect;

/** Whether somebody was erased: whoever is written down has an address, or an id in the product's system, to be known by. */
export const isErased = ({
  email,
  externalId,
  identity,
}: Pick<UserRow, "email" | "externalId" | "identity">): boolean =>
  email === null && externalId === null && identity === null;
