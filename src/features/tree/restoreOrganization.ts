import { z } from "zod";
import { getNamed } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { organizationPayload, setState } from "./changeOrganization.js";

const form = z.object({ organizationId: z.string() });

mutation<z.output<typeof form>, { id: OrganizationId }>("restoreOrganization", {
  description:
    "Takes an archived organization into use again, also one that is to be deleted, until it is gone. Needs `organizations:delete` there with reach SUBTREE. What is archived further up, or below, stays so. Nothing happens to one that is not archived.",
  input: (t) => ({ organizationId: t.id({ required: true, description: "The organization to restore." }) }),
  form,
  payload: organizationPayload("The organization is in use."),
  failures: [NotFoundFailure],
  change: async ({ organizationId }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    await setState(ctx, place, "organization.restored", ({ status }) =>
      status === "ARCHIVED" ? { status: "ACTIVE", deletesAt: null } : {},
    );
    return { id: place.id };
  },
});
