import { and, eq, sql } from "drizzle-orm";
import { type Catalogue, stillThere } from "../../access/catalogue.js";
import type { Lease } from "../../database/lease.js";
import { type Happened, type Run, recordOfOperator } from "../../features/audit/record.js";
import { grants, memberships } from "../../features/memberships/table.js";
import { organizations } from "../../features/organizations/table.js";
import { roles } from "../../features/roles/table.js";
import type { OrganizationId } from "../../ids.js";
import { texts, uuids } from "../../tenancy/arrays.js";
import type { TenantDb } from "../../tenancy/session.js";
import { lockOf } from "../../tenancy/tenantLock.js";
import { findHomeRow } from "../../tenancy/tenants/record.js";
import { RefusedError } from "../explain.js";
import { enter, type Home } from "./survey.js";

/**
 * Takes out of a home what the catalogue does not have: its own roles lose such permissions, and grants of such templates end,
 * each with its entry in the audit. In the caller's transaction, under the tenant's lock held alone, as every withdrawal.
 * @throws RefusedError when the home is closed to changes: what is written to one that a tenant is leaving would be lost
 */
export async function carryOut(owner: Lease, home: Home, catalogue: Catalogue, runId: string): Promise<void> {
  const db = await enter(owner, home);
  await owner.run("select pg_advisory_xact_lock($1::bigint)", [lockOf(home.id)]);
  const row = await findHomeRow(owner, { id: home.id, schemaName: home.schema });
  if (row === null || row.status === "FENCED")
    throw new RefusedError(
      `The tenant ${home.slug} is being moved or erased at this moment. Run it again afterwards: what is done stays done.`,
    );
  const [clock] = await owner.run("select clock_timestamp() as now");
  const run = { id: runId, now: new Date(clock!.now as string) };
  const happened = [
    ...(await dropPermissions(db, home, catalogue, run)),
    ...(await endGrants(db, home, catalogue, run)),
  ];
  await recordOfOperator(db, home.id, run, happened);
}

async function dropPermissions(
  db: TenantDb,
  { id: tenantId }: Home,
  catalogue: Catalogue,
  { now }: Run,
): Promise<Happened[]> {
  const root = await rootOf(db, tenantId);
  const changed = await db
    .select({ id: roles.id, organizationId: roles.organizationId, permissions: roles.permissions })
    .from(roles)
    .where(
      and(eq(roles.tenantId, tenantId), sql`not ${roles.permissions} <@ ${texts([...catalogue.permissions.keys()])}`),
    );
  for (const { id, permissions } of changed)
    await db
      .update(roles)
      .set({ permissions: stillThere(catalogue, permissions), updatedAt: now })
      .where(and(eq(roles.tenantId, tenantId), eq(roles.id, id)));
  return changed.map(({ id, organizationId, permissions }) => ({
    action: "role.updated",
    organizationId: organizationId ?? root,
    targetType: "Role",
    targetId: id,
    changes: { before: { permissions }, after: { permissions: stillThere(catalogue, permissions) } },
  }));
}

async function endGrants(
  db: TenantDb,
  { id: tenantId }: Home,
  catalogue: Catalogue,
  { now }: Run,
): Promise<Happened[]> {
  const gone = await db
    .delete(grants)
    .where(
      and(
        eq(grants.tenantId, tenantId),
        sql`not ${grants.roleKey} = any(${texts([...catalogue.roles.keys()])})`,
        sql`coalesce(${grants.expiresAt} > clock_timestamp(), true)`,
      ),
    )
    .returning();
  if (gone.length === 0) return [];
  const touched = await db
    .update(memberships)
    .set({ updatedAt: now })
    .where(
      and(
        eq(memberships.tenantId, tenantId),
        sql`${memberships.id} = any(${uuids([...new Set(gone.map(({ membershipId }) => membershipId))])})`,
      ),
    )
    .returning({ id: memberships.id, organizationId: memberships.organizationId });
  const places = new Map(touched.map(({ id, organizationId }) => [id, organizationId]));
  return gone.map(({ id, membershipId, roleKey, roleId, reach, expiresAt }) => ({
    action: "grant.revoked",
    organizationId: places.get(membershipId)!,
    targetType: "Membership",
    targetId: membershipId,
    changes: { grantId: id, roleKey, roleId, reach, expiresAt },
  }));
}

async function rootOf(db: TenantDb, tenantId: Home["id"]): Promise<OrganizationId> {
  const [root] = await db
    .select({ id: organizations.id })
    .from(organizations)
    .where(and(eq(organizations.tenantId, tenantId), sql`${organizations.parentId} is null`));
  return root!.id;
}
