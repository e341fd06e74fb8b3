import { sql } from "drizzle-orm";
import { bytea, check, foreignKey, index, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { InvitationId, OfferedGrantId, OrganizationId, RoleId, UserId } from "../../ids.js";
import { instant, tenantTable } from "../../tenancy/table.js";
import { organizations } from "../organizations/table.js";
import { roles } from "../roles/table.js";
import { users } from "../users/table.js";

/** Offers of membership to addresses. Kept when they have ended; an open one may have come to its end. */
export const invitations = tenantTable(
  "invitations",
  {
    id: uuid().$type<InvitationId>().notNull(),
    organizationId: uuid().$type<OrganizationId>().notNull(),
    /** Normalised; compared as it stands. */
    email: text().notNull(),
    /** In whose name it is made: what they may not give any more is not given. */
    inviterId: uuid().$type<UserId>().notNull(),
    status: text().$type<"OPEN" | "ACCEPTED" | "DECLINED" | "WITHDRAWN">().notNull().default("OPEN"),
    /**
     * Who said yes or no, where they are somebody of the tenant: it is theirs, by whatever address they are known. Null as well
     * for what was answered before this was noted.
     */
    answeredBy: uuid().$type<UserId>(),
    /** Of the link that was sent last; nobody can accept anything with it. */
    tokenHash: bytea().notNull(),
    expiresAt: instant().notNull(),
    /** When the membership is to end. */
    membershipExpiresAt: instant(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    foreignKey({
      name: "invitations_organization_fkey",
      columns: [t.tenantId, t.organizationId],
      foreignColumns: [organizations.tenantId, organizations.id],
    }),
    foreignKey({
      name: "invitations_inviter_fkey",
      columns: [t.tenantId, t.inviterId],
      foreignColumns: [users.tenantId, users.id],
    }),
    // One open offer to an address, whoever invites twice at the same moment.
    uniqueIndex("invitations_open_key").on(t.tenantId, t.organizationId, t.email).where(sql`${t.status} = 'OPEN'`),
    uniqueIndex("invitations_token_key").on(t.tenantId, t.tokenHash),
    index("invitations_by_organization").on(t.tenantId, t.organizationId, t.createdAt, t.id),
    check("invitations_status", sql`${t.status} in ('OPEN', 'ACCEPTED', 'DECLINED', 'WITHDRAWN')`),
  ],
);

/** A role that an invitation offers: one of the catalogue, by key, or one of the tenant, by id. */
export const offeredGrants = tenantTable(
  "offered_grants",
  {
    id: uuid().$type<OfferedGrantId>().notNull(),
    invitationId: uuid().$type<InvitationId>().notNull(),
    roleKey: text(),
    roleId: uuid().$type<RoleId>(),
    reach: text().$type<"ORGANIZATION" | "SUBTREE">().notNull().default("ORGANIZATION"),
    expiresAt: instant(),
  },
  (t) => [
    foreignKey({
      name: "offered_grants_invitation_fkey",
      columns: [t.tenantId, t.invitationId],
      foreignColumns: [invitations.tenantId, invitations.id],
    }),
    foreignKey({
      name: "offered_grants_role_fkey",
      columns: [t.tenantId, t.roleId],
      foreignColumns: [roles.tenantId, roles.id],
    }),
    index("offered_grants_by_invitation").on(t.tenantId, t.invitationId),
    index("offered_grants_by_role").on(t.tenantId, t.roleId).where(sql`${t.roleId} is not null`),
    check("offered_grants_one_role", sql`num_nonnulls(${t.roleKey}, ${t.roleId}) = 1`),
    check("offered_grants_reach", sql`${t.reach} in ('ORGANIZATION', 'SUBTREE')`),
  ],
);

export type InvitationRow = typeof invitations.$inferSelect;
export type OfferedGrantRow = typeof offeredGrants.$inferSelect;
