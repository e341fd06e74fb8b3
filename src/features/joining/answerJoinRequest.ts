import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import type { JoinRequestId, MembershipId, OrganizationId } from "../../ids.js";
import { record } from "../audit/record.js";
import { comeInto } from "../memberships/addMembership.js";
import { AlreadyMemberFailure, IS_MEMBER } from "../memberships/alreadyMember.js";
import { letIn } from "../memberships/arrive.js";
import { GrantInput, grantInputs, mustBeAhead, readWanted } from "../memberships/grantInput.js";
import { findMembership } from "../memberships/loader.js";
import { Membership } from "../memberships/type.js";
import { type Fields, organizationField } from "../organizations/payload.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { findJoinRequest } from "./loader.js";
import { type JoinRequestRow, joinRequests } from "./table.js";
import { JoinRequest } from "./type.js";

export class JoinRequestClosedFailure extends Failure {
  override readonly name = "JoinRequestClosedFailure";
  readonly code = "JOIN_REQUEST_CLOSED";
}
failureType(
  JoinRequestClosedFailure,
  "Somebody has decided about the request already, or whoever made it is suspended in the tenant.",
);

const FIELD = ["input", "joinRequestId"];

const decidedAlready = () => new JoinRequestClosedFailure("Somebody has decided about this request already.", FIELD);

/** A request that the field's rule has judged, its row locked. */
async function lock(ctx: Context, { id, place }: Named): Promise<JoinRequestRow> {
  const { db, tenantId } = scopeOf(ctx).session;
  const [row] = await db
    .select()
    .from(joinRequests)
    .where(
      and(
        eq(joinRequests.tenantId, tenantId),
        eq(joinRequests.organizationId, place.id),
        eq(joinRequests.id, id as JoinRequestId),
      ),
    )
    .for("update");
  return row!;
}

/**
 * Lets whoever was let in before find the tenant: where that failed then, nobody else could do it. Nobody reads what the change
 * answers: behind its commit it fails.
 */
async function admitOnly(ctx: Context, { identity }: JoinRequestRow): Promise<never> {
  const { tenantId } = scopeOf(ctx).session;
  ctx.operation.afterCommit(async () => {
    await ctx.arrivals!.admit(tenantId, identity);
    throw decidedAlready();
  });
  return null as never;
}

async function end(ctx: Context, row: JoinRequestRow, status: "APPROVED" | "REFUSED", changes = {}): Promise<void> {
  const { session, now } = scopeOf(ctx);
  await session.db
    .update(joinRequests)
    .set({ status, updatedAt: now })
    .where(and(eq(joinRequests.tenantId, session.tenantId), eq(joinRequests.id, row.id)));
  record(ctx, {
    action: status === "APPROVED" ? "joinRequest.approved" : "joinRequest.refused",
    organizationId: row.organizationId,
    targetType: "JoinRequest",
    targetId: row.id,
    changes,
  });
}

const joinRequestField = <Payload extends { readonly id: JoinRequestId }>(t: Fields<Payload>) =>
  t.field({
    type: JoinRequest,
    nullable: true,
    description: "The request as it is now; null when the viewer does not decide there any more.",
    resolve: ({ id }, _args, ctx) => findJoinRequest(scopeOf(ctx), id),
  });

const approval = z.object({ joinRequestId: z.string(), grants: grantInputs, expiresAt: z.date().nullish() });

interface Approved {
  readonly id: JoinRequestId;
  readonly membershipId: MembershipId;
  readonly organizationId: OrganizationId;
}

mutation<z.output<typeof approval>, Approved>("approveJoinRequest", {
  description:
    "Makes somebody a member who asked to join. Needs `domains:manage` there, and everything that the grants give.",
  input: (t) => ({
    joinRequestId: t.id({ required: true, description: "The request." }),
    grants: t.field({ type: [GrantInput], required: true, description: "What they may do there; may be empty." }),
    expiresAt: t.field({ type: "DateTime", description: "When the membership ends; left out for no end." }),
  }),
  form: approval,
  payload: {
    description: "They are a member.",
    fields: (t) => ({
      joinRequest: joinRequestField(t),
      membership: t.field({
        type: Membership,
        nullable: true,
        description: "Their membership; null when the viewer may not read members there.",
        resolve: ({ membershipId }, _args, ctx) => findMembership(scopeOf(ctx), membershipId),
      }),
      organization: organizationField(t, "The organization, with its new count; null when the viewer does not see it."),
    }),
  },
  failures: [JoinRequestClosedFailure, AlreadyMemberFailure, ExceedsYoursFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ joinRequestId, grants, expiresAt }, ctx) => {
    const named = getNamed(ctx, "JoinRequest", joinRequestId);
    const { place } = named;
    const ends = mustBeAhead(expiresAt, scopeOf(ctx).now, ["input", "expiresAt"]);
    const wanted = await readWanted(ctx, place, grants, (index) => ["input", "grants", String(index)]);
    const row = await lock(ctx, named);
    if (row.status === "APPROVED") return admitOnly(ctx, row);
    if (row.status !== "OPEN") throw decidedAlready();
    const arrived = await letIn(ctx, { email: row.email, digest: row.identity, name: row.displayName }, FIELD);
    if (arrived === null) throw new JoinRequestClosedFailure("This person is suspended in the tenant.", FIELD);
    const membershipId = await comeInto(ctx, place, arrived, wanted, ends, "domains:manage").catch((error) => {
      throw error instanceof AlreadyMemberFailure ? new AlreadyMemberFailure(IS_MEMBER, FIELD, error.member) : error;
    });
    await end(ctx, row, "APPROVED", { membershipId });
    const { tenantId } = scopeOf(ctx).session;
    ctx.operation.afterCommit(() => ctx.arrivals!.admit(tenantId, row.identity));
    return { id: row.id, membershipId, organizationId: place.id };
  },
});

const refusal = z.object({ joinRequestId: z.string() });

mutation<z.output<typeof refusal>, { id: JoinRequestId }>("refuseJoinRequest", {
  description:
    "Does not let in somebody who asked to join, for good: they can still be invited. Needs `domains:manage` there.",
  input: (t) => ({ joinRequestId: t.id({ required: true, description: "The request." }) }),
  form: refusal,
  payload: { description: "They are not let in.", fields: (t) => ({ joinRequest: joinRequestField(t) }) },
  failures: [JoinRequestClosedFailure, NotFoundFailure],
  change: async ({ joinRequestId }, ctx) => {
    const row = await lock(ctx, getNamed(ctx, "JoinRequest", joinRequestId));
    if (row.status !== "OPEN") throw decidedAlready();
    await end(ctx, row, "REFUSED");
    return { id: row.id };
  },
});
