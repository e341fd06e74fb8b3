import { and, eq, sql } from "drizzle-orm";
import type { MembershipId, TenantId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import type { TenantDb } from "../../tenancy/session.js";
import { grants } from "./table.js";

/** What becomes of a membership that had ended and begins anew, beside its end: it counts, even if it was suspended. */
export const begunAnew = (at: Date) => ({ status: "ACTIVE" as const, createdAt: at, updatedAt: at });

/** Takes all grants of memberships: those that begin anew have only what they are given from then on. */
export async function dropGrants(db: TenantDb, tenantId: TenantId, ids: readonly MembershipId[]): Promise<void> {
  await db.delete(grants).where(and(eq(grants.tenantId, tenantId), sql`${grants.membershipId} = any(${uuids(ids)})`));
}
