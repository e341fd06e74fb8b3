import { randomBytes } from "node:crypto";
import { and, count, eq } from "drizzle-orm";
import { z } from "zod";
import type { Place } from "../../access/access.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, type MutationPayload, mutation } from "../../graphql/mutation.js";
import { normaliseDomain } from "../../identity/domain.js";
import { newId, type OrganizationId } from "../../ids.js";
import { oneAtATime } from "../../tenancy/oneAtATime.js";
import { record } from "../audit/record.js";
import { findOrganization } from "../organizations/loader.js";
import { organizationField } from "../organizations/payload.js";
import { domainsOf } from "./loader.js";
import { isPublicProvider } from "./providers.js";
import { type OrganizationDomainRow, organizationDomains } from "./table.js";
import { OrganizationDomain } from "./type.js";

export class PublicDomainFailure extends Failure {
  override readonly name = "PublicDomainFailure";
  readonly code = "PUBLIC_DOMAIN";
}
failureType(
  PublicDomainFailure,
  "Anybody gets an address of this domain: who has one belongs to nobody by it. Claim a domain of your own.",
);

const MOST_DOMAINS = 20;
export const DOMAIN_FIELD = ["input", "domain"];

export const domainForm = z.object({
  organizationId: z.string(),
  domain: z.string().transform((value, ctx) => {
    const domain = normaliseDomain(value.trim());
    if (domain?.includes(".")) return domain;
    ctx.addIssue("This is not a domain: example.com.");
    return z.NEVER;
  }),
});

export interface OfDomain {
  readonly organizationId: OrganizationId;
  readonly domain: string;
}

/** The payload of changes to one domain: the domain, unless it is gone, and whose it is. */
export const domainPayload = (description: string): MutationPayload<OfDomain> => ({
  description,
  fields: (t) => ({
    domain: t.field({
      type: OrganizationDomain,
      nullable: true,
      description: "The domain as it is now; null when the viewer may not manage domains there any more.",
      resolve: async ({ organizationId, domain }, _args, ctx) => {
        const organization = await findOrganization(scopeOf(ctx), organizationId);
        if (!organization || !scopeOf(ctx).access.allows(organization, "domains:manage")) return null;
        return (await domainsOf(scopeOf(ctx)).load(organizationId)).find((row) => row.domain === domain);
      },
    }),
    organization: organizationField(t, "Whose it is; null when the viewer does not see it any more."),
  }),
});

/** The claim of an organization to a domain, its row locked; null where it makes none. */
export async function findClaim(
  ctx: Context,
  organizationId: OrganizationId,
  domain: string,
): Promise<OrganizationDomainRow | null> {
  const { db, tenantId } = scopeOf(ctx).session;
  const [row] = await db
    .select()
    .from(organizationDomains)
    .where(
      and(
        eq(organizationDomains.tenantId, tenantId),
        eq(organizationDomains.organizationId, organizationId),
        eq(organizationDomains.domain, domain),
      ),
    )
    .for("update");
  return row ?? null;
}

/**
 * Says that a domain is an organization's, which gives it nothing, and takes nothing from whoever says the same.
 * @throws PublicDomainFailure
 * @throws InvalidInputFailure  there are twenty already
 */
async function claimDomain(ctx: Context, place: Place, domain: string): Promise<void> {
  if (isPublicProvider(domain))
    throw new PublicDomainFailure(
      "Anybody gets an address of this domain. Claim one that is yours alone.",
      DOMAIN_FIELD,
    );
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  // Of two who claim at once, the second counts what the first claimed.
  await oneAtATime(session, `domains ${place.id}`);
  if (await findClaim(ctx, place.id, domain)) return;
  const [all] = await db
    .select({ count: count() })
    .from(organizationDomains)
    .where(and(eq(organizationDomains.tenantId, tenantId), eq(organizationDomains.organizationId, place.id)));
  if (all!.count >= MOST_DOMAINS)
    throw new InvalidInputFailure(`An organization may claim ${MOST_DOMAINS} domains. Release one.`, DOMAIN_FIELD);
  const id = newId<OrganizationDomainRow["id"]>();
  const proof = randomBytes(18).toString("base64url");
  await db
    .insert(organizationDomains)
    .values({ tenantId, id, organizationId: place.id, domain, proof, createdAt: now });
  record(ctx, { ...aboutDomain(place.id, domain), action: "domain.claimed" });
}

/** What happens to a domain is noted of the organization, whose it may cease to be. */
export const aboutDomain = (organizationId: OrganizationId, domain: string) => ({
  organizationId,
  targetType: "Organization",
  targetId: organizationId,
  changes: { domain },
});

mutation<z.output<typeof domainForm>, OfDomain>("claimDomain", {
  description:
    "Says that a domain is the organization's. It counts once `verifyDomain` has seen the proof in its DNS. Needs `domains:manage` there. Nothing happens to one that it claims already.",
  input: (t) => ({
    organizationId: t.id({ required: true, description: "Whose it is." }),
    domain: t.string({ required: true, description: "The domain: what stands behind the @ of an address." }),
  }),
  form: domainForm,
  payload: domainPayload("The domain is claimed: its record has to be put into DNS next."),
  failures: [PublicDomainFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ organizationId, domain }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    await claimDomain(ctx, place, domain);
    return { organizationId: place.id, domain };
  },
});
