import { drizzle } from "drizzle-orm/postgres-js";
import type { Lease } from "../../database/connection.js";
import { inTransaction } from "../migrations/transaction.js";
import type { TenantDb } from "../session.js";
import type { Tenant } from "./record.js";

/**
 * Runs `work` in one transaction of the owner's, with a home's tables before it. Row security does not confine it: every
 * statement names the tenant.
 */
export function inHome<T>(
  place: Lease,
  { id, schemaName }: Pick<Tenant, "id" | "schemaName">,
  work: (db: TenantDb) => Promise<T>,
): Promise<T> {
  return inTransaction(place, async () => {
    await place.run("select set_config('search_path', $1, true), set_config('tenantry.tenant_id', $2, true)", [
      `${schemaName}, pg_temp`,
      id,
    ]);
    return work(drizzle({ client: place.asClient() as never }));
  });
}
