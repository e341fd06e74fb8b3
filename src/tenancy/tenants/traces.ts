import { isPassing, sqlState } from "../../database/errors.js";
import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import type { Owners } from "../owners.js";

/** Tables that are looked at with one statement: each takes a lock, and so do its indexes. */
const AT_ONCE = 100;
/** Tables that one connection looks at: its server process remembers each, with its indexes, for as long as it lasts. */
const PER_CONNECTION = 2000;

/** A table or a schema that is not there any more. */
const GONE = new Set(["42P01", "3F000"]);
/** How often what goes meanwhile may stop one statement: a hundred tables are those of a few homes, each of which goes as a whole. */
const MOST_TRIES = 10;

const COLUMNS = `
select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, quote_ident(a.attname) as column
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p') and a.atttypid = 'uuid'::regtype
  and (n.nspname = 'tenantry' or n.nspname ~ '^t_[0-9a-f]{32}$' and a.attname = 'tenant_id')
order by 1, 2`;

/** What a search for a tenant came to. */
export interface Traces {
  /** Tables that were searched, in all databases. */
  readonly tables: number;
  /** Where something of the tenant is, as `database: table.column`. */
  readonly found: readonly string[];
  /** Databases that could not be searched. */
  readonly away: readonly string[];
}

/** Searches the directory, and every table of every home in every database, for the id of a tenant. */
export async function findTraces(
  owners: Owners,
  id: TenantId,
  onTables: (done: number, of: number) => void = () => {},
): Promise<Traces> {
  const found: string[] = [];
  const away: string[] = [];
  const names = new Set<string>();
  for (const database of owners.databases) {
    const lease = await owners.of(database).catch(() => null);
    if (!lease) {
      away.push(database);
      continue;
    }
    const columns = await lease.run(COLUMNS);
    for (let from = 0; from < columns.length; from += PER_CONNECTION) {
      const part = columns.slice(from, from + PER_CONNECTION) as unknown as readonly Column[];
      const places = await search(owners, database, id, part, (done) => onTables(from + done, columns.length));
      found.push(...places.map((place) => `${database}: ${place}`));
    }
    for (const { name } of columns) names.add(`${database} ${name}`);
  }
  return { tables: names.size, found, away };
}

interface Column {
  readonly name: string;
  readonly column: string;
}

/** Where the id is, among these columns. On a connection of its own, which is closed afterwards. */
async function search(
  owners: Owners,
  database: string,
  id: TenantId,
  columns: readonly Column[],
  onTables: (done: number) => void,
): Promise<string[]> {
  const { lease, connection } = await owners.connect(database, false);
  try {
    const places: string[] = [];
    for (let from = 0; from < columns.length; from += AT_ONCE) {
      onTables(from);
      places.push(...(await ask(lease, id, columns.slice(from, from + AT_ONCE))));
    }
    return places;
  } finally {
    lease.release();
    await connection.close();
  }
}

/** The same with one statement. Homes of others may go meanwhile: a table that is gone holds nothing, and those that are left are asked again. */
async function ask(lease: Lease, id: TenantId, columns: readonly Column[]): Promise<string[]> {
  let left = columns;
  for (let tried = 1; left.length > 0; tried++) {
    const parts = left.map(
      ({ name, column }) =>
        `select '${name}.${column}' as place where exists (select from ${name} where ${column} = $1::uuid)`,
    );
    try {
      return (await lease.run(parts.join(" union all "), [id])).map(({ place }) => String(place));
    } catch (error) {
      // Whoever drops a home locks its tables in another order, and one of the two is sent away.
      if (tried === MOST_TRIES || !(GONE.has(sqlState(error) ?? "") || isPassing(error))) throw error;
      left = await thoseThere(lease, left);
    }
  }
  return [];
}

async function thoseThere(lease: Lease, columns: readonly Column[]): Promise<Column[]> {
  const names = [...new Set(columns.map(({ name }) => name))];
  const rows = await lease.run(
    "select name from json_array_elements_text($1::text::json) name where to_regclass(name) is not null",
    [JSON.stringify(names)],
  );
  const there = new Set(rows.map(({ name }) => name));
  return columns.filter(({ name }) => there.has(name));
}
