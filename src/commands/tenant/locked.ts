import { randomUUID } from "node:crypto";
import type { Lease } from "../../database/lease.js";
import type { Run } from "../../features/audit/record.js";
import type { Owners } from "../../tenancy/owners.js";
import type { TenantDb } from "../../tenancy/session.js";
import { lockOf } from "../../tenancy/tenantLock.js";
import { inHome } from "../../tenancy/tenants/inHome.js";
import { findTenant, mustBeWhole, type Tenant, whileHolding } from "../../tenancy/tenants/record.js";

/** A transaction in the home of a tenant in which nothing else changes. */
export interface Locked {
  readonly tenant: Tenant;
  readonly db: TenantDb;
  /** Its connection. */
  readonly place: Lease;
}

/** Runs `work` in a tenant's home with the tenant's lock held alone. The caller holds the tenant, so that nobody moves it. */
export async function inLocked<T>(owners: Owners, tenant: Tenant, work: (locked: Locked) => Promise<T>): Promise<T> {
  const place = await owners.of(tenant.database);
  return inHome(place, tenant, async (db) => {
    await place.run("select pg_advisory_xact_lock($1::bigint)", [lockOf(tenant.id)]);
    return work({ tenant, db, place });
  });
}

/**
 * The same where the tenant is while nobody moves it.
 * @throws TenantBusyError, TenantRefusedError
 */
export async function holding<T>(
  owners: Owners,
  { id, slug }: Pick<Tenant, "id" | "slug">,
  work: (locked: Locked) => Promise<T>,
): Promise<T> {
  const main = await owners.main;
  return whileHolding(main, id, async () => {
    const tenant = await findTenant(main, id);
    mustBeWhole(tenant, slug);
    return inLocked(owners, tenant, work);
  });
}

/** A run of a command, as the audit has it: at the instant at which it is asked for, by the clock of the home. */
export async function beginRun(place: Lease): Promise<Run> {
  const [clock] = await place.run("select clock_timestamp() as now");
  return { id: randomUUID(), now: new Date(clock!.now as string) };
}
