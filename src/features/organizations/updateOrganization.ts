import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { refuseOn } from "../../database/errors.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { externalId, metadata } from "../../graphql/form.js";
import { mutation } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { type Changes, patchOf } from "../audit/patch.js";
import { record } from "../audit/record.js";
import { name, slug } from "./form.js";
import { findOrganization, organizationsAhead } from "./loader.js";
import { organizations } from "./table.js";
import { SlugUnavailableFailure, slugUnavailable, takeSlug } from "./takeSlug.js";
import { Organization } from "./type.js";

const form = z.object({
  organizationId: z.string(),
  name: name.nullish(),
  slug: slug.nullish(),
  externalId: externalId.nullish(),
  imageUrl: z.string().nullish(),
  metadata: metadata.nullish(),
});

/**
 * Changes what an organization is called and what is noted about it. What is left out stays; its former slugs stay its own.
 * The row is locked, so that two merge patches at once are both kept.
 * @throws SlugUnavailableFailure  the slug was ever another organization's in this tenant, or is reserved
 * @throws InvalidInputFailure     the metadata would be larger than 8 kB
 */
export async function updateOrganization(
  ctx: Context,
  id: OrganizationId,
  { name, slug, ...input }: Omit<z.output<typeof form>, "organizationId">,
): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const itself = and(eq(organizations.tenantId, tenantId), eq(organizations.id, id));
  await db.select({ id: organizations.id }).from(organizations).where(itself).for("update");
  const [before] = await db.select().from(organizations).where(itself);
  const changes: Changes = patchOf(before!, { ...input, name: name ?? undefined, slug: slug ?? undefined });
  if (Object.keys(changes.after).length === 0) return;

  if (changes.after.slug !== undefined) await takeSlug(ctx, slug!, id);
  await refuseOn(
    { organizations_slug_key: slugUnavailable },
    db
      .update(organizations)
      .set({ ...changes.after, updatedAt: now })
      .where(itself),
  );
  record(ctx, {
    action: "organization.updated",
    organizationId: id,
    targetType: "Organization",
    targetId: id,
    changes,
  });
}

mutation<z.output<typeof form>, { id: OrganizationId }>("updateOrganization", {
  description:
    "Changes an organization's name, slug, picture, external id or metadata. What is left out stays. Needs `organizations:update` there.",
  input: (t) => ({
    organizationId: t.id({ required: true, description: "The organization to change." }),
    name: t.string({ description: "What people call it: 1 to 200 characters. Null, like nothing, keeps it." }),
    slug: t.string({
      description: "A new address. The old one stays its own for ever. Null, like nothing, keeps it.",
    }),
    externalId: t.string({ description: "Its id in the product's own system; null removes it." }),
    imageUrl: t.field({ type: "URL", description: "Its picture, over https; null removes it." }),
    metadata: t.field({
      type: "JSON",
      description: "A merge patch (RFC 7396): keys that are null are removed, all others set. At most 8 kB in the end.",
    }),
  }),
  form,
  payload: {
    description: "The organization was changed.",
    ahead: organizationsAhead,
    // What it is called gives nobody anything.
    keepsAccess: () => true,
    fields: (t) => ({
      organization: t.field({
        type: Organization,
        nullable: true,
        description: "The organization as it is now; null when the viewer has ceased to see it.",
        resolve: ({ id }, _args, ctx) => findOrganization(scopeOf(ctx), id),
      }),
    }),
  },
  failures: [SlugUnavailableFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ organizationId, ...input }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    await updateOrganization(ctx, place.id, input);
    return { id: place.id };
  },
});
