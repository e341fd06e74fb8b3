import { builder, Node } from "../../graphql/builder.js";
import { scopeOf } from "../../graphql/context.js";
import { reachable } from "../../graphql/node.js";
import { decodeId, encodeId } from "../../graphql/nodeId.js";
import { known } from "../../graphql/permission.js";
import { storable } from "../../graphql/text.js";
import type { OrganizationId } from "../../ids.js";
import { findByExternalId, findBySlug, findOrganization, findOrganizations, slugsAhead } from "./loader.js";
import { Reach } from "./reach.js";
import type { OrganizationRow } from "./table.js";

export const OrganizationStatus = builder.enumType("OrganizationStatus", {
  description:
    "What somebody made of an organization itself. Whether it is in use, `isOpen` says: nothing is below one that is closed.",
  values: {
    ACTIVE: { description: "Neither suspended nor archived itself; one above it may be." },
    SUSPENDED: { description: "Closed with everything below it, until resumed; nothing is lost." },
    ARCHIVED: {
      description: "Put away with everything below it, until restored: to be read, and not used or changed.",
    },
  } as const,
});

export const Organization = builder.objectRef<OrganizationRow>("Organization");

builder.objectType(Organization, {
  description: "Part of a tenant: a place in its tree where people belong and hold roles.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({
      description: "Global id, stable for ever.",
      resolve: (organization) => encodeId("Organization", organization.id),
    }),
    uuid: t.field({
      type: "UUID",
      description: "The id as a bare uuid: what the product's own tables refer to.",
      resolve: (organization) => organization.id,
    }),
    slug: t.exposeString("slug", { description: "Its address, unique in the tenant." }),
    name: t.exposeString("name", { description: "What people call it." }),
    status: t.expose("status", { type: OrganizationStatus, description: "What somebody made of it itself." }),
    isOpen: t.boolean({
      description:
        "Whether it is in use: false where it, or one above it, is suspended or archived, also by `deleteOrganization`.",
      resolve: (organization, _args, ctx) => scopeOf(ctx).access.isOpen(organization),
    }),
    externalId: t.exposeString("externalId", { nullable: true, description: "Its id in the product's own system." }),
    imageUrl: t.expose("imageUrl", { type: "URL", nullable: true, description: "Its picture." }),
    metadata: t.expose("metadata", {
      type: "JSON",
      description: "What the product noted about it; an object of at most 8 kB, readable by its members.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was created." }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", description: "When it was last changed." }),
    parent: t.field({
      type: Organization,
      nullable: true,
      description: "The organization above. Null at the root, and when the parent is hidden from the viewer.",
      resolve: ({ parentId }, _args, ctx) => (parentId ? findOrganization(scopeOf(ctx), parentId) : null),
    }),
    ancestors: t.field({
      type: [Organization],
      description: "From the root down; those hidden from the viewer are left out.",
      resolve: ({ path }, _args, ctx) => findOrganizations(scopeOf(ctx), path),
    }),
    viewerCan: t.boolean({
      description:
        "Whether the viewer holds a permission here. A field or change that needs it with reach SUBTREE is asked about with that reach.",
      args: {
        permission: t.arg.string({ required: true, description: "A key of the catalogue: `members:invite`." }),
        reach: t.arg({ type: Reach, defaultValue: "ORGANIZATION", description: "Here alone, or here and below." }),
      },
      resolve: (organization, { permission, reach }, ctx) =>
        scopeOf(ctx).access.allows(organization, known(ctx, permission), reach ?? "ORGANIZATION"),
    }),
    viewerPermissions: t.stringList({
      description: "Every permission the viewer holds here, in the order of the catalogue.",
      resolve: (organization, _args, ctx) => {
        const { access } = scopeOf(ctx);
        return [...ctx.catalogue.permissions.keys()].filter((permission) => access.allows(organization, permission));
      },
    }),
  }),
});

const OrganizationBy = builder.inputType("OrganizationBy", {
  description: "One of the ways to name an organization.",
  isOneOf: true,
  fields: (t) => ({
    id: t.id({ description: "Its global id." }),
    slug: t.string({ description: "Its address in the tenant, or one that it had before." }),
    externalId: t.string({
      description:
        "Its id in the product's own system. Of several that have it, the one created first of those that the viewer sees.",
    }),
    uuid: t.field({ type: "UUID", description: "Its id as a bare uuid." }),
  }),
});

builder.queryField("organization", (t) =>
  t.field({
    type: Organization,
    nullable: true,
    description: "One organization. Null when there is none of that name, or the viewer cannot see it.",
    args: { by: t.arg({ type: OrganizationBy, required: true, description: "Which one." }) },
    extensions: { ahead: slugsAhead },
    resolve: (_root, { by }, ctx) => {
      const scope = scopeOf(ctx);
      if (by.id != null) return findOrganization(scope, decodeId("Organization", by.id, "by.id"));
      if (by.uuid != null) return findOrganization(scope, by.uuid as OrganizationId);
      if (by.slug != null) return findBySlug(scope, storable(by.slug, "by.slug"));
      return findByExternalId(scope, storable(by.externalId ?? "", "by.externalId"));
    },
  }),
);

reachable("Organization", (ctx, id) => findOrganization(scopeOf(ctx), id as OrganizationId));
