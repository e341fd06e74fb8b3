import { z } from "zod";
import type { Place } from "../../access/access.js";
import { type Context, getNamed } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { mustNotBeRoot, organizationPayload, RootOrganizationFailure, setState } from "./changeOrganization.js";

const form = z.object({ organizationId: z.string() });

/**
 * Puts an organization away with everything below it: it can be read like before, and neither used nor changed. One that is
 * to be deleted stays so.
 * @throws RootOrganizationFailure
 */
export async function archiveOrganization(ctx: Context, place: Place): Promise<void> {
  mustNotBeRoot(place);
  await setState(ctx, place, "organization.archived", () => ({ status: "ARCHIVED" }));
}

mutation<z.output<typeof form>, { id: OrganizationId }>("archiveOrganization", {
  description:
    "Puts an organization away with everything below it: who could read it still can, and nobody can do anything else there until it is restored. Needs `organizations:delete` there with reach SUBTREE. Nothing happens to one that is archived.",
  input: (t) => ({ organizationId: t.id({ required: true, description: "The organization to archive." }) }),
  form,
  payload: organizationPayload("The organization is put away."),
  failures: [RootOrganizationFailure, NotFoundFailure],
  change: async ({ organizationId }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    await archiveOrganization(ctx, place);
    return { id: place.id };
  },
});
