import { z } from "zod";
import type { Place } from "../../access/access.js";
import { refuseOn } from "../../database/errors.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { externalId, isMetadataTooLarge, METADATA_TOO_LARGE, metadata } from "../../graphql/form.js";
import { mutation } from "../../graphql/mutation.js";
import { newId, type OrganizationId } from "../../ids.js";
import { record } from "../audit/record.js";
import { MOST_ABOVE, name, slug } from "./form.js";
import { findOrganization, organizationsAhead } from "./loader.js";
import { organizations } from "./table.js";
import { SlugUnavailableFailure, slugUnavailable, takeSlug } from "./takeSlug.js";
import { Organization } from "./type.js";

const form = z.object({
  parentId: z.string(),
  name,
  slug,
  externalId: externalId.nullish().transform((value) => value ?? null),
  imageUrl: z.string().nullish(),
  metadata: metadata
    .nullish()
    .transform((value) => value ?? {})
    .refine((value) => !isMetadataTooLarge(value), METADATA_TOO_LARGE),
});

/**
 * Creates an organization below another, and makes nobody a member of it. The tenant's lock is held in its shared form, so
 * the parent keeps its place until the commit.
 * @throws SlugUnavailableFailure  the slug was ever given in this tenant, or is reserved
 * @throws InvalidInputFailure     the parent is as deep as a tree may be
 */
export async function createOrganization(
  ctx: Context,
  { parent, ...input }: Omit<z.output<typeof form>, "parentId"> & { parent: Place },
): Promise<OrganizationId> {
  const { session, now } = scopeOf(ctx);
  if (parent.path.length >= MOST_ABOVE)
    throw new InvalidInputFailure(
      `An organization has at most ${MOST_ABOVE} others above it. Choose a parent further up.`,
      ["input", "parentId"],
    );
  const id = newId<OrganizationId>();
  const own = { tenantId: session.tenantId, id, createdAt: now, updatedAt: now };
  await refuseOn(
    { organizations_slug_key: slugUnavailable },
    session.db
      .insert(organizations)
      .values({ ...own, ...input, parentId: parent.id, path: [...parent.path, parent.id] }),
  );
  await takeSlug(ctx, input.slug, id);
  record(ctx, {
    action: "organization.created",
    organizationId: id,
    targetType: "Organization",
    targetId: id,
    changes: { parentId: parent.id, name: input.name, slug: input.slug },
  });
  return id;
}

mutation<z.output<typeof form>, { id: OrganizationId }>("createOrganization", {
  description:
    "Creates an organization below another. Needs `organizations:create` and `organizations:read` there, both with reach SUBTREE.",
  input: (t) => ({
    parentId: t.id({ required: true, description: "The organization it goes below." }),
    name: t.string({ required: true, description: "What people call it: 1 to 200 characters." }),
    slug: t.string({
      required: true,
      description: "Its address, unique in the tenant: lower-case letters, digits and hyphens, at most 63.",
    }),
    externalId: t.string({ description: "Its id in the product's own system: at most 200 characters." }),
    imageUrl: t.field({ type: "URL", description: "Its picture, over https." }),
    metadata: t.field({
      type: "JSON",
      description: "Whatever the product wants to note about it: an object of at most 8 kB.",
    }),
  }),
  form,
  payload: {
    description: "The organization was created.",
    ahead: organizationsAhead,
    // Nobody is a member of it.
    keepsAccess: () => true,
    fields: (t) => ({
      organization: t.field({
        type: Organization,
        description: "The new organization.",
        resolve: async ({ id }, _args, ctx) => (await findOrganization(scopeOf(ctx), id))!,
      }),
    }),
  },
  failures: [SlugUnavailableFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ parentId, ...input }, ctx) => {
    const { place: parent } = getNamed(ctx, "Organization", parentId);
    return { id: await createOrganization(ctx, { ...input, parent }) };
  },
});
