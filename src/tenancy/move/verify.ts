import type { Lease } from "../../database/lease.js";
import { names, type Table, tableIn } from "../homeTables.js";
import type { CaughtUp } from "./catchUp.js";
import type { Ways } from "./copy.js";
import { hasKey, unpack } from "./packed.js";
import { MoveRefusedError, type Place, type Route } from "./route.js";

/** What a table holds of one tenant. */
export interface Sum {
  readonly table: string;
  readonly rows: number;
  /** The same for the same rows, in whatever order; empty where only rows are counted. */
  readonly checksum: string;
}

// Sums do not depend on the order of rows, so nothing has to be sorted. Of each row 64 bits.
const checksumOf = ({ columns }: Table): string =>
  `coalesce(sum(('x' || left(md5(row(${names(columns, "t")})::text), 16))::bit(64)::bigint), 0)::text`;

/**
 * Counts the tenant's rows in every table of a home, and sums them up.
 * @param what `keys`: only of rows that have one of these; `counts`: of all, without looking into them
 */
export async function sumsOf(
  lease: Lease,
  { schemaName }: Place,
  { tenant }: Route,
  tables: readonly Table[],
  what: "all" | "counts" | CaughtUp["keys"],
): Promise<Sum[]> {
  const values: (string | null)[] = [tenant];
  const parts = tables.map((table) => {
    const { name, key } = table;
    const keys = typeof what === "string" ? null : what.get(name)!;
    const among = keys ? ` join ${unpack(key, values.length + 1, "k")} on ${hasKey(key, "t", "k")}` : "";
    values.push(...(keys ?? []));
    return `select '${name.replaceAll("'", "''")}' as table, count(*)::int as rows, ${what === "counts" ? "''" : checksumOf(table)} as checksum
      from ${tableIn(schemaName, name)} t${among} where t.tenant_id = $1::uuid`;
  });
  return (await lease.run(parts.join("\nunion all "), values)) as unknown as Sum[];
}

/**
 * Compares both homes, table by table.
 * @returns what both hold
 * @throws MoveRefusedError that names the first table in which they differ
 */
export async function mustAgree(
  { from, to }: Ways,
  route: Route,
  tables: readonly Table[],
  what: "all" | "counts" | CaughtUp["keys"],
): Promise<Sum[]> {
  const [old, made] = await Promise.all([
    sumsOf(from, route.from, route, tables, what),
    sumsOf(to, route.to, route, tables, what),
  ]);
  for (const { table, rows, checksum } of old) {
    const copy = made.find((sum) => sum.table === table)!;
    if (copy.rows === rows && copy.checksum === checksum) continue;
    const difference = copy.rows === rows ? "not the same rows" : `${copy.rows} rows and not ${rows}`;
    throw new MoveRefusedError(
      `The copy of ${table} has ${difference}, so the tenant stays where it is. Nothing was changed there.`,
    );
  }
  return old;
}
