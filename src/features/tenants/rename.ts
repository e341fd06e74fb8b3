import { and, eq, isNull } from "drizzle-orm";
import type { TenantId } from "../../ids.js";
import type { TenantDb } from "../../tenancy/session.js";
import { type Run, recordOfOperator } from "../audit/record.js";
import { organizations } from "../organizations/table.js";

/**
 * Gives the root another name, on the operator's word. What it is called already is not noted again. In the caller's
 * transaction, which holds the tenant's lock alone.
 */
export async function renameRoot(db: TenantDb, tenantId: TenantId, name: string, run: Run): Promise<void> {
  const { id, name: before } = await getRoot(db, tenantId);
  if (name === before) return;
  await db
    .update(organizations)
    .set({ name, updatedAt: run.now })
    .where(and(eq(organizations.tenantId, tenantId), eq(organizations.id, id)));
  await recordOfOperator(db, tenantId, run, [
    {
      action: "organization.updated",
      organizationId: id,
      targetType: "Organization",
      targetId: id,
      changes: { before: { name: before }, after: { name } },
    },
  ]);
}

/** Notes that the operator gives the tenant another slug, in the transaction that closes the former one in its home. */
export async function noteSlug(
  db: TenantDb,
  tenantId: TenantId,
  { before, after }: { readonly before: string; readonly after: string },
  run: Run,
): Promise<void> {
  const { id } = await getRoot(db, tenantId);
  await recordOfOperator(db, tenantId, run, [
    {
      action: "tenant.renamed",
      organizationId: id,
      targetType: "Organization",
      targetId: id,
      changes: { before: { slug: before }, after: { slug: after } },
    },
  ]);
}

async function getRoot(db: TenantDb, tenantId: TenantId) {
  const [root] = await db
    .select({ id: organizations.id, name: organizations.name })
    .from(organizations)
    .where(and(eq(organizations.tenantId, tenantId), isNull(organizations.parentId)));
  return root!;
}
