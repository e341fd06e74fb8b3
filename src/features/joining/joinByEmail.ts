import { z } from "zod";
import { builder } from "../../graphql/builder.js";
import type { Context } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { domainOf } from "../../identity/email.js";
import { TenantNotFoundError } from "../../identity/errors.js";
import type { UserId } from "../../ids.js";
import type { TenantRecord } from "../../tenancy/directory/directory.js";
import { AlreadyMemberFailure } from "../memberships/alreadyMember.js";
import { entranceOf } from "../memberships/arrive.js";
import { findMembership } from "../memberships/loader.js";
import { Membership } from "../memberships/type.js";
import { EmailNotVerifiedFailure, verifiedEmail } from "../users/verifiedEmail.js";
import { type Joined, JoinRefusedFailure, join, nothingToJoin, StaleProof } from "./join.js";
import { lookUpProofs } from "./proof.js";
import { lapse } from "./verifyDomain.js";

const form = z.object({ tenantSlug: z.string().nullish() });
const SPONSOR = `select p.set_by from organization_domains d
  join join_policies p on p.tenant_id = d.tenant_id and p.organization_id = d.organization_id
  where d.tenant_id = $1 and d.domain = $2 and d.proven_at is not null and p.mode <> 'OFF'`;

/** Ends a change that was only to be tried, so that nothing of it stays. */
class Tried extends Error {}

/** How the caller joins one tenant, or another. */
interface Way {
  readonly ctx: Context;
  /** Verified. */
  readonly email: string;
  readonly domain: string;
}

/** The one tenant in which the caller can join by their domain, among those that are meant. */
async function findTenant(way: Way, slug: string | null): Promise<TenantRecord> {
  const { named, tenantsOfDomain } = way.ctx.arrivals!;
  const ofDomain = (which: string | null) => tenantsOfDomain(way.ctx.domainDigest(way.domain), which);
  if (slug === null && named !== null) {
    // Who names one where they cannot join is in that one already, and does not ask to join it.
    const [preferred] = await whereOpen(way, await ofDomain(named));
    if (preferred) return preferred;
  }
  const meant = await ofDomain(slug);
  // Where it was proven once, and nobody can join by it, is not to be told of.
  const [tenant, ...others] = meant.length > 1 ? await whereOpen(way, meant) : meant;
  if (others.length > 0)
    throw new InvalidInputFailure("There is more than one for your address. Say which.", ["input", "tenantSlug"]);
  if (!tenant) throw nothingToJoin();
  return tenant;
}

/** Those that would answer the caller something else than that there is nothing. */
async function whereOpen(way: Way, tenants: readonly TenantRecord[]): Promise<TenantRecord[]> {
  const open: TenantRecord[] = [];
  for (const tenant of tenants) {
    try {
      await joinIn(way, tenant, () => {
        throw new Tried();
      });
    } catch (error) {
      if (error instanceof NotFoundFailure) continue;
      if (!(error instanceof Tried || error instanceof Failure)) throw error;
    }
    open.push(tenant);
  }
  return open;
}

/**
 * Joins in a tenant. A proof that was seen long ago is looked for again first.
 * @param then what is done inside, once all else is done
 */
async function joinIn<T>({ ctx, email, domain }: Way, { id }: TenantRecord, then: (joined: Joined) => T): Promise<T> {
  const entrance = entranceOf(ctx, id, email, async (session) => {
    const [row] = await session.query(SPONSOR, [id, domain]);
    return (row?.set_by as UserId | undefined) ?? null;
  });
  const inside = <R>(work: () => Promise<R>): Promise<R> =>
    ctx.operation.changeIn(entrance, work).catch((error) => {
      throw error instanceof TenantNotFoundError ? nothingToJoin() : error;
    });
  const attempt = (isFresh: boolean) => inside(async () => then(await join(ctx, { email, domain, isFresh })));
  return attempt(false).catch(async (error) => {
    if (!(error instanceof StaleProof)) throw error;
    const proofs = await lookUpProofs(ctx, domain);
    if (proofs.includes(error.claim.proof)) return attempt(true);
    await inside(() => lapse(ctx, error.claim));
    throw nothingToJoin();
  });
}

/**
 * Lets the caller join by the domain of their address, or ask to.
 * @throws NotFoundFailure  nobody ever says why: no such tenant, no such domain, nobody to let them in
 */
async function joinByEmail(ctx: Context, slug: string | null): Promise<Joined & { readonly tenantSlug: string }> {
  const email = verifiedEmail(ctx.identity!);
  const way = { ctx, email, domain: domainOf(email) };
  const tenant = await findTenant(way, slug);
  const joined = await joinIn(way, tenant, (done) => done).catch(async (error) => {
    // Of one who came in before and was not let knock.
    if (error instanceof AlreadyMemberFailure && error.member?.hasSignedIn) await ctx.arrivals!.admit(tenant.id);
    throw error;
  });
  if (joined.membershipId) await ctx.arrivals!.admit(tenant.id);
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
    "Makes the caller a member of the organization that has proven the domain of their address, or asks for it. Needs a token with a verified address, and no tenant: one that the request names is a preference where they can join in more than one, and nothing else.",
  input: (t) => ({
    tenantSlug: t.string({
      description:
        "Which tenant, where the domain is known in more than one; no other is looked at. When left out, the one that the request names, if they can join there; else the only one.",
    }),
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
