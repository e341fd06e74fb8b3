import type { Lease, Result } from "../database/lease.js";
import { enteringOnCitus } from "./citus.js";
import type { TenantRecord } from "./directory/directory.js";
import { LOCK, type Lock, lockOf } from "./tenantLock.js";

/** What confines a transaction that has begun to a tenant, given `homeOf`. */
export const ENTER =
  "select set_config('search_path', $1, true), set_config('tenantry.tenant_id', $2, true), now() as now";
/** It reads nothing that the lock protects: the next statement sees what was committed before the lock was got. */
const ENTER_LOCKED = {
  change: `${ENTER}, ${LOCK.change("$3")}`,
  withdraw: `${ENTER}, ${LOCK.withdraw("$3")}`,
} as const;
const NOW = "select now() as now";

export const homeOf = ({ id, home }: TenantRecord): string[] => [`${home.schemaName}, pg_temp`, id];

/**
 * Confines a transaction that has begun to a tenant.
 * @param lock which the transaction holds until it ends; null for none
 * @returns without a lock, a row whose `now` is when the transaction began
 */
export function enterTenant(lease: Lease, tenant: TenantRecord, lock: Lock | null): Promise<Result> {
  const { id, home } = tenant;
  if (lease.isCitus) {
    for (const text of enteringOnCitus(home.schemaName, id)) void lease.run(text);
    return lock ? lease.runAnywhere(`select ${LOCK[lock]("$1")}`, [lockOf(id)]) : lease.run(NOW);
  }
  return lock
    ? lease.runAnywhere(ENTER_LOCKED[lock], [...homeOf(tenant), lockOf(id)])
    : lease.runAnywhere(ENTER, homeOf(tenant));
}
