import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Access } from "../../access/access.js";
import { type Catalogue, stillThere } from "../../access/catalogue.js";
import { earlier, isLive } from "../../access/end.js";
import type { Right } from "../../access/giving.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import type { GrantId, MembershipId, OrganizationId, RoleId, UserId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { organizations } from "../organizations/table.js";
import { discreetly, mustHold, mustHoldNow } from "../roles/exceedsYours.js";
import { roles } from "../roles/table.js";
import { grants, memberships } from "./table.js";

/** What a grant's role allows today. A role that the product no longer has allows nothing, nor does such a permission. */
const allowedBy = (catalogue: Catalogue, key: string | null, own: readonly string[] | null): string[] =>
  stillThere(catalogue, key === null ? (own ?? []) : (catalogue.roles.get(key)?.permissions ?? []));

/** What a grant gives, and to which membership. */
export interface RightOfGrant extends Right {
  readonly membershipId: MembershipId;
}

/** Everything that the live grants of memberships give, suspended or not, to whom it may be. */
async function rightsOf(ctx: Context, which: SQL | undefined): Promise<RightOfGrant[]> {
  const { session, now } = scopeOf(ctx);
  const rows = await session.db
    .select({
      grant: grants,
      membershipEnds: memberships.expiresAt,
      permissions: roles.permissions,
      at: { id: organizations.id, path: organizations.path },
    })
    .from(grants)
    .innerJoin(memberships, and(eq(memberships.tenantId, grants.tenantId), eq(memberships.id, grants.membershipId)))
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
    )
    .leftJoin(roles, and(eq(roles.tenantId, grants.tenantId), eq(roles.id, grants.roleId)))
    .where(and(eq(grants.tenantId, session.tenantId), which));
  return rows
    .map(({ grant, membershipEnds, permissions, at }) => ({
      membershipId: grant.membershipId,
      permissions: allowedBy(ctx.catalogue, grant.roleKey, permissions),
      at,
      reach: grant.reach,
      until: earlier(grant.expiresAt, membershipEnds),
    }))
    .filter(({ until }) => isLive(until, now));
}

export const rightsOfGrant = (ctx: Context, id: GrantId) => rightsOf(ctx, eq(grants.id, id));

/** Of all the live grants of a role of the tenant's own. */
export const rightsOfRole = (ctx: Context, id: RoleId) => rightsOf(ctx, eq(grants.roleId, id));

export const rightsOfMembership = (ctx: Context, id: MembershipId) => rightsOf(ctx, eq(memberships.id, id));

export const rightsOfMemberships = (ctx: Context, ids: readonly MembershipId[]) =>
  rightsOf(ctx, sql`${memberships.id} = any(${uuids(ids)})`);

/** What reaches below these organizations from them. */
export const rightsReachingFrom = (ctx: Context, ids: readonly OrganizationId[]) =>
  rightsOf(ctx, and(sql`${organizations.id} = any(${uuids(ids)})`, eq(grants.reach, "SUBTREE")));

/** Of a user's memberships that are not themselves suspended. */
export const rightsOfUser = (ctx: Context, id: UserId) =>
  rightsOf(ctx, and(eq(memberships.userId, id), eq(memberships.status, "ACTIVE")));

/** Of all memberships of a user. */
export const allRightsOfUser = (ctx: Context, id: UserId) => rightsOf(ctx, eq(memberships.userId, id));

/** To be a member of each organization that a user is in, suspended or not, as long as they are: it takes no grant, and gives no permission. */
export async function placesOfUser(ctx: Context, id: UserId): Promise<Right[]> {
  const { session, now } = scopeOf(ctx);
  const rows = await session.db
    .select({ until: memberships.expiresAt, at: { id: organizations.id, path: organizations.path } })
    .from(memberships)
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
    )
    .where(and(eq(memberships.tenantId, session.tenantId), eq(memberships.userId, id)));
  return rows
    .filter(({ until }) => isLive(until, now))
    .map(({ until, at }) => ({ permissions: [], at, reach: "ORGANIZATION", until }));
}

/** @throws ExceedsYoursFailure when the viewer does not hold all of them, as long as they last */
export function mustHoldAll(access: Access, rights: readonly Right[], field: readonly string[]): void {
  for (const right of rights) mustHold(access, right, "members:manage", field);
}

/** @throws ExceedsYoursFailure when the viewer does not hold all of them now */
export function mustHoldAllNow(access: Access, rights: readonly Right[], field: readonly string[]): void {
  for (const right of rights) mustHoldNow(access, right, "withdraw", field);
}

/** @throws ExceedsYoursFailure when the viewer does not hold all that somebody has in the whole tenant, as long as it lasts */
export const mustHoldEverywhere = (
  access: Access,
  rights: readonly Right[],
  field: readonly string[],
  by = "members:manage",
): void => judgeEverywhere(access, rights, (open, right) => mustHold(open, right, by, field));

/** @throws ExceedsYoursFailure when the viewer does not hold now all that somebody has in the whole tenant */
export const mustHoldEverywhereNow = (access: Access, rights: readonly Right[], field: readonly string[]): void =>
  judgeEverywhere(access, rights, (open, right) => mustHoldNow(open, right, "withdraw", field));

/**
 * What somebody has in a closed organization comes back with it, and counts; that it is closed keeps nobody from what they
 * could do were it open. Of what they have where the viewer may not look, a refusal says no more than that it is too much.
 */
function judgeEverywhere(access: Access, rights: readonly Right[], check: (open: Access, right: Right) => void): void {
  const open = access.asIfAllWereOpen();
  for (const right of rights)
    discreetly(access, right.at, "They have more somewhere than you hold yourself. Ask somebody who holds it.", () =>
      check(open, right),
    );
}
