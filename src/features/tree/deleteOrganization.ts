import { z } from "zod";
import type { Place } from "../../access/access.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { mustNotBeRoot, organizationPayload, RootOrganizationFailure, setState } from "./changeOrganization.js";

const GRACE_DAYS = 30;
const DAY_MS = 86_400_000;

const form = z.object({ organizationId: z.string() });

/**
 * Archives an organization with everything below it, and names the day from which the operator's purge removes all of it.
 * Until then it can be restored.
 * @throws RootOrganizationFailure
 */
export async function deleteOrganization(ctx: Context, place: Place): Promise<void> {
  mustNotBeRoot(place);
  const { now } = scopeOf(ctx);
  await setState(ctx, place, "organization.deleted", ({ deletesAt }) => ({
    status: "ARCHIVED",
    // Deleting twice puts nothing off.
    deletesAt: deletesAt ?? new Date(now.getTime() + GRACE_DAYS * DAY_MS),
  }));
}

mutation<z.output<typeof form>, { id: OrganizationId }>("deleteOrganization", {
  description: `Archives an organization with everything below it, and removes all of it ${GRACE_DAYS} days later, unless it is restored before. Needs \`organizations:delete\` there with reach SUBTREE; \`deletionPreview\` says what goes. Nothing happens to one that is to be deleted already.`,
  input: (t) => ({ organizationId: t.id({ required: true, description: "The organization to delete." }) }),
  form,
  payload: organizationPayload("The organization is put away, and is to be deleted."),
  failures: [RootOrganizationFailure, NotFoundFailure],
  change: async ({ organizationId }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    await deleteOrganization(ctx, place);
    return { id: place.id };
  },
});
