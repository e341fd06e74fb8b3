import { and, eq, type SQL, sql } from "drizzle-orm";
import { builder } from "../../graphql/builder.js";
import { scopeOf } from "../../graphql/context.js";
import { oneBy, perSession } from "../../graphql/loader.js";
import type { OrganizationId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { invitations } from "../invitations/table.js";
import { joinRequests, organizationDomains } from "../joining/table.js";
import { grants, memberships } from "../memberships/table.js";
import { within } from "../organizations/loader.js";
import { organizations } from "../organizations/table.js";
import { Organization } from "../organizations/type.js";
import { roles } from "../roles/table.js";

interface Counted {
  readonly id: OrganizationId;
  readonly organizations: number;
  readonly roles: number;
  readonly memberships: number;
  readonly grants: number;
  readonly invitations: number;
  readonly domains: number;
  readonly joinRequests: number;
}

/** What there is in an organization and below, as far as the viewer sees it. */
const counted = perSession(({ session: { db, tenantId }, access }) => {
  const below = sql`(${organizations.id} = top.id or top.id = any(${organizations.path}))`;
  const count = (from: SQL, where: SQL) =>
    sql`(select count(*)::int from ${from} where ${eq(organizations.tenantId, tenantId)} and ${below} and ${where})`;
  const [visible, read] = [within(access.visibleScope()), within(access.scope("members:read"))];
  const invite = within(access.scope("members:invite"));
  const letIn = within(access.scope("domains:manage"));
  const ofOrganization = (
    table: typeof roles | typeof memberships | typeof invitations | typeof organizationDomains | typeof joinRequests,
  ) =>
    sql`${table} join ${organizations} on ${and(
      eq(organizations.tenantId, table.tenantId),
      eq(organizations.id, table.organizationId),
    )}`;
  const ofMembership = sql`${grants} join ${memberships} on ${and(
    eq(memberships.tenantId, grants.tenantId),
    eq(memberships.id, grants.membershipId),
  )} join ${organizations} on ${and(
    eq(organizations.tenantId, memberships.tenantId),
    eq(organizations.id, memberships.organizationId),
  )}`;
  return oneBy<OrganizationId, Counted>(
    (row) => row.id,
    async (ids) =>
      (await db.execute(sql`
        select top.id, ${count(sql`${organizations}`, visible)} as organizations,
          ${count(ofOrganization(roles), visible)} as roles,
          ${count(ofOrganization(memberships), read)} as memberships, ${count(ofMembership, read)} as grants,
          ${count(ofOrganization(invitations), invite)} as invitations,
          ${count(ofOrganization(organizationDomains), letIn)} as domains,
          ${count(ofOrganization(joinRequests), letIn)} as "joinRequests"
        from unnest(${uuids(ids)}) top(id)`)) as unknown as Counted[],
  );
});

const DeletionPreview = builder
  .objectRef<
    Pick<Counted, "organizations" | "roles"> & Readonly<Record<"members" | "invited" | "joining", Counted | null>>
  >("DeletionPreview")
  .implement({
    description: "What would go with an organization, as far as the viewer sees it. The people stay in the tenant.",
    fields: (t) => ({
      organizations: t.exposeInt("organizations", { description: "It, and all below." }),
      roles: t.exposeInt("roles", { description: "Roles defined there." }),
      memberships: t.int({
        nullable: true,
        description: "Memberships there. Null where the viewer may not read members everywhere below.",
        resolve: ({ members }) => members?.memberships,
      }),
      grants: t.int({
        nullable: true,
        description:
          "What was given to these memberships. Null where the viewer may not read members everywhere below.",
        resolve: ({ members }) => members?.grants,
      }),
      invitations: t.int({
        nullable: true,
        description: "Invitations there, open or not. Null where the viewer may not invite everywhere below.",
        resolve: ({ invited }) => invited?.invitations,
      }),
      domains: t.int({
        nullable: true,
        description: "Domains claimed there. Null where the viewer may not manage domains everywhere below.",
        resolve: ({ joining }) => joining?.domains,
      }),
      joinRequests: t.int({
        nullable: true,
        description:
          "Requests to join there, answered or not. Null where the viewer may not manage domains everywhere below.",
        resolve: ({ joining }) => joining?.joinRequests,
      }),
    }),
  });

builder.objectFields(Organization, (t) => ({
  deletesAt: t.expose("deletesAt", {
    type: "DateTime",
    nullable: true,
    description: "When it is removed for good with everything below it; null where nobody has deleted it.",
  }),
  deletionPreview: t.field({
    type: DeletionPreview,
    nullable: true,
    description: "What would go if this organization were deleted.",
    resolve: async (organization, _args, ctx) => {
      const scope = scopeOf(ctx);
      const all = (await counted(scope).load(organization.id))!;
      const may = (permission: string) => (scope.access.allows(organization, permission, "SUBTREE") ? all : null);
      return { ...all, members: may("members:read"), invited: may("members:invite"), joining: may("domains:manage") };
    },
  }),
}));
