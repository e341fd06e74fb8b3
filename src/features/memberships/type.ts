import { builder, Node } from "../../graphql/builder.js";
import { scopeOf } from "../../graphql/context.js";
import type { Soon } from "../../graphql/loader.js";
import { reachable } from "../../graphql/node.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { Scope } from "../../graphql/operation.js";
import type { MembershipId } from "../../ids.js";
import { findOrganization } from "../organizations/loader.js";
import { Reach } from "../organizations/reach.js";
import type { OrganizationRow } from "../organizations/table.js";
import { Organization } from "../organizations/type.js";
import { Role } from "../roles/type.js";
import { usersById } from "../users/loader.js";
import type { UserRow } from "../users/table.js";
import { User } from "../users/type.js";
import { findMembership, type GrantOfRole, listGrants } from "./loader.js";
import type { Listed } from "./pages.js";

export const MembershipStatus = builder.enumType("MembershipStatus", {
  description: "What became of a membership itself.",
  values: {
    ACTIVE: {
      description:
        "Neither suspended nor ended. It gives nothing all the same while the person is suspended (`user.status`), or the organization is not in use (`organization.isOpen`).",
    },
    SUSPENDED: { description: "It gives nothing until resumed." },
    EXPIRED: { description: "It came to its end." },
  } as const,
});

export const MembershipVia = builder.enumType("MembershipVia", {
  description: "How somebody belongs to an organization.",
  values: {
    DIRECT: { description: "By a membership of their own." },
    INHERITED: { description: "By a grant further up that reaches down." },
  } as const,
});

export const Membership = builder.objectRef<Listed>("Membership");
/** The roles of those that count, each once. */
function rolesOf(given: readonly GrantOfRole[], scope: Scope): GrantOfRole["role"][] {
  const live = given.filter(({ expiresAt }) => scope.isLive(expiresAt)).map(({ role }) => role);
  // Most have one, and many are asked.
  return live.length < 2 ? live : [...new Map(live.map((role) => [role.id, role])).values()];
}

export const Grant = builder.objectRef<GrantOfRole>("Grant");

builder.objectType(Membership, {
  description: "A user's place in an organization.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({
      description: "Global id, stable for ever.",
      resolve: (membership) => encodeId("Membership", membership.id),
    }),
    user: t.field({
      type: User,
      description: "Whose it is.",
      resolve: ({ userId }, _args, ctx) => usersById(scopeOf(ctx)).get(userId) as Soon<UserRow>,
    }),
    organization: t.field({
      type: Organization,
      description: "Where it is.",
      resolve: ({ organizationId }, _args, ctx) =>
        findOrganization(scopeOf(ctx), organizationId) as Soon<OrganizationRow>,
    }),
    status: t.field({
      type: MembershipStatus,
      description: "What became of it itself, by the clock of the database.",
      resolve: ({ status, expiresAt }, _args, ctx) => (scopeOf(ctx).isLive(expiresAt) ? status : "EXPIRED"),
    }),
    via: t.field({
      type: MembershipVia,
      description:
        "How the user belongs to the organization whose list this is on. INHERITED: it is a membership further up, of which a grant reaches down. DIRECT everywhere else.",
      resolve: ({ via }) => via ?? ("DIRECT" as const),
    }),
    expiresAt: t.expose("expiresAt", {
      type: "DateTime",
      nullable: true,
      description: "When it ends; null when it does not.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it began." }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", description: "When it was last changed." }),
    roles: t.field({
      type: [Role],
      description:
        "Roles of its live grants, each once. Of an INHERITED one all that it holds where it is, also what does not reach down: `grants` say how far each reaches.",
      resolve: ({ id }, _args, ctx) => {
        const scope = scopeOf(ctx);
        const given = listGrants(scope, ctx.catalogue, id);
        return given instanceof Promise ? given.then((all) => rolesOf(all, scope)) : rolesOf(given, scope);
      },
    }),
    grants: t.field({
      type: [Grant],
      description: "What was given to it, first given first; ended grants too.",
      resolve: ({ id }, _args, ctx) => listGrants(scopeOf(ctx), ctx.catalogue, id),
    }),
  }),
});

Grant.implement({
  description: "A role given to a membership.",
  fields: (t) => ({
    id: t.id({
      description: "Global id, stable for ever. Not to be given to `node`.",
      resolve: (grant) => encodeId("Grant", grant.id),
    }),
    role: t.field({ type: Role, description: "What was given.", resolve: (grant) => grant.role }),
    reach: t.expose("reach", { type: Reach, description: "How far it reaches." }),
    expiresAt: t.expose("expiresAt", {
      type: "DateTime",
      nullable: true,
      description: "When it ends; null when it does not.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was given." }),
  }),
});

reachable("Membership", (ctx, id) => findMembership(scopeOf(ctx), id as MembershipId));
