import { and, count, eq, sql } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import { uuids } from "../../tenancy/arrays.js";
import { type Happened, record } from "../audit/record.js";
import { organizations } from "../organizations/table.js";
import { grants, type MembershipRow, memberships } from "./table.js";

/** A membership that is to go. */
export type Going = Pick<MembershipRow, "id" | "organizationId" | "userId">;

/**
 * Ends memberships for good, with all their grants, takes them off the counts of their organizations, and notes each. In four
 * statements, however many there are; nobody is judged here.
 */
export async function remove(ctx: Context, going: readonly Going[]): Promise<void> {
  if (going.length === 0) return;
  const { db, tenantId } = scopeOf(ctx).session;
  const ids = uuids(going.map(({ id }) => id));
  const isGoing = and(eq(memberships.tenantId, tenantId), sql`${memberships.id} = any(${ids})`);
  const fewer = db
    .select({ organizationId: memberships.organizationId, count: count().as("count") })
    .from(memberships)
    .where(isGoing)
    .groupBy(memberships.organizationId)
    .as("fewer");
  await db
    .update(organizations)
    .set({ memberCount: sql`${organizations.memberCount} - ${fewer.count}` })
    .from(fewer)
    .where(and(eq(organizations.tenantId, tenantId), eq(organizations.id, fewer.organizationId)));
  await db.delete(grants).where(and(eq(grants.tenantId, tenantId), sql`${grants.membershipId} = any(${ids})`));
  await db.delete(memberships).where(isGoing);
  record(
    ctx,
    ...going.map(
      ({ id, organizationId, userId }): Happened => ({
        action: "membership.removed",
        organizationId,
        targetType: "Membership",
        targetId: id,
        changes: { userId },
      }),
    ),
  );
}
