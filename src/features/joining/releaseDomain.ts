import { and, eq } from "drizzle-orm";
import type { z } from "zod";
import { getNamed, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { OrganizationDomainId } from "../../ids.js";
import { record } from "../audit/record.js";
import { organizationField } from "../organizations/payload.js";
import { aboutDomain, DOMAIN_FIELD, domainForm, type OfDomain } from "./claimDomain.js";
import { organizationDomains } from "./table.js";

interface Released extends OfDomain {
  readonly id: OrganizationDomainId;
}

mutation<z.output<typeof domainForm>, Released>("releaseDomain", {
  description:
    "Gives up the claim of an organization to a domain: nobody joins by it any more. Members stay. Needs `domains:manage` there.",
  input: (t) => ({
    organizationId: t.id({ required: true, description: "Who claims it." }),
    domain: t.string({ required: true, description: "The domain." }),
  }),
  form: domainForm,
  payload: {
    description: "The domain is not claimed any more.",
    fields: (t) => ({
      releasedDomainId: t.id({
        description: "The id it had.",
        resolve: ({ id }) => encodeId("OrganizationDomain", id),
      }),
      releasedDomain: t.exposeString("domain", { description: "The domain." }),
      organization: organizationField(t, "Whose it was; null when the viewer does not see it any more."),
    }),
  },
  failures: [InvalidInputFailure, NotFoundFailure],
  change: async ({ organizationId, domain }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    const { db, tenantId } = scopeOf(ctx).session;
    const [released] = await db
      .delete(organizationDomains)
      .where(
        and(
          eq(organizationDomains.tenantId, tenantId),
          eq(organizationDomains.organizationId, place.id),
          eq(organizationDomains.domain, domain),
        ),
      )
      .returning({ id: organizationDomains.id });
    if (!released) throw new NotFoundFailure("The organization does not claim this domain.", DOMAIN_FIELD);
    record(ctx, { ...aboutDomain(place.id, domain), action: "domain.released" });
    return { id: released.id, organizationId: place.id, domain };
  },
});
