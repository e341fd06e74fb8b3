import { and, eq, inArray, lte, or, sql } from "drizzle-orm";
import type { OrganizationId, TenantId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import type { TenantDb } from "../../tenancy/session.js";
import { type Run, recordOfOperator } from "../audit/record.js";
import { invitations, offeredGrants } from "../invitations/table.js";
import { joinPolicies, joinRequests, organizationDomains } from "../joining/table.js";
import { grants, memberships } from "../memberships/table.js";
import { organizations } from "../organizations/table.js";
import { roles } from "../roles/table.js";

/** An organization that was removed for good with everything below it, and how much of each there was. */
export interface Purged {
  readonly id: OrganizationId;
  readonly slug: string;
  readonly name: string;
  readonly parentId: OrganizationId;
  readonly organizations: number;
}

/**
 * Removes for good what was deleted and whose time is up, with everything below it: organizations, their roles, memberships,
 * grants, invitations, and who may join. The people stay, and so do all slugs, which nobody else can have. Each is noted where it was. In the caller's
 * transaction, which holds the tenant's lock alone, and whose login owns the tables: the serving one may not delete this.
 */
export async function purgeDeleted(db: TenantDb, tenantId: TenantId, run: Run): Promise<Purged[]> {
  const { id, path, deletesAt } = organizations;
  const due = await db
    .select({ id, path, slug: organizations.slug, name: organizations.name, parentId: organizations.parentId })
    .from(organizations)
    .where(and(eq(organizations.tenantId, tenantId), lte(deletesAt, run.now)))
    .orderBy(sql`cardinality(${path})`, id);
  const tops = due.filter((one) => !due.some((other) => one.path.includes(other.id)));
  if (tops.length === 0) return [];

  const ids = uuids(tops.map((top) => top.id));
  const going = db
    .select({ id })
    .from(organizations)
    .where(and(eq(organizations.tenantId, tenantId), or(sql`${id} = any(${ids})`, sql`${path} && ${ids}`)));
  const purged = [];
  for (const top of tops) {
    const [below] = await db
      .select({ count: sql<number>`count(*)::int` })
      .from(organizations)
      .where(and(eq(organizations.tenantId, tenantId), sql`${top.id} = any(${path})`));
    const { path: _, parentId, ...rest } = top;
    purged.push({ ...rest, parentId: parentId!, organizations: below!.count + 1 });
  }

  type OfOrganization =
    | typeof memberships
    | typeof roles
    | typeof invitations
    | typeof organizationDomains
    | typeof joinPolicies
    | typeof joinRequests;
  const ofGoing = (table: OfOrganization) => and(eq(table.tenantId, tenantId), inArray(table.organizationId, going));
  const [members, defined, invited] = [
    db.select({ id: memberships.id }).from(memberships).where(ofGoing(memberships)),
    db.select({ id: roles.id }).from(roles).where(ofGoing(roles)),
    db.select({ id: invitations.id }).from(invitations).where(ofGoing(invitations)),
  ];
  // Of a role that goes, elsewhere there can only be grants that have ended.
  await db
    .delete(grants)
    .where(
      and(eq(grants.tenantId, tenantId), or(inArray(grants.membershipId, members), inArray(grants.roleId, defined))),
    );
  // An invitation elsewhere that offers such a role could not be accepted any more: all of it is given, or nothing.
  const offering = db
    .select({ id: offeredGrants.invitationId })
    .from(offeredGrants)
    .where(and(eq(offeredGrants.tenantId, tenantId), inArray(offeredGrants.roleId, defined)));
  await db
    .update(invitations)
    .set({ status: "WITHDRAWN", updatedAt: run.now })
    .where(and(eq(invitations.tenantId, tenantId), eq(invitations.status, "OPEN"), inArray(invitations.id, offering)));
  await db
    .delete(offeredGrants)
    .where(
      and(
        eq(offeredGrants.tenantId, tenantId),
        or(inArray(offeredGrants.invitationId, invited), inArray(offeredGrants.roleId, defined)),
      ),
    );
  for (const table of [invitations, organizationDomains, joinPolicies, joinRequests])
    await db.delete(table).where(ofGoing(table));
  await db.delete(memberships).where(ofGoing(memberships));
  await db.delete(roles).where(ofGoing(roles));
  await db.delete(organizations).where(and(eq(organizations.tenantId, tenantId), inArray(id, going)));
  await recordOfOperator(
    db,
    tenantId,
    run,
    purged.map(({ id: targetId, parentId, ...gone }) => ({
      action: "organization.purged",
      organizationId: parentId,
      targetType: "Organization",
      targetId,
      changes: gone,
    })),
  );
  return purged;
}
