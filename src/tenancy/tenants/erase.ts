import type { Lease } from "../../database/lease.js";
import { orderOf, readTables } from "../homeTables.js";
import { inTransaction } from "../migrations/transaction.js";
import { forgetMoves } from "../move/recover.js";
import type { Owners } from "../owners.js";
import { lockOf } from "../tenantLock.js";
import { findTenant, hasSchema, type Tenant, whileHolding } from "./record.js";
import { findTraces, type Traces } from "./traces.js";

const PER_BATCH = 5000;

export interface Telling {
  /** Is told how many rows of a shared home are gone, and of how many. */
  readonly onRows?: (done: number, of: number) => void;
  /** Is told how many tables were searched for what may be left, and of how many. */
  readonly onTables?: (done: number, of: number) => void;
}

/**
 * Erases a tenant: nobody gets in from the next request on, then its rows go, and last what the directory knows of it, its
 * slugs and identities too. Interrupted, it is `ERASING`, and erasing it again finishes it.
 * @returns what a search of every table for the tenant found afterwards
 */
export async function eraseTenant(owners: Owners, { id }: Pick<Tenant, "id">, telling: Telling = {}): Promise<Traces> {
  const main = await owners.main;
  await whileHolding(main, id, async () => {
    await forgetMoves(owners, { lease: main }, id);
    // Where it is after its moves have ended. One that is gone meanwhile was erased by somebody else.
    const tenant = await findTenant(main, id);
    if (!tenant) return;
    const place = await owners.of(tenant.database);
    await main.run("update tenantry.tenants set status = 'ERASING', epoch = epoch + 1 where id = $1", [tenant.id]);
    if (await hasSchema(place, tenant.schemaName)) {
      await closeHome(place, tenant);
      if (tenant.isolation === "SHARED") await deleteRows(place, tenant, telling.onRows ?? (() => {}));
      else await place.run(`drop schema "${tenant.schemaName}" cascade`);
    }
    await inTransaction(main, async () => {
      // Of what was asked for it, only what is still under way is kept, for somebody waits for its end.
      await main.run("delete from tenantry.jobs where tenant_id = $1 and ended_at is not null", [tenant.id]);
      await main.run("update tenantry.jobs set tenant_id = null where tenant_id = $1", [tenant.id]);
      // What else knows of the tenant goes with its record.
      await main.run("delete from tenantry.tenants where id = $1", [tenant.id]);
      await main.run("delete from tenantry.homes where database = $1 and schema_name = $2 and isolation <> 'SHARED'", [
        tenant.database,
        tenant.schemaName,
      ]);
    });
  });
  return findTraces(owners, id, telling.onTables);
}

/** Takes the home row away. Changes that are under way end before, and whoever comes after finds no home. */
async function closeHome(place: Lease, { id, schemaName }: Tenant): Promise<void> {
  await inTransaction(place, async () => {
    await place.run("select pg_advisory_xact_lock($1::bigint)", [lockOf(id)]);
    await place.run(`delete from "${schemaName}".tenant where tenant_id = $1`, [id]);
  });
}

/** Children before parents, and never so many at once that others would wait. */
async function deleteRows(place: Lease, { id, schemaName }: Tenant, onRows: (done: number, of: number) => void) {
  const tables = (await readTables(place, schemaName)).reverse();
  const counts = tables.map(
    ({ name }) => `select count(*) as rows from "${schemaName}"."${name}" where tenant_id = $1`,
  );
  const [all] = await place.run(`select sum(rows)::int as rows from (${counts.join(" union all ")}) counts`, [id]);
  let done = 0;
  for (const one of tables) {
    const table = `"${schemaName}"."${one.name}"`;
    const backwards = orderOf(one)
      .split(", ")
      .map((column) => `${column} desc`);
    for (let count = PER_BATCH; count === PER_BATCH; ) {
      ({ count } = await place.run(
        `delete from ${table} where tenant_id = $1 and ctid = any (array(
           select ctid from ${table} where tenant_id = $1 order by ${backwards.join(", ")} limit ${PER_BATCH}))`,
        [id],
      ));
      done += count;
      onRows(done, Number(all!.rows));
    }
  }
}
