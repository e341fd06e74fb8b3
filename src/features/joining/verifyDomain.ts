import { and, eq, isNotNull, lt, ne } from "drizzle-orm";
import type { z } from "zod";
import { refuseOn } from "../../database/errors.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { record } from "../audit/record.js";
import { aboutDomain, DOMAIN_FIELD, domainForm, domainPayload, findClaim, type OfDomain } from "./claimDomain.js";
import { lookUpProofs, recordName, recordValue } from "./proof.js";
import { type OrganizationDomainRow, organizationDomains } from "./table.js";

export class DomainNotProvenFailure extends Failure {
  override readonly name = "DomainNotProvenFailure";
  readonly code = "DOMAIN_NOT_PROVEN";
}
failureType(DomainNotProvenFailure, "The DNS of the domain does not say what proves it, or not yet.");

export class DomainTakenFailure extends Failure {
  override readonly name = "DomainTakenFailure";
  readonly code = "DOMAIN_TAKEN";
}
failureType(
  DomainTakenFailure,
  "Another organization has proven the domain, and its proof is still there. Take its record out of DNS, and try again.",
);

const notClaimed = () =>
  new NotFoundFailure("The organization does not claim this domain. Use claimDomain first.", DOMAIN_FIELD);

/**
 * Notes what DNS says of a domain. Whose proof is gone loses it to whoever has one now.
 * @param proofs all that DNS holds
 * @throws DomainNotProvenFailure
 * @throws DomainTakenFailure      of two at once, who have both proven it, for the second
 */
async function settle(ctx: Context, organizationId: OrganizationId, domain: string, proofs: string[]): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const claim = await findClaim(ctx, organizationId, domain);
  if (!claim) throw notClaimed();
  if (!proofs.includes(claim.proof))
    throw new DomainNotProvenFailure(
      `There is no TXT record ${recordName(domain)} that says ${recordValue(claim)}. It may take a while to be seen.`,
      DOMAIN_FIELD,
    );
  const others = await db
    .select()
    .from(organizationDomains)
    .where(
      and(
        eq(organizationDomains.tenantId, tenantId),
        eq(organizationDomains.domain, domain),
        ne(organizationDomains.organizationId, organizationId),
        isNotNull(organizationDomains.provenAt),
      ),
    )
    .for("update");
  for (const other of others) {
    if (proofs.includes(other.proof)) throw isTaken();
    await lapse(ctx, other);
  }
  await refuseOn(
    { organization_domains_proven_key: isTaken },
    db
      .update(organizationDomains)
      .set({ provenAt: claim.provenAt ?? now, checkedAt: now })
      .where(and(eq(organizationDomains.tenantId, tenantId), eq(organizationDomains.id, claim.id))),
  );
  if (!claim.provenAt) record(ctx, { ...aboutDomain(organizationId, domain), action: "domain.proven" });
}

const isTaken = () =>
  new DomainTakenFailure("Another organization has proven this domain, and its record is still there.", DOMAIN_FIELD);

/** Takes back what was proven and is so no more; nothing happens where somebody has seen the proof, or released the domain, since. */
export async function lapse(
  ctx: Context,
  { id, organizationId, domain, checkedAt }: OrganizationDomainRow,
): Promise<void> {
  const { session, now } = scopeOf(ctx);
  // The database tells instants apart that are the same here.
  const isUnseen = lt(organizationDomains.checkedAt, new Date((checkedAt ?? now).getTime() + 1));
  const lapsed = await session.db
    .update(organizationDomains)
    .set({ provenAt: null, checkedAt: now })
    .where(
      and(
        eq(organizationDomains.tenantId, session.tenantId),
        eq(organizationDomains.id, id),
        isNotNull(organizationDomains.provenAt),
        isUnseen,
      ),
    )
    .returning({ id: organizationDomains.id });
  if (lapsed.length === 0) return;
  record(ctx, { ...aboutDomain(organizationId, domain), action: "domain.lapsed" });
}

mutation<z.output<typeof domainForm>, OfDomain>("verifyDomain", {
  description:
    "Looks for the proof of a claimed domain in its DNS. One organization of a tenant has a domain at most: who has proven it keeps it while the proof is there. Needs `domains:manage` there.",
  input: (t) => ({
    organizationId: t.id({ required: true, description: "Who claims it." }),
    domain: t.string({ required: true, description: "The domain." }),
  }),
  form: domainForm,
  payload: domainPayload("The domain is proven."),
  failures: [DomainNotProvenFailure, DomainTakenFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ organizationId, domain }, ctx) => {
    const { place, ...name } = getNamed(ctx, "Organization", organizationId);
    if (!(await findClaim(ctx, place.id, domain))) throw notClaimed();
    const { tenantId } = scopeOf(ctx).session;
    // DNS is asked when no session is open; what it said is noted in a change of its own, judged anew.
    ctx.operation.afterCommit(async () => {
      const proofs = await lookUpProofs(ctx, domain);
      await ctx.operation.change("change", [name], async () => {
        const { named, access } = scopeOf(ctx);
        const found = named.get(name);
        if (!found || !access.allows(found.place, "domains:manage")) throw notClaimed();
        await settle(ctx, found.place.id, domain, proofs);
      });
      await ctx.arrivals!.announceDomain(ctx.domainDigest(domain), tenantId);
    });
    return { organizationId: place.id, domain };
  },
});
