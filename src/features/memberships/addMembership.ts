import { and, eq, gt, isNull, lte, ne, or, sql } from "drizzle-orm";
import { z } from "zod";
import type { Place } from "../../access/access.js";
import { refuseOn } from "../../database/errors.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { type MembershipId, newId, type OrganizationId, type UserId } from "../../ids.js";
import { record } from "../audit/record.js";
import { organizationField } from "../organizations/payload.js";
import { organizations } from "../organizations/table.js";
import { ExceedsYoursFailure, mustHold } from "../roles/exceedsYours.js";
import type { Giving } from "../roles/giving.js";
import { users } from "../users/table.js";
import { AlreadyMemberFailure, IS_MEMBER, memberOf } from "./alreadyMember.js";
import { begunAnew, dropGrants } from "./anew.js";
import { changeGrants } from "./changeGrants.js";
import { getUser } from "./getUser.js";
import { GrantInput, grantInputs, mustBeAhead, readWanted, type Wanted } from "./grantInput.js";
import { findMembership } from "./loader.js";
import { planGrants } from "./planGrants.js";
import { memberships } from "./table.js";
import { Membership } from "./type.js";

/** Who has come, and whether somebody wrote them down before they ever signed in. */
export interface Arrived {
  readonly userId: UserId;
  readonly wasWrittenDown: boolean;
}

const form = z.object({
  organizationId: z.string(),
  userId: z.string(),
  grants: grantInputs,
  expiresAt: z.date().nullish(),
});

/**
 * Makes a person a member of an organization. One whose membership there has ended gets the same one again, with the new
 * grants and end. Of two calls at once, one makes the member and the other is told so.
 * @throws AlreadyMemberFailure  there is a membership that has not ended
 * @throws ExceedsYoursFailure   a grant is more than the viewer holds, or it or the membership outlasts what they hold
 */
export async function addMembership(
  ctx: Context,
  place: Place,
  userId: UserId,
  wanted: readonly Wanted[],
  expiresAt: Date | null,
  by: Giving = "members:manage",
): Promise<MembershipId> {
  mustBeAbleToAdd(ctx, place, expiresAt, by);
  const id = (await renew(ctx, place, userId, expiresAt, by)) ?? (await insert(ctx, place, userId, expiresAt));
  const changes = await changeGrants(ctx, { id, place, expiresAt }, wanted, { replace: false, by });
  record(ctx, {
    action: "membership.added",
    organizationId: place.id,
    targetType: "Membership",
    targetId: id,
    changes: { userId, expiresAt, ...changes },
  });
  return id;
}

/** To be a member is to see the organization: that, too, ends with the authority that it was made with. */
function mustBeAbleToAdd(ctx: Context, place: Place, until: Date | null, by: Giving): void {
  const being = { permissions: [], at: place, reach: "ORGANIZATION", until } as const;
  mustHold(scopeOf(ctx).access, being, by, ["input", "expiresAt"]);
}

/**
 * Makes whoever has come a member. Whom somebody made a member there before they ever signed in comes into that membership, and
 * nothing about it changes: by no other way could they come in. Whoever lets them in must be able to give what they would give to
 * anybody else.
 * @throws AlreadyMemberFailure  that membership is suspended, or they have signed in before
 * @throws ExceedsYoursFailure
 */
export async function comeInto(
  ctx: Context,
  place: Place,
  { userId, wasWrittenDown }: Arrived,
  wanted: readonly Wanted[],
  expiresAt: Date | null,
  by: Giving,
): Promise<MembershipId> {
  const standing = wasWrittenDown ? await standingMembership(ctx, place, userId) : null;
  if (!standing) return addMembership(ctx, place, userId, wanted, expiresAt, by);
  mustBeAbleToAdd(ctx, place, expiresAt, by);
  planGrants(ctx, { id: standing.id, place, expiresAt }, [], wanted, { replace: false, by });
  if (standing.status === "SUSPENDED")
    throw new AlreadyMemberFailure("This membership is suspended.", null, memberOf(ctx, place, userId, false));
  return standing.id;
}

