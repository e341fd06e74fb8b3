import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import { lockHomes } from "../create.js";
import { readTables, tableIn } from "../homeTables.js";
import { quote } from "../migrations/logins.js";
import { inTransaction } from "../migrations/transaction.js";
import type { Place } from "./route.js";
import { withShortLocks } from "./worker.js";

/**
 * Removes what a tenant has in a home that is not its own, or not any more: a schema with all in it, or its rows in a shared
 * one. What reads there may go on to its end. Removing it again changes nothing.
 * @throws Error when the directory says that the tenant lives there
 */
export async function removeHome(desk: Lease, place: Lease, home: Place, tenant: TenantId): Promise<void> {
  const { database, schemaName, isolation } = home;
  const [lived] = await desk.run(
    "select slug from tenantry.tenants where database = $1 and schema_name = $2 and (id = $3 or isolation <> 'SHARED')",
    [database, schemaName, tenant],
  );
  if (lived) throw new Error(`The home of ${String(lived.slug)} is not removed while it lives there.`);
  const [there] = await place.run("select from pg_catalog.pg_namespace where nspname = $1", [schemaName]);
  if (isolation === "SHARED") {
    if (there) await removeRows(place, schemaName, tenant);
    else await forgetUnmade(desk, home);
    return;
  }
  await desk.run("delete from tenantry.homes where database = $1 and schema_name = $2", [database, schemaName]);
  if (!there) return;
  await withShortLocks(place, async () => {
    // Every session reads it first and holds it to its end, so that none meets a home of which a part is gone.
    await place.run(`lock table ${tableIn(schemaName, "tenant")} in access exclusive mode`);
    await place.run(`drop schema ${quote(schemaName)} cascade`);
  });
}

/** Strikes a shared home off the list that was to be made for this move, unless somebody else is about to make it. */
async function forgetUnmade(desk: Lease, { database, schemaName }: Place): Promise<void> {
  await inTransaction(desk, async () => {
    await lockHomes(desk, database);
    await desk.run(
      `delete from tenantry.homes h where database = $1 and schema_name = $2
         and not exists (select from tenantry.tenants t where t.database = $1 and t.schema_name = $2)
         and (select count(*) from tenantry.moves m where m.to_database = $1 and m.to_schema = $2) <= 1`,
      [database, schemaName],
    );
  });
}

async function removeRows(place: Lease, schemaName: string, tenant: TenantId): Promise<void> {
  const tables = await readTables(place, schemaName);
  await inTransaction(place, async () => {
    for (const name of [...tables.map((table) => table.name).reverse(), "tenant"])
      await place.run(`delete from ${tableIn(schemaName, name)} where tenant_id = $1`, [tenant]);
  });
}
