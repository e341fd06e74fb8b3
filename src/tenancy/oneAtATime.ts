import type { TenantSession } from "./session.js";

const LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))";

/**
 * Lets one at a time do something in a tenant until its transaction ends: for what no unique key and no row's lock holds apart.
 * @param what is done, the same for all who must not do it at once
 */
export async function oneAtATime(session: TenantSession, what: string): Promise<void> {
  await session.query(LOCK, [`tenantry ${what} ${session.tenantId}`]);
}

/** For adding people, or changing who they are: addresses and external ids have no unique key that two at once could meet. */
export const PEOPLE = "users";
