import { z } from "zod";
import type { Place } from "../../access/access.js";
import { type Context, getNamed } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { mustNotBeRoot, organizationPayload, RootOrganizationFailure, setState } from "./changeOrganization.js";

const form = z.object({ organizationId: z.string() });

/**
 * Closes an organization with everything below it until it is resumed. Nothing of it is lost.
 * @throws RootOrganizationFailure  nobody would be left to resume it
 */
export async function suspendOrganization(ctx: Context, place: Place): Promise<void> {
  mustNotBeRoot(place);
  await setState(ctx, place, "organization.suspended", () => ({ status: "SUSPENDED" }));
}

mutation<z.output<typeof form>, { id: OrganizationId }>("suspendOrganization", {
  description:
    "Closes an organization with everything below it until it is resumed: nobody can do anything there, and only who may suspend above it can look in and resume it. Needs `organizations:suspend` there with reach SUBTREE. Nothing happens to one that is suspended.",
  input: (t) => ({ organizationId: t.id({ required: true, description: "The organization to suspend." }) }),
  form,
  payload: organizationPayload("The organization is closed until it is resumed."),
  failures: [RootOrganizationFailure, NotFoundFailure],
  change: async ({ organizationId }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    await suspendOrganization(ctx, place);
    return { id: place.id };
  },
});
