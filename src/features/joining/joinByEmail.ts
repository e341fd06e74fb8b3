import { z } from "zod";
import { builder } from "../../graphql/builder.js";
import type { Context } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { domainOf } from "../../identity/email.js";
import { TenantNotFoundError } from "../../identity/errors.js";
import type { UserId } from "../../ids.js";
import type { TenantRecord } from "../../tenancy/directory/directory.js";
import { AlreadyMemberFailure } from "../memberships/addMembership.js";
import { entranceOf } from "../memberships/arrive.js";
import { findMembership } from "../memberships/loader.js";
import { Membership } from "../memberships/type.js";
import { EmailNotVerifiedFailure, verifiedEmail } from "../users/verifiedEmail.js";
import { findJoinable, type Joined, JoinRefusedFailure, join, nothingToJoin, StaleProof } from "./join.js";
import { lookUpProofs } from "./proof.js";
import { lapse } from "./verifyDomain.js";

const form = z.object({ tenantSlug: z.string().nullish() });
const SPONSOR = `select p.set_by from organization_domains d
  join join_policies p on p.tenant_id = d.tenant_id and p.organization_id = d.organization_id
  where d.tenant_id = $1 and d.domain = $2 and d.proven_at is not null and p.mode <> 'OFF'`;

/** A change inside a tenant, by the rights of who lets people join by a domain there. */
type Inside = <T>(tenant: TenantRecord, work: () => Promise<T>) => Promise<T>;

/** The one tenant in which the caller can join by their domain, among those that are meant. */
async function findTenant(ctx: Context, domain: string, slug: string | null, inside: Inside): Promise<TenantRecord> {
  const all = await ctx.arrivals!.tenantsOfDomain(ctx.domainDigest(domain));
  const meant = all.filter((tenant) => slug === null || tenant.slug === slug);
  // Who proved it once, and lets nobody join by it, is not to be told of.
  const open = meant.length > 1 ? await whereOpen(ctx, meant, domain, inside) : meant;
  if (open.length > 1)
    throw new InvalidInputFailure("There is more than one for your address. Say which.", ["input", "tenantSlug"]);
  if (open.length === 0) throw nothingToJoin();
  return open[0]!;
}

async function whereOpen(ctx: Context, tenants: readonly TenantRecord[], domain: string, inside: Inside) {
  const open: TenantRecord[] = [];
  for (const tenant of tenants) {
    const isOpen = inside(tenant, () => findJoinable(ctx, domain)).then(
      () => true,
      (error) => {
        if (error instanceof NotFoundFailure) return false;
        throw error;
      },
    );
    if (await isOpen) open.push(tenant);
  }
  return open;
}

/**
 * Lets the caller join by the domain of their address, or ask to. A proof that was seen long ago is looked for again first.
 * @throws NotFoundFailure  nobody ever says why: no such tenant, no such domain, nobody to let them in
 */
async function joinByEmail(ctx: Context, slug: string | null): Promise<Joined & { readonly tenantSlug: string }> {
  const email = verifiedEmail(ctx.identity!);
  const domain = domainOf(email);
  const inside: Inside = ({ id }, work) => {
    const entrance = entranceOf(ctx, id, email, async (session) => {
      const [row] = await session.query(SPONSOR, [id, domain]);
      return (row?.set_by as UserId | undefined) ?? null;
    });
    return ctx.operation.changeIn(entrance, work).catch((error) => {
      throw error instanceof TenantNotFoundError ? nothingToJoin() : error;
    });
  };
  const tenant = await findTenant(ctx, domain, slug, inside);
  const attempt = (isFresh: boolean) => inside(tenant, () => join(ctx, { email, domain, isFresh }));
  const joined = await attempt(false).catch(async (error) => {
    // Of one who joined before and was not let in.
    if (error instanceof AlreadyMemberFailure) await ctx.arrivals!.admit(tenant.id);
    if (!(error instanceof StaleProof)) throw error;
    const proofs = await lookUpProofs(ctx, domain);
    if (proofs.includes(error.claim.proof)) return attempt(true);
    await inside(tenant, () => lapse(ctx, error.claim));
    throw nothingToJoin();
  });
  await ctx.arrivals!.admit(tenant.id);
  return { ...joined, tenantSlug: tenant.slug };
}

const JoinOutcome = builder.enumType("JoinOutcome", {
  description: "What came of joining.",
  values: {
    JOINED: { description: "The caller is a member." },
    REQUESTED: { description: "Somebody has to decide." },
  } as const,
});

mutation<z.output<typeof form>, Joined & { readonly tenantSlug: string }>("joinByEmail", {
  description:
    "Makes the caller a member of the organization that has proven the domain of their address, or asks for it. Needs a token with a verified address, and no tenant.",
  input: (t) => ({
    tenantSlug: t.string({ description: "Which tenant, where the domain is known in more than one." }),
  }),
  form,
  payload: {
    description: "The caller has joined, or has asked to.",
    fields: (t) => ({
      outcome: t.field({
        type: JoinOutcome,
        description: "Which of the two.",
        resolve: ({ membershipId }) => (membershipId ? ("JOINED" as const) : ("REQUESTED" as const)),
      }),
      membership: t.field({
        type: Membership,
        nullable: true,
        description: "The membership; null when somebody has to decide.",
        resolve: ({ membershipId }, _args, { operation: { scope } }) =>
          scope && membershipId && findMembership(scope, membershipId),
      }),
      tenantSlug: t.exposeString("tenantSlug", {
        description: "What to send as X-Tenant once the caller is a member.",
      }),
    }),
  },
  failures: [EmailNotVerifiedFailure, JoinRefusedFailure, AlreadyMemberFailure, InvalidInputFailure, NotFoundFailure],
  change: ({ tenantSlug }, ctx) => joinByEmail(ctx, tenantSlug ?? null),
});
