import type { Query } from "../walls/finding.js";

/** A table of a home, and how its rows come in an order in which each can be written after the one before. */
export interface Table {
  readonly name: string;
  /** Parents before children, where rows refer to others of the same table; else by the primary key. */
  readonly order: string;
}

const TABLES = `
select c.relname as name,
  (select string_agg(quote_ident(a.attname), ', ' order by k.place)
    from pg_catalog.pg_index i cross join unnest(i.indkey::int2[]) with ordinality k(attnum, place)
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
    where i.indrelid = c.oid and i.indisprimary) as key,
  (select coalesce(json_agg(distinct r.relname), '[]') from pg_catalog.pg_constraint f
    join pg_catalog.pg_class r on r.oid = f.confrelid
    where f.conrelid = c.oid and f.contype = 'f') as parents
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind = 'r' and c.relname not in ('migrations', 'tenant') and c.relname !~ '^moving_'
order by c.relname`;

interface Row {
  readonly name: string;
  readonly key: string;
  readonly parents: readonly string[];
}

/**
 * The tables of a home in which tenants' rows are, all but the home row's: each after those that it refers to.
 * @throws Error when tables refer to each other in a circle
 */
export async function readTables(query: Query, schemaName: string): Promise<Table[]> {
  const rest = new Map(((await query(TABLES, [schemaName])) as unknown as Row[]).map((row) => [row.name, row]));
  const ordered: Table[] = [];
  while (rest.size > 0) {
    const next = [...rest.values()].find(({ name, parents }) =>
      parents.every((parent) => parent === name || !rest.has(parent)),
    );
    if (!next) throw new Error(`The tables ${[...rest.keys()].join(", ")} refer to each other in a circle.`);
    // A tree's rows carry the path to their root.
    const isTree = next.parents.includes(next.name);
    ordered.push({ name: next.name, order: `${isTree ? "cardinality(path), " : ""}${next.key}` });
    rest.delete(next.name);
  }
  return ordered;
}
