import { and, desc, eq, isNotNull, or, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";
import { type JoinRequestId, type MembershipId, newId } from "../../ids.js";
import { record } from "../audit/record.js";
import { comeInto, standingMembership } from "../memberships/addMembership.js";
import { AlreadyMemberFailure, type Member, memberOf } from "../memberships/alreadyMember.js";
import { arrive } from "../memberships/arrive.js";
import { organizations } from "../organizations/table.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { usableRoles } from "../roles/loader.js";
import { withRoles } from "./loader.js";
import { isStale } from "./proof.js";
import {
  type JoinRequestRow,
  joinPolicies,
  joinRequests,
  type OrganizationDomainRow,
  organizationDomains,
} from "./table.js";

export class JoinRefusedFailure extends Failure {
  override readonly name = "JoinRefusedFailure";
  readonly code = "JOIN_REFUSED";
}
failureType(JoinRefusedFailure, "Somebody decided not to let the caller in. They can still be invited.");

/** Somebody has to look whether the domain is still proven, which nobody does inside a session. */
export class StaleProof extends Error {
  constructor(readonly claim: OrganizationDomainRow) {
    super("The proof has to be looked for again.");
  }
}

export interface Joined {
  /** Null for somebody who has to wait. */
  readonly membershipId: MembershipId | null;
}

export const nothingToJoin = () =>
  new NotFoundFailure("There is nothing that you can join by your address. Ask somebody there to invite you.");

const isMember = (member: Member | null) => new AlreadyMemberFailure("You are a member there already.", null, member);

interface Joining {
  /** Verified. */
  readonly email: string;
  readonly domain: string;
  /** Whether the proof was seen a moment ago. */
  readonly isFresh: boolean;
}

/** Inside the tenant, with the rights of who set the policy: which are looked at for every person who joins. */
export async function join(ctx: Context, { email, domain, isFresh }: Joining): Promise<Joined> {
  const { session, access, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const [found] = await db
    .select({
      claim: organizationDomains,
      policy: joinPolicies,
      place: { id: organizations.id, path: organizations.path },
    })
    .from(organizationDomains)
    .innerJoin(
      joinPolicies,
      and(
        eq(joinPolicies.tenantId, organizationDomains.tenantId),
        eq(joinPolicies.organizationId, organizationDomains.organizationId),
      ),
    )
    .innerJoin(
      organizations,
      and(
        eq(organizations.tenantId, organizationDomains.tenantId),
        eq(organizations.id, organizationDomains.organizationId),
      ),
    )
    .where(
      and(
        eq(organizationDomains.tenantId, tenantId),
        eq(organizationDomains.domain, domain),
        isNotNull(organizationDomains.provenAt),
      ),
    )
    // Neither is taken back at the same moment.
    .for("update", { of: [organizationDomains, joinPolicies] });
  if (!found || found.policy.mode === "OFF" || !access.allows(found.place, "domains:manage")) throw nothingToJoin();
  const { claim, policy, place } = found;
  if (isFresh)
    await db
      .update(organizationDomains)
      .set({ checkedAt: now })
      .where(and(eq(organizationDomains.tenantId, tenantId), eq(organizationDomains.id, claim.id)));
  else if (isStale(claim, now)) throw new StaleProof(claim);
  await mustNotBeMember(ctx, place);
  const answer = await lastAnswer(ctx, place, email);
  if (answer === "REFUSED") throw new JoinRefusedFailure("Somebody decided not to let you in. Ask them to invite you.");
  if (policy.mode === "ASK") return ask(ctx, place, email, answer);

  const usable = await usableRoles(scopeOf(ctx), ctx.catalogue, place);
  const { grants, isWhole } = withRoles(policy.grants, usable);
  if (!isWhole) throw nothingToJoin();
  const wanted = grants.map((grant) => ({ ...grant, field: [] }));
  const arrived = await arrive(ctx, email);
  const membershipId = await comeInto(ctx, place, arrived, wanted, null, "domains:manage").catch((error) => {
    if (error instanceof AlreadyMemberFailure) throw isMember(error.member);
    throw error instanceof ExceedsYoursFailure ? nothingToJoin() : error;
  });
  record(ctx, {
    action: "membership.joined",
    organizationId: place.id,
    targetType: "Membership",
    targetId: membershipId,
    changes: { domain, setBy: policy.setBy },
  });
  return { membershipId };
}

/** @throws AlreadyMemberFailure when the caller has signed in before, and has a membership there that nobody begins anew for them */
async function mustNotBeMember(ctx: Context, place: Place): Promise<void> {
  const userId = scopeOf(ctx).viewer.id;
  const standing = await standingMembership(ctx, place, userId);
  if (standing?.identity) throw isMember(memberOf(ctx, place, userId, true));
}

/**
 * What became of what the caller asked there: a no, if there ever was one, for it holds however people join now, and by whatever
 * account they come with the same address; else of their last request. Null where there is none.
 */
async function lastAnswer(ctx: Context, place: Place, email: string): Promise<JoinRequestRow["status"] | null> {
  const { db, tenantId } = scopeOf(ctx).session;
  const [last] = await db
    .select({ status: joinRequests.status })
    .from(joinRequests)
    .where(
      and(
        eq(joinRequests.tenantId, tenantId),
        eq(joinRequests.organizationId, place.id),
        or(
          eq(joinRequests.identity, ctx.arrivals!.digest),
          and(eq(joinRequests.email, email), eq(joinRequests.status, "REFUSED")),
        ),
      ),
    )
    .orderBy(desc(sql`${joinRequests.status} = 'REFUSED'`), desc(joinRequests.createdAt), desc(joinRequests.id))
    .limit(1);
  return last?.status ?? null;
}

/** Asks to be let in; who asked before, and waits, has asked already. */
async function ask(
  ctx: Context,
  place: Place,
  email: string,
  answer: JoinRequestRow["status"] | null,
): Promise<Joined> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const identity = ctx.arrivals!.digest;
  if (answer === "OPEN") return { membershipId: null };
  const id = newId<JoinRequestId>();
  const displayName = ctx.identity!.name ?? email;
  await db.insert(joinRequests).values({
    tenantId,
    id,
    organizationId: place.id,
    email,
    displayName,
    identity,
    createdAt: now,
    updatedAt: now,
  });
  // Whoever asks need not be anybody in the tenant: then the entry names nobody whom it knows.
  record(ctx, {
    action: "joinRequest.made",
    organizationId: place.id,
    targetType: "JoinRequest",
    targetId: id,
  });
  return { membershipId: null };
}
