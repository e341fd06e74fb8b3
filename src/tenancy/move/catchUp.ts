import type { Lease } from "../../database/lease.js";
import { type Column, names, type Table, tableIn } from "../homeTables.js";
import { inTransaction } from "../migrations/transaction.js";
import type { Ways } from "./copy.js";
import { hasKey, type Packed, pack, packedIn, typed, unpack } from "./packed.js";
import { type Route, tracesOf } from "./route.js";

/** What one round of catching up brought over. */
export interface CaughtUp {
  /** How often a row was changed. */
  readonly changes: number;
  /** The keys of the rows, by table. */
  readonly keys: ReadonlyMap<string, Packed>;
}

interface Touched {
  readonly keys: Packed;
  readonly rows: Packed;
}

/**
 * Brings the new home to what the old one holds at one moment: takes the keys that were written down until then, and puts
 * the rows that have them now in place of those that had them.
 * @param check is done at that same moment of the old home, once the new one is there
 */
export async function catchUp(
  { from, to }: Ways,
  route: Route,
  tables: readonly Table[],
  check: (caught: CaughtUp) => Promise<void>,
): Promise<CaughtUp> {
  return inTransaction(
    from,
    async () => {
      const touched = await Promise.all(tables.map((table) => readTouched(from, route, table)));
      // Of this moment only: what is written down meanwhile is for the next round.
      const own = tableIn(route.from.schemaName, tracesOf(route));
      const { count } = await from.run(`delete from ${own} where tenant_id = $1`, [route.tenant]);
      if (count > 0) await replace(to, route, tables, touched);
      const caught = {
        changes: count,
        keys: new Map(tables.map(({ name }, index) => [name, touched[index]!.keys])),
      };
      await check(caught);
      return caught;
    },
    "repeatable read",
  );
}

async function readTouched(from: Lease, route: Route, { name, columns, key }: Table): Promise<Touched> {
  const of = (column: Column, index: number) =>
    `(key ->> '${column.name.replaceAll("'", "''")}')::${column.type} as v${index}`;
  const [row] = await from.run(
    `with keys as materialized (
       select distinct ${key.map(of).join(", ")} from ${tableIn(route.from.schemaName, tracesOf(route))}
       where tenant_id = $1 and relation = $2),
     held as (select ${names(columns, "t")} from keys k join ${tableIn(route.from.schemaName, name)} t on ${hasKey(key, "t", "k")})
     select ${key.map((_, index) => `(select array_agg(v${index}::text)::text from keys) as key_v${index}`).join(", ")},
       ${pack(columns, "held")}
     from held`,
    [route.tenant, name],
  );
  return { keys: packedIn(row!, key, "key_"), rows: packedIn(row!, columns) };
}

/**
 * One statement for all tables: whether rows refer to something that is there is judged at its end, so it does not matter in
 * which order they come, and a unique value may pass from one row to another.
 */
async function replace(to: Lease, route: Route, tables: readonly Table[], touched: readonly Touched[]): Promise<void> {
  const values: (string | null)[] = [route.tenant];
  const parts = tables.map(({ name, columns, key }, index) => {
    const target = tableIn(route.to.schemaName, name);
    const keys = unpack(key, values.length + 1, "k");
    values.push(...touched[index]!.keys);
    const rows = unpack(columns, values.length + 1, "u");
    values.push(...touched[index]!.rows);
    return `gone${index} as (delete from ${target} t using ${keys} where t.tenant_id = $1::uuid and ${hasKey(key, "t", "k")} returning 1),
      put${index} as (insert into ${target} (${names(columns)}) select ${typed(columns, "u")} from ${rows}
        -- Not before the rows they replace are gone.
        where (select count(*) from gone${index}) >= 0)`;
  });
  await inTransaction(to, () => to.run(`with ${parts.join(",\n")} select`, values));
}
