import type { Lease } from "../database/lease.js";
import { quote } from "./migrations/logins.js";
import { MOVING } from "./walls/moving.js";

export interface Column {
  readonly name: string;
  /** As PostgreSQL writes it. */
  readonly type: string;
}

/** A table of a home, as its catalogue describes it: what is new in a later version needs nothing here. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The primary key; tenant_id is first in it. */
  readonly key: readonly Column[];
  /** Whether a row may refer to another of the same table. */
  readonly refersToItself: boolean;
}

const COLUMN = "json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod))";
const TABLES = `
select c.relname as name,
  (select json_agg(${COLUMN} order by a.attname) from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
  (select json_agg(${COLUMN} order by k.place)
    from pg_catalog.pg_index i cross join unnest(i.indkey::int2[]) with ordinality k(attnum, place)
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
    where i.indrelid = c.oid and i.indisprimary) as key,
  (select coalesce(json_agg(distinct r.relname), '[]') from pg_catalog.pg_constraint f
    join pg_catalog.pg_class r on r.oid = f.confrelid
    where f.conrelid = c.oid and f.contype = 'f') as parents
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind = 'r' and c.relname not in ('migrations', 'tenant') and c.relname !~ '${MOVING.source}'
order by c.relname`;

interface Row extends Omit<Table, "refersToItself"> {
  readonly parents: readonly string[];
}

/**
 * The tables of a home in which tenants' rows are, all but the home row's: each after those that it refers to.
 * @throws Error when tables refer to each other in a circle
 */
export async function readTables(lease: Pick<Lease, "run">, schema: string): Promise<Table[]> {
  const rest = new Map(((await lease.run(TABLES, [schema])) as unknown as Row[]).map((row) => [row.name, row]));
  const ordered: Table[] = [];
  while (rest.size > 0) {
    const next = [...rest.values()].find(({ name, parents }) =>
      parents.every((parent) => parent === name || !rest.has(parent)),
    );
    if (!next) throw new Error(`The tables ${[...rest.keys()].join(", ")} refer to each other in a circle.`);
    const { name, columns, key, parents } = next;
    ordered.push({ name, columns, key, refersToItself: parents.includes(name) });
    rest.delete(name);
  }
  return ordered;
}

/** `"a", "b"`, each behind the name of what it is read from. */
export const names = (columns: readonly Column[], from = ""): string =>
  columns.map(({ name }) => `${from && `${from}.`}${quote(name)}`).join(", ");

export const tableIn = (schema: string, table: string): string => `${quote(schema)}.${quote(table)}`;

/** In this order each row can be written after the one before: a tree's rows carry the path to their root. */
export const orderOf = ({ key, refersToItself }: Table): string =>
  `${refersToItself ? "cardinality(path), " : ""}${names(key)}`;
