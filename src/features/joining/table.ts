import { sql } from "drizzle-orm";
import { bytea, check, foreignKey, index, jsonb, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { JoinRequestId, OrganizationDomainId, OrganizationId, RoleId, UserId } from "../../ids.js";
import { instant, tenantTable } from "../../tenancy/table.js";
import { organizations } from "../organizations/table.js";
import { users } from "../users/table.js";

/** Domains that organizations say are theirs. Many may say so of one; one alone can have proven it. */
export const organizationDomains = tenantTable(
  "organization_domains",
  {
    id: uuid().$type<OrganizationDomainId>().notNull(),
    organizationId: uuid().$type<OrganizationId>().notNull(),
    /** Normalised; compared as it stands. */
    domain: text().notNull(),
    /** What its DNS is to say. */
    proof: text().notNull(),
    /** Null while nobody has seen the proof, and when it is gone. */
    provenAt: instant(),
    checkedAt: instant(),
    createdAt: instant().notNull(),
  },
  (t) => [
    foreignKey({
      name: "organization_domains_organization_fkey",
      columns: [t.tenantId, t.organizationId],
      foreignColumns: [organizations.tenantId, organizations.id],
    }),
    uniqueIndex("organization_domains_claim_key").on(t.tenantId, t.organizationId, t.domain),
    uniqueIndex("organization_domains_proven_key").on(t.tenantId, t.domain).where(sql`${t.provenAt} is not null`),
  ],
);

/** A role that whoever joins is given: one of the catalogue, by key, or one of the tenant, by id. */
export interface DefaultGrant {
  readonly roleKey: string | null;
  readonly roleId: RoleId | null;
  readonly reach: "ORGANIZATION" | "SUBTREE";
}

/** How people join an organization by their address; where there is no row they do not. */
export const joinPolicies = tenantTable(
  "join_policies",
  {
    organizationId: uuid().$type<OrganizationId>().notNull(),
    mode: text().$type<"OFF" | "ASK" | "AUTOMATIC">().notNull(),
    grants: jsonb().$type<readonly DefaultGrant[]>().notNull().default([]),
    /** In whose name people are let in: what they may not give any more is not given. */
    setBy: uuid().$type<UserId>().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    foreignKey({
      name: "join_policies_organization_fkey",
      columns: [t.tenantId, t.organizationId],
      foreignColumns: [organizations.tenantId, organizations.id],
    }),
    foreignKey({
      name: "join_policies_maker_fkey",
      columns: [t.tenantId, t.setBy],
      foreignColumns: [users.tenantId, users.id],
    }),
    check("join_policies_mode", sql`${t.mode} in ('OFF', 'ASK', 'AUTOMATIC')`),
  ],
  "organizationId",
);

/** People who want to join, and who are nobody in the tenant until they are let in. */
export const joinRequests = tenantTable(
  "join_requests",
  {
    id: uuid().$type<JoinRequestId>().notNull(),
    organizationId: uuid().$type<OrganizationId>().notNull(),
    /** Verified when they asked; normalised. */
    email: text().notNull(),
    displayName: text().notNull(),
    /** Keyed digest of issuer and subject. */
    identity: bytea().notNull(),
    status: text().$type<"OPEN" | "APPROVED" | "REFUSED">().notNull().default("OPEN"),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    foreignKey({
      name: "join_requests_organization_fkey",
      columns: [t.tenantId, t.organizationId],
      foreignColumns: [organizations.tenantId, organizations.id],
    }),
    // Who asks often asks once.
    uniqueIndex("join_requests_open_key").on(t.tenantId, t.organizationId, t.identity).where(sql`${t.status} = 'OPEN'`),
    index("join_requests_by_organization").on(t.tenantId, t.organizationId, t.createdAt, t.id),
    check("join_requests_status", sql`${t.status} in ('OPEN', 'APPROVED', 'REFUSED')`),
  ],
);

export type OrganizationDomainRow = typeof organizationDomains.$inferSelect;
export type JoinPolicyRow = typeof joinPolicies.$inferSelect;
export type JoinRequestRow = typeof joinRequests.$inferSelect;
