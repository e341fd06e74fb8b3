import { z } from "zod";
import { getNamed } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { organizationPayload, setState } from "./changeOrganization.js";

const form = z.object({ organizationId: z.string() });

mutation<z.output<typeof form>, { id: OrganizationId }>("resumeOrganization", {
  description:
    "Opens a suspended organization again. Needs `organizations:suspend` above it with reach SUBTREE. What is suspended further up, or below, stays so. Nothing happens to one that is not suspended.",
  input: (t) => ({ organizationId: t.id({ required: true, description: "The organization to resume." }) }),
  form,
  payload: organizationPayload("The organization is in use."),
  failures: [NotFoundFailure],
  change: async ({ organizationId }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    await setState(ctx, place, "organization.resumed", ({ status }) =>
      status === "SUSPENDED" ? { status: "ACTIVE" } : {},
    );
    return { id: place.id };
  },
});
