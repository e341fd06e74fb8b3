import type { TenantId } from "../ids.js";

/** What takes the lock of a tenant until the transaction ends, given `lockOf`: for a change, and for one that can withdraw a right. */
export const LOCK = {
  change: (key: string) => `pg_advisory_xact_lock_shared(${key}::bigint)`,
  withdraw: (key: string) => `pg_advisory_xact_lock(${key}::bigint)`,
} as const;
export type Lock = keyof typeof LOCK;

/** The tenant's lock: the last 64 bits of its id, which are random. Two tenants that share it only wait for each other. */
export function lockOf(tenant: TenantId): string {
  return BigInt.asIntN(64, BigInt(`0x${tenant.replaceAll("-", "").slice(-16)}`)).toString();
}
