import { drizzle } from "drizzle-orm/postgres-js";
import type { Lease } from "../../database/lease.js";
import { inTransaction } from "../migrations/transaction.js";
import type { TenantDb } from "../session.js";
import type { Tenant } from "./record.js";

/** Runs `work` in one transaction of the owner's, with a home's tables before it. */
export const inHome = <T>(
  place: Lease,
  tenant: Pick<Tenant, "id" | "schemaName">,
  work: (db: TenantDb) => Promise<T>,
): Promise<T> => inTransaction(place, async () => work(await enterHome(place, tenant)));

/**
 * Has a home's tables before the owner's transaction that is under way, to its end. Row security does not confine it: every
 * statement names the tenant.
 */
export async function enterHome(
  place: Lease,
  { id, schemaName }: Pick<Tenant, "id" | "schemaName">,
): Promise<TenantDb> {
  await place.run("select set_config('search_path', $1, true), set_config('tenantry.tenant_id', $2, true)", [
    `${schemaName}, pg_temp`,
    id,
  ]);
  return drizzle({ client: place.asClient() as never });
}
