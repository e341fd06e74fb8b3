import { builder } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { reachable } from "../../graphql/node.js";
import { encodeId } from "../../graphql/nodeId.js";
import { type List, type Page, type PageArgs, toConnection, toPage } from "../../graphql/page.js";
import type { MembershipId, UserId } from "../../ids.js";
import { findOrganization } from "../organizations/loader.js";
import { Organization } from "../organizations/type.js";
import { Role } from "../roles/type.js";
import { usersById } from "../users/loader.js";
import { User } from "../users/type.js";
import {
  findMembership,
  type GrantOfRole,
  listGrants,
  membershipsOf,
  membershipsOfUser,
  placeInList,
  visibleUsers,
} from "./loader.js";
import type { MembershipRow } from "./table.js";

const MembershipStatus = builder.enumType("MembershipStatus", {
  description: "Whether a membership counts.",
  values: {
    ACTIVE: { description: "It counts." },
    SUSPENDED: { description: "It gives nothing until resumed." },
    EXPIRED: { description: "It came to its end." },
  } as const,
});

const MembershipVia = builder.enumType("MembershipVia", {
  description: "How somebody belongs to an organization.",
  values: {
    DIRECT: { description: "By a membership of their own." },
    INHERITED: { description: "By a grant further up that reaches down." },
    DELEGATED: { description: "By another organization that acts for this one." },
  } as const,
});

export const Reach = builder.enumType("Reach", {
  description: "How far a grant reaches.",
  values: {
    ORGANIZATION: { description: "This organization." },
    SUBTREE: { description: "This organization and all below it." },
  } as const,
});

const isLive = (expiresAt: Date | null, now: Date): boolean => expiresAt === null || expiresAt > now;

export const Membership = builder.objectRef<MembershipRow>("Membership");
const Grant = builder.objectRef<GrantOfRole>("Grant");

builder.node(Membership, {
  description: "A user's place in an organization.",
  id: {
    resolve: (membership) => membership.id,
    description: "Global id, stable for ever.",
  },
  fields: (t) => ({
    user: t.field({
      type: User,
      description: "Whose it is.",
      resolve: async ({ userId }, _args, ctx) => (await usersById(scopeOf(ctx)).load(userId))!,
    }),
    organization: t.field({
      type: Organization,
      description: "Where it is.",
      resolve: async ({ organizationId }, _args, ctx) => (await findOrganization(scopeOf(ctx), organizationId))!,
    }),
    status: t.field({
      type: MembershipStatus,
      description: "Whether it counts, by the clock of the database.",
      resolve: ({ status, expiresAt }, _args, ctx) => (isLive(expiresAt, scopeOf(ctx).now) ? status : "EXPIRED"),
    }),
    via: t.field({
      type: MembershipVia,
      description: "How the user belongs to the organization.",
      resolve: () => "DIRECT" as const,
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
      description: "Roles of its live grants, each once.",
      resolve: async ({ id }, _args, ctx) => {
        const scope = scopeOf(ctx);
        const live = (await listGrants(scope, ctx.catalogue, id)).filter(({ expiresAt }) =>
          isLive(expiresAt, scope.now),
        );
        return [...new Map(live.map(({ role }) => [role.id, role])).values()];
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
    id: t.id({ description: "Global id, stable for ever.", resolve: (grant) => encodeId("Grant", grant.id) }),
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

export const MembershipConnection = builder.connectionObject(
  { type: Membership, name: "MembershipConnection", description: "A page of memberships." },
  { name: "MembershipEdge", description: "A membership, and its place in the list." },
);

async function membershipPage(
  ctx: Context,
  list: List,
  args: PageArgs,
  read: (page: Page) => Promise<MembershipRow[]>,
) {
  const page = toPage(ctx, list, args);
  return toConnection(ctx, list, page, await read(page), placeInList) as never;
}

builder.objectFields(Organization, (t) => ({
  memberships: t.field({
    type: MembershipConnection,
    nullable: true,
    description: "Who belongs here, by a membership of their own that has not ended; first added first.",
    args: t.arg.connectionArgs(),
    resolve: ({ id }, args, ctx) =>
      membershipPage(ctx, { name: "memberships", parentId: id, order: "id" }, args, (page) =>
        membershipsOf(scopeOf(ctx), id, page),
      ),
  }),
  memberCount: t.int({
    nullable: true,
    description: "Memberships that are not removed, ended and suspended ones included.",
    resolve: (organization) => organization.memberCount,
  }),
}));

/** A page of a user's memberships, as the viewer may see them. */
export const membershipsOfUserPage = (ctx: Context, user: UserId, args: PageArgs) =>
  membershipPage(ctx, { name: "memberships", parentId: user, order: "id" }, args, (page) =>
    membershipsOfUser(scopeOf(ctx), user, page),
  );

builder.objectField(User, "memberships", (t) =>
  t.field({
    type: MembershipConnection,
    nullable: true,
    description: "Those in organizations where the viewer may read members; for oneself, all. Ended ones are left out.",
    args: t.arg.connectionArgs(),
    resolve: ({ id }, args, ctx) => membershipsOfUserPage(ctx, id, args),
  }),
);

reachable("Membership", (ctx, id) => findMembership(scopeOf(ctx), id as MembershipId));
reachable("User", (ctx, id) => visibleUsers(scopeOf(ctx)).load(id as UserId));
