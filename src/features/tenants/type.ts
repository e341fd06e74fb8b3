import { createHash } from "node:crypto";
import { builder, Node } from "../../graphql/builder.js";
import { type Choice, type Context, scopeOf } from "../../graphql/context.js";
import { reachable } from "../../graphql/node.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { Scope } from "../../graphql/operation.js";
import type { Identity as IdentityShape } from "../../identity/identity.js";
import type { TenantRecord } from "../../tenancy/directory/directory.js";
import { MembershipConnection, membershipsOfUserPage } from "../memberships/lists.js";
import { OrganizationFilter } from "../organizations/filter.js";
import { OrganizationConnection, organizationPage } from "../organizations/lists.js";
import { findOrganization, rootOf } from "../organizations/loader.js";
import { visibleOrganizations } from "../organizations/pages.js";
import { Organization } from "../organizations/type.js";
import { usersById } from "../users/loader.js";
import { User } from "../users/type.js";
import { SignUp } from "./signUp.js";

const getRoot = async (scope: Scope) => (await rootOf(scope).load("root"))!;

/** What somebody who has not chosen yet is shown of a tenant. */
export async function describeTenant(scope: Scope): Promise<Choice> {
  const { name, imageUrl } = await getRoot(scope);
  return { slug: scope.session.tenant.slug, name, imageUrl };
}

const TenantChoice = builder.objectRef<Choice>("TenantChoice").implement({
  description: "A tenant that the identity may enter: what a switcher needs, and no more.",
  fields: (t) => ({
    slug: t.exposeString("slug", { description: "What to send as X-Tenant." }),
    name: t.exposeString("name", { description: "What people call it." }),
    host: t.string({
      nullable: true,
      description: "The host under which it is reached; null where tenants have none.",
      resolve: ({ slug }, _args, ctx) => ctx.hostOf(slug),
    }),
    imageUrl: t.expose("imageUrl", { type: "URL", nullable: true, description: "Its picture." }),
  }),
});

const Identity = builder.objectRef<IdentityShape>("Identity").implement({
  description: "Who a token is: the same person in every tenant.",
  fields: (t) => ({
    id: t.id({
      description: "The same for every token of this person. Not to be given to `node`.",
      resolve: ({ issuer, subject }) =>
        createHash("sha256")
          .update(JSON.stringify([issuer, subject]))
          .digest("base64url"),
    }),
    issuer: t.exposeString("issuer", { description: "Who vouches for the person." }),
    subject: t.exposeString("subject", { description: "What the issuer calls the person." }),
    email: t.exposeString("email", { nullable: true, description: "The address in the token." }),
    emailVerified: t.exposeBoolean("emailVerified", {
      description: "Whether the issuer has confirmed the address, and speaks for its domain.",
    }),
    tenants: t.field({
      type: [TenantChoice],
      description: "Tenants that the person may enter, by slug; a hundred at most.",
      resolve: async (_identity, _args, ctx) => [...(await ctx.choices())],
    }),
    signUps: t.field({
      type: [SignUp],
      description: "Tenants that the person asked for with `createTenant`, oldest first; the last twenty at most.",
      resolve: (_identity, _args, { signUps }) => signUps?.desk.signUpsOf(signUps.digest) ?? [],
    }),
  }),
});

builder.queryField("identity", (t) =>
  t.field({
    type: Identity,
    nullable: true,
    description:
      "Who the token is. Needs no tenant: the place to choose one. Beside other fields it is answered also where the request names no tenant, or one that the caller is not in (any more): they are null then, each with an error, and `nodes` and `permissions`, which are never null, take it along. Null when anonymous.",
    resolve: (_root, _args, ctx) => ctx.identity,
  }),
);

const Tenant = builder.objectRef<TenantRecord>("Tenant");

builder.objectType(Tenant, {
  description:
    "A customer of the product: what no other tenant can see. Its name, picture and metadata are its root organization's.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: "Global id, stable for ever.", resolve: (tenant) => encodeId("Tenant", tenant.id) }),
    slug: t.exposeString("slug", { description: "What to send as X-Tenant." }),
    name: t.string({
      description: "What people call it: its root's name.",
      resolve: async (_tenant, _args, ctx) => (await getRoot(scopeOf(ctx))).name,
    }),
    host: t.string({
      nullable: true,
      description: "The host under which it is reached; null where tenants have none.",
      resolve: ({ slug }, _args, ctx) => ctx.hostOf(slug),
    }),
    root: t.field({
      type: Organization,
      nullable: true,
      description: "The top of its tree. Null when it is hidden from the viewer.",
      resolve: async (_tenant, _args, ctx) => findOrganization(scopeOf(ctx), (await getRoot(scopeOf(ctx))).id),
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was created." }),
  }),
});

export const Viewer = builder.objectRef<Scope>("Viewer").implement({
  description: "Who is asking, in this tenant.",
  fields: (t) => ({
    id: t.id({
      description: "One per tenant and actor, so that caches never mix. Not to be given to `node`.",
      resolve: ({ session, viewer }) => Buffer.from(`Viewer:${session.tenantId}:${viewer.id}`).toString("base64url"),
    }),
    user: t.field({
      type: User,
      nullable: true,
      description: "The person; null when the viewer is none.",
      resolve: (scope) => usersById(scope).get(scope.viewer.id),
    }),
    tenant: t.field({ type: Tenant, description: "Where the viewer is.", resolve: ({ session }) => session.tenant }),
    memberships: t.field({
      type: MembershipConnection,
      description:
        "The viewer's own memberships, first added first. Those that have ended are left out, and those in organizations that the viewer does not see: a suspended membership shows none, and a closed organization is seen by few.",
      args: t.arg.connectionArgs(),
      resolve: ({ viewer }, args, ctx) => membershipsOfUserPage(ctx, viewer.id, args),
    }),
    organizations: t.field({
      type: OrganizationConnection,
      description:
        "Organizations in reach, inherited ones too: what a switcher shows and what an application filters by. By name.",
      args: {
        permission: t.arg.string({ description: "Only those in which the viewer holds this permission." }),
        filter: t.arg({ type: OrganizationFilter, description: "Which of them." }),
        ...t.arg.connectionArgs(),
      },
      resolve: (_scope, args, ctx) =>
        organizationPage(ctx, { name: "viewer.organizations" }, args, (wanted) =>
          visibleOrganizations(scopeOf(ctx), wanted),
        ),
    }),
  }),
});

builder.queryField("viewer", (t) =>
  t.field({
    type: Viewer,
    nullable: true,
    description:
      "Who is asking in this tenant. Null when anonymous; also, with an error, beside `identity` in a request that leads to no tenant.",
    resolve: (_root, _args, ctx: Context) => ctx.operation.scope,
  }),
);

reachable("Tenant", async (ctx, id) => {
  const { tenant } = scopeOf(ctx).session;
  return tenant.id === id ? tenant : null;
});
