import { and, eq, gt, isNull, or, sql } from "drizzle-orm";
import { z } from "zod";
import type { Place } from "../../access/access.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { record } from "../audit/record.js";
import { rightsReachingFrom } from "../memberships/rights.js";
import { grants, memberships } from "../memberships/table.js";
import { MOST_ABOVE } from "../organizations/form.js";
import { organizations } from "../organizations/table.js";
import { discreetly, ExceedsYoursFailure, mustHold, mustHoldNow } from "../roles/exceedsYours.js";
import { roles } from "../roles/table.js";
import { FIELD, mustNotBeRoot, organizationPayload, RootOrganizationFailure } from "./changeOrganization.js";

export class RolesLeftBehindFailure extends Failure {
  override readonly name = "RolesLeftBehindFailure";
  readonly code = "ROLES_LEFT_BEHIND";
}
failureType(
  RolesLeftBehindFailure,
  "There are grants there of roles that are defined further up, where the organization would not be any more. `message` names the roles to who may read members there.",
);

const form = z.object({ organizationId: z.string(), parentId: z.string() });
/** As many roles as a sentence holds. */
const MOST_NAMED = 10;
const PARENT = ["input", "parentId"];
const SOMEBODY_HAS_MORE = "Somebody above the old place or the new one has more than you hold here yourself. Ask them.";

/**
 * Puts an organization, with everything below it, below another one; nothing happens where it is there already. That gives:
 * whoever has something with reach SUBTREE above the new place has it there from now on, and whoever had it above the old one
 * has it no more. The tenant's lock is held alone, so that all paths fit each other at every moment.
 * @throws RootOrganizationFailure
 * @throws InvalidInputFailure     it would be below itself, or too deep
 * @throws RolesLeftBehindFailure  who edits such a role could go on changing what is no longer theirs
 * @throws ExceedsYoursFailure     it gives, or withdraws, what the viewer does not hold there and below
 */
export async function moveOrganization(ctx: Context, place: Place, parent: Place): Promise<void> {
  mustNotBeRoot(place);
  const { session, access, now } = scopeOf(ctx);
  const from = place.path.at(-1)!;
  if (parent.id === from) return;
  const path = [...parent.path, parent.id];
  if (path.includes(place.id)) throw new InvalidInputFailure("An organization cannot go below itself.", PARENT);
  await mustNotBeTooDeep(ctx, place, path);

  const left = place.path.filter((id) => !path.includes(id));
  await mustLeaveNoRoleBehind(ctx, place, left);
  const there = { at: place, reach: "SUBTREE" } as const;
  const reached = path.filter((id) => !place.path.includes(id));
  for (const { at, permissions, until } of await rightsReachingFrom(ctx, reached))
    discreetly(access, at, SOMEBODY_HAS_MORE, () =>
      mustHold(access, { permissions, ...there, until }, "organizations:move", PARENT),
    );
  for (const { at, permissions } of await rightsReachingFrom(ctx, left))
    discreetly(access, at, SOMEBODY_HAS_MORE, () => mustHoldNow(access, { permissions, ...there }, "withdraw", FIELD));

  const { id, parentId, path: oldPath, updatedAt } = organizations;
  const isItself = sql`${id} = ${place.id}`;
  await session.db
    .update(organizations)
    .set({
      parentId: sql`case when ${isItself} then ${parent.id}::uuid else ${parentId} end`,
      path: sql`${uuids(path)} || ${oldPath}[${place.path.length + 1}:]`,
      updatedAt: sql`case when ${isItself} then ${now.toISOString()}::timestamptz else ${updatedAt} end`,
    })
    .where(isInside(ctx, place));
  const target = { targetType: "Organization", targetId: place.id };
  record(
    ctx,
    {
      ...target,
      action: "organization.moved",
      organizationId: place.id,
      changes: { before: { parentId: from }, after: { parentId: parent.id } },
    },
    // Where it was, nobody reads what stands on its new path; nor need they see where it went.
    { ...target, action: "organization.movedAway", organizationId: from, changes: { before: { parentId: from } } },
  );
}

/** An organization, or one below it. */
const isInside = (ctx: Context, { id }: Place) =>
  and(
    eq(organizations.tenantId, scopeOf(ctx).session.tenantId),
    or(eq(organizations.id, id), sql`${id} = any(${organizations.path})`),
  );

async function mustNotBeTooDeep(ctx: Context, place: Place, path: readonly OrganizationId[]): Promise<void> {
  const [deepest] = await scopeOf(ctx)
    .session.db.select({ levels: sql<number>`max(cardinality(${organizations.path}))` })
    .from(organizations)
    .where(isInside(ctx, place));
  if (path.length + deepest!.levels - place.path.length <= MOST_ABOVE) return;
  throw new InvalidInputFailure(
    `An organization has at most ${MOST_ABOVE} others above it, and one here would have more. Choose a parent further up.`,
    PARENT,
  );
}

/** Of memberships that are suspended, too: they come back as they were. */
async function mustLeaveNoRoleBehind(ctx: Context, place: Place, left: readonly OrganizationId[]): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const found = await session.db
    .selectDistinct({ key: roles.key })
    .from(grants)
    .innerJoin(memberships, and(eq(memberships.tenantId, grants.tenantId), eq(memberships.id, grants.membershipId)))
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
    )
    .innerJoin(roles, and(eq(roles.tenantId, grants.tenantId), eq(roles.id, grants.roleId)))
    .where(
      and(
        eq(grants.tenantId, session.tenantId),
        isInside(ctx, place),
        sql`${roles.organizationId} = any(${uuids(left)})`,
        or(isNull(grants.expiresAt), gt(grants.expiresAt, now)),
      ),
    )
    .orderBy(roles.key)
    .limit(MOST_NAMED);
  if (found.length === 0) return;
  const isKnown = scopeOf(ctx).access.allows(place, "members:read", "SUBTREE");
  const keys = isKnown ? `: ${found.map(({ key }) => key).join(", ")}` : "";
  throw new RolesLeftBehindFailure(
    `People there have roles that are defined above and would not be usable any more${keys}. Give them others first.`,
    FIELD,
  );
}

mutation<z.output<typeof form>, { id: OrganizationId }>("moveOrganization", {
  description:
    "Puts an organization, with everything below it, below another one. Needs `organizations:move` there, and `organizations:create` and `organizations:read` at the new parent, all with reach SUBTREE; and everything that people above the new place get there by it, and people above the old place lose. Nothing happens where it is there already.",
  input: (t) => ({
    organizationId: t.id({ required: true, description: "The organization to move." }),
    parentId: t.id({ required: true, description: "The organization it goes below." }),
  }),
  form,
  payload: organizationPayload("The organization is where it shall be."),
  failures: [
    RootOrganizationFailure,
    RolesLeftBehindFailure,
    ExceedsYoursFailure,
    InvalidInputFailure,
    NotFoundFailure,
  ],
  change: async ({ organizationId, parentId }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    await moveOrganization(ctx, place, getNamed(ctx, "Organization", parentId).place);
    return { id: place.id };
  },
});
