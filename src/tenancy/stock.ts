import { MAIN } from "../database/names.js";
import { createHome, newSchemaName } from "./migrations/baseline.js";
import { inTransaction } from "./migrations/transaction.js";
import { ownVersion } from "./migrations/versions.js";
import type { Owners } from "./owners.js";

/**
 * Makes empty homes until `wanted` of this version wait in the first database, each in a transaction of its own: whoever
 * becomes a tenant there takes one, and need not wait for its tables. None where the database is a tenant's own.
 * @returns how many it made
 */
export async function keepStock(
  owners: Owners,
  wanted: number,
  onMade: (made: number, of: number) => void = () => {},
): Promise<number> {
  const main = await owners.main;
  const { version, lineage } = ownVersion();
  const [there] = await main.run(
    `select count(*) filter (where status = 'READY' and isolation = 'SCHEMA' and lineage = $2)::int as ready
     from tenantry.homes where database = $1`,
    [MAIN, lineage],
  );
  const missing = Math.max(0, wanted - Number(there?.ready));
  let made = 0;
  while (made < missing) {
    onMade(made, missing);
    const isMade = await inTransaction(main, async () => {
      const schema = newSchemaName();
      await createHome(main, schema, owners.names(MAIN), "SCHEMA");
      // Not before there is something to add: others who take homes here wait for this lock.
      await main.run("select pg_advisory_xact_lock(hashtextextended('tenantry homes ' || $1, 0))", [MAIN]);
      const added = await main.run(
        `insert into tenantry.homes (database, schema_name, isolation, status, version, lineage, created_at)
         select $1, $2, 'SCHEMA', 'READY', $3, $4, now()
         where not exists (select from tenantry.homes where database = $1 and isolation = 'DATABASE')`,
        [MAIN, schema, version, lineage],
      );
      if (added.count === 0) await main.run(`drop schema ${schema} cascade`);
      return added.count > 0;
    });
    if (!isMade) break;
    made++;
  }
  return made;
}
