import type { Lease, Result } from "../../database/lease.js";
import { type Column, names, type Table, tableIn } from "../homeTables.js";
import { inTransaction } from "../migrations/transaction.js";
import { type Packed, pack, packedIn, typed, unpack } from "./packed.js";
import { type Route, tracesOf } from "./route.js";

const PER_BATCH = 5000;

/** The connections of a move: one to each home, also where both are in one database. */
export interface Ways {
  readonly from: Lease;
  readonly to: Lease;
}

type OnRows = (rows: number) => void;

/**
 * Copies all rows of the tenant but its home row, as they are at one moment, in one transaction of the new home's database.
 * @param onRows is told how many more were copied
 */
export async function copyRows(ways: Ways, route: Route, tables: readonly Table[], onRows: OnRows): Promise<void> {
  const { from, to } = ways;
  const copyAll = async (copy: (table: Table) => Promise<void>) => {
    for (const table of tables) await copy(table);
  };
  // Where one connection sees both homes, rows need not leave the server.
  if (route.from.database === route.to.database) {
    await inTransaction(to, () => copyAll((table) => copyWithin(to, route, table, onRows)), "repeatable read");
    return;
  }
  await inTransaction(
    from,
    () => inTransaction(to, () => copyAll((table) => copyAcross(ways, route, table, onRows))),
    "repeatable read",
  );
}

/** The next rows of a table in the order of its key, `$1` being the tenant and `$2` the last key. */
function batchOf({ schemaName }: Route["from"], { name, columns, key }: Table, isFirst: boolean): string {
  const after = `(${names(key, "t")}) > (${key.map(({ type }, index) => `($2::text::text[])[${index + 1}]::${type}`).join(", ")})`;
  return `batch as materialized (
    select ${names(columns, "t")} from ${tableIn(schemaName, name)} t
    where t.tenant_id = $1::uuid and ${isFirst ? "$2::text is null" : after} order by ${names(key, "t")} limit ${PER_BATCH})`;
}

const lastOf = (key: readonly Column[]): string => {
  const texts = key.map((column) => `${names([column])}::text`).join(", ");
  const backwards = key.map((column) => `${names([column])} desc`).join(", ");
  return `(select array[${texts}]::text from batch order by ${backwards} limit 1)`;
};

async function copyWithin(to: Lease, route: Route, table: Table, onRows: OnRows): Promise<void> {
  const { name, columns, key } = table;
  const into = `insert into ${tableIn(route.to.schemaName, name)} (${names(columns)})`;
  if (table.refersToItself) {
    // Whether each row refers to one that is there is judged at the end of a statement, so all of them come with one.
    const all = `select ${names(columns)} from ${tableIn(route.from.schemaName, name)} where tenant_id = $1`;
    onRows((await to.run(`${into} ${all}`, [route.tenant])).count);
    return;
  }
  for (let last: string | null = null, rows = PER_BATCH; rows === PER_BATCH; ) {
    const [batch]: Result = await to.run(
      `with ${batchOf(route.from, table, last === null)}, put as (${into} select ${names(columns)} from batch)
       select count(*)::int as rows, ${lastOf(key)} as last from batch`,
      [route.tenant, last],
    );
    ({ rows, last } = batch as { rows: number; last: string | null } & typeof batch);
    onRows(rows);
  }
}

async function copyAcross({ from, to }: Ways, route: Route, table: Table, onRows: OnRows): Promise<void> {
  const { name, columns, key, refersToItself } = table;
  const target = tableIn(route.to.schemaName, name);
  // For the same reason as above, by way of a table that nobody else ever sees: it ends in the transaction that makes it.
  const halt = refersToItself ? tableIn(route.to.schemaName, `${tracesOf(route)}_rows`) : target;
  if (refersToItself) await to.run(`create table ${halt} (like ${target})`);
  const put = `insert into ${halt} (${names(columns)}) select ${typed(columns, "u")} from ${unpack(columns, 1, "u")}`;
  const next = async (last: string | null) => {
    const [batch] = await from.run(
      `with ${batchOf(route.from, table, last === null)}
       select count(*)::int as rows, ${lastOf(key)} as last, ${pack(columns, "batch")} from batch`,
      [route.tenant, last],
    );
    return batch as { rows: number; last: string | null } & Record<string, unknown>;
  };
  for (let batch = await next(null); batch.rows > 0; ) {
    const values: Packed = packedIn(batch, columns);
    // One database writes while the other reads on.
    const [following] = await Promise.all([next(batch.last), to.run(put, values)]);
    onRows(batch.rows);
    batch = following;
  }
  if (!refersToItself) return;
  await to.run(`insert into ${target} (${names(columns)}) select ${names(columns)} from ${halt}`);
  await to.run(`drop table ${halt}`);
}