/** A membership that nobody who lets others in begins anew; null where there is none. */
export async function standingMembership(ctx: Context, place: Place, userId: UserId) {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const [standing] = await db
    .select({ id: memberships.id, status: memberships.status, identity: users.identity })
    .from(memberships)
    .innerJoin(users, and(eq(users.tenantId, memberships.tenantId), eq(users.id, memberships.userId)))
    .where(
      and(
        eq(memberships.tenantId, tenantId),
        eq(memberships.organizationId, place.id),
        eq(memberships.userId, userId),
        or(isNull(memberships.expiresAt), gt(memberships.expiresAt, now), ne(memberships.status, "ACTIVE")),
      ),
    );
  return standing ?? null;
}

/**
 * The ended membership of a person, begun anew without its old grants; null where there is none. One that was suspended only who
 * could resume it begins anew.
 */
async function renew(
  ctx: Context,
  place: Place,
  userId: UserId,
  expiresAt: Date | null,
  by: Giving,
): Promise<MembershipId | null> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const [renewed] = await db
    .update(memberships)
    .set({ expiresAt, ...begunAnew(now) })
    .where(
      and(
        eq(memberships.tenantId, tenantId),
        eq(memberships.organizationId, place.id),
        eq(memberships.userId, userId),
        lte(memberships.expiresAt, now),
        by === "members:manage" ? undefined : eq(memberships.status, "ACTIVE"),
      ),
    )
    .returning({ id: memberships.id });
  if (!renewed) return null;
  await dropGrants(db, tenantId, [renewed.id]);
  return renewed.id;
}

async function insert(ctx: Context, place: Place, userId: UserId, expiresAt: Date | null): Promise<MembershipId> {
  const { session, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const id = newId<MembershipId>();
  await refuseOn(
    {
      memberships_person_key: () =>
        // Whoever comes in, and has a membership there that does not end here, has signed in: see `comeInto`.
        new AlreadyMemberFailure(IS_MEMBER, ["input", "userId"], memberOf(ctx, place, userId, true)),
    },
    db
      .insert(memberships)
      .values({ tenantId, id, organizationId: place.id, userId, expiresAt, createdAt: now, updatedAt: now }),
  );
  await db
    .update(organizations)
    .set({ memberCount: sql`${organizations.memberCount} + 1` })
    .where(and(eq(organizations.tenantId, tenantId), eq(organizations.id, place.id)));
  return id;
}

mutation<z.output<typeof form>, { id: MembershipId; organizationId: OrganizationId }>("addMembership", {
  description:
    "Makes a person a member of an organization. Needs `members:manage` there, everything that the grants give, and a person whom the viewer can see; somebody who is in no organization yet is seen with `members:manage` at the root and reach SUBTREE.",
  input: (t) => ({
    organizationId: t.id({ required: true, description: "Where they become a member." }),
    userId: t.id({ required: true, description: "Who." }),
    grants: t.field({ type: [GrantInput], required: true, description: "What they may do there; may be empty." }),
    expiresAt: t.field({ type: "DateTime", description: "When the membership ends; left out for no end." }),
  }),
  form,
  payload: {
    description: "The person is a member.",
    fields: (t) => ({
      membership: t.field({
        type: Membership,
        nullable: true,
        description: "The membership; null when the viewer may not read members there.",
        resolve: ({ id }, _args, ctx) => findMembership(scopeOf(ctx), id),
      }),
      organization: organizationField(t, "The organization, with its new count; null when the viewer does not see it."),
    }),
  },
  failures: [AlreadyMemberFailure, ExceedsYoursFailure, InvalidInputFailure, NotFoundFailure],
  change: async (input, ctx) => {
    const { place } = getNamed(ctx, "Organization", input.organizationId);
    const user = await getUser(ctx, input.userId);
    const expiresAt = mustBeAhead(input.expiresAt, scopeOf(ctx).now, ["input", "expiresAt"]);
    const wanted = await readWanted(ctx, place, input.grants, (index) => ["input", "grants", String(index)]);
    return { id: await addMembership(ctx, place, user.id, wanted, expiresAt), organizationId: place.id };
  },
});
