import type { TenantSession } from "../../tenancy/session.js";

const LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))";

/**
 * Lets one at a time add people to a tenant, or change who they are, until its transaction ends: addresses and external ids
 * have no unique key that two at once could meet.
 */
export async function oneAtATime(session: TenantSession): Promise<void> {
  await session.query(LOCK, [`tenantry users ${session.tenantId}`]);
}
