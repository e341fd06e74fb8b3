import { eq, sql } from "drizzle-orm";
import { refuseOn } from "../../database/errors.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { isReserved } from "./form.js";
import { slugs } from "./table.js";

export class SlugUnavailableFailure extends Failure {
  override readonly name = "SlugUnavailableFailure";
  readonly code = "SLUG_UNAVAILABLE";
}
failureType(SlugUnavailableFailure, "The slug is in use, was in use, or is reserved. Choose another.");

/** Says the same whichever it is: in use, formerly used, or reserved. */
export const slugUnavailable = () =>
  new SlugUnavailableFailure("This slug cannot be had. Choose another.", ["input", "slug"]);

/**
 * Notes that a slug is this organization's, for ever: an address that was given out never leads to another one. To take back
 * a former slug of its own is free.
 * @throws SlugUnavailableFailure  it was ever another's in this tenant, or is reserved
 */
export async function takeSlug(ctx: Context, slug: string, organizationId: OrganizationId): Promise<void> {
  const { session, now } = scopeOf(ctx);
  if (isReserved(slug)) throw slugUnavailable();
  const [former] = await session.db
    .select({ organizationId: slugs.organizationId })
    .from(slugs)
    .where(sql`${eq(slugs.tenantId, session.tenantId)} and ${eq(slugs.slug, slug)}`);
  if (former?.organizationId === organizationId) return;
  // Also when nobody had it a moment ago: of two who take it at once, the key lets one through.
  await refuseOn(
    { slugs_pkey: slugUnavailable },
    session.db.insert(slugs).values({ tenantId: session.tenantId, slug, organizationId, createdAt: now }),
  );
}
