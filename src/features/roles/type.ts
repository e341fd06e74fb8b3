import type { Reach as ReachValue } from "../../access/access.js";
import { missingOf } from "../../access/giving.js";
import { builder, Node } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { oncePerSession } from "../../graphql/loader.js";
import { reachable } from "../../graphql/node.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { RoleId } from "../../ids.js";
import { findOrganization } from "../organizations/loader.js";
import { Reach } from "../organizations/reach.js";
import type { OrganizationRow } from "../organizations/table.js";
import { Organization } from "../organizations/type.js";
import { Giving } from "./giving.js";
import { findRole, usableRoles } from "./loader.js";
import type { Role as RoleHere, ShownRole } from "./role.js";

const RoleSource = builder.enumType("RoleSource", {
  description: "Who defined a role.",
  values: {
    BUILT_IN: { description: "Part of Tenantry." },
    PRODUCT: { description: "A template of the product." },
    TENANT: { description: "The tenant, for all its organizations." },
    ORGANIZATION: { description: "An organization, for itself and those below." },
  } as const,
});

export const Role = builder.objectRef<ShownRole>("Role");

builder.objectType(Role, {
  description: "A named set of permissions.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: "Global id, stable for ever.", resolve: (role) => encodeId("Role", role.id) }),
    key: t.exposeString("key", { description: "What programs call it. Unique where the role is defined." }),
    name: t.exposeString("name", { description: "What people call it." }),
    description: t.exposeString("description", { nullable: true, description: "What it is for." }),
    permissions: t.stringList({
      description: "What it allows, as keys of the catalogue.",
      resolve: ({ permissions }) => permissions as string[],
    }),
    source: t.expose("source", { type: RoleSource, description: "Who defined it." }),
    organization: t.field({
      type: Organization,
      nullable: true,
      description: "Where it is defined; null for built-in, product and tenant roles, and when hidden from the viewer.",
      resolve: ({ definedAt }, _args, ctx) => (definedAt ? findOrganization(scopeOf(ctx), definedAt.id) : null),
    }),
  }),
});

builder.objectFields(Organization, (t) => ({
  roles: t.field({
    type: [Role],
    nullable: true,
    description: "Roles usable here: built in, the product's, the tenant's, those of organizations above, its own.",
    resolve: (organization, _args, ctx) => usableRoles(scopeOf(ctx), ctx.catalogue, organization),
  }),
  grantableRoles: t.field({
    type: [Role],
    nullable: true,
    description:
      "Roles usable here that the viewer may give: none without the permission that they give by, and none that holds a permission which the viewer lacks here, or lacks that far. What they hold for a time they give for no longer.",
    args: {
      by: t.arg({ type: Giving, defaultValue: "members:manage", description: "By what they would give it." }),
      reach: t.arg({ type: Reach, defaultValue: "ORGANIZATION", description: "How far the grant would reach." }),
    },
    resolve: (organization, { by, reach }, ctx) =>
      findGrantable(ctx, organization, by ?? "members:manage", reach ?? "ORGANIZATION"),
  }),
}));

/** By organization, what the viewer gives by, and reach. */
const grantable = oncePerSession<string, Promise<RoleHere[]>>();

const findGrantable = (ctx: Context, at: OrganizationRow, by: Giving, reach: ReachValue): Promise<RoleHere[]> =>
  grantable(scopeOf(ctx), `${at.id} ${by} ${reach}`, () => pickGrantable(ctx, at, by, reach));

async function pickGrantable(ctx: Context, at: OrganizationRow, by: Giving, reach: ReachValue): Promise<RoleHere[]> {
  const scope = scopeOf(ctx);
  if (!scope.access.allows(at, by)) return [];
  scope.size.addSearch();
  const usable = await usableRoles(scope, ctx.catalogue, at);
  // Thousands were waiting for the same roles, and the answer may have been refused to the first of them.
  scope.size.check();
  return usable.filter(({ permissions }) => missingOf(scope.access, { permissions, at, reach }).length === 0);
}

reachable("Role", (ctx, id) => findRole(ctx, id as RoleId));
