import { getColumns } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { LRUCache } from "lru-cache";

/** Every field that an operation asks of a type anywhere, by the type's name; what `@include` and `@skip` leave out may be in it. */
export type Fields = ReadonlyMap<string, ReadonlySet<string>>;

/** Some of a table's columns, or all of them, by their names. */
export type ColumnsOf<T extends PgTable> = ReturnType<typeof getColumns<T>>;

type NameOf<T extends PgTable> = keyof ColumnsOf<T> & string;

/** Whoever asks makes up sets of fields without end; each is a statement that is kept. So many are, those that were asked last. */
const MOST_SETS = 24;

/**
 * Which columns of a table an operation asks for, where its rows become objects of a type: a value that nobody asks for is not
 * written by PostgreSQL, sent, nor read.
 * @param always  what is needed whatever is asked for: ids, and what rules are judged by
 * @param reads   the columns that fields read which are not called like the one column that they read. Of a field that is in
 *   neither, nobody knows: the row is read whole
 */
export function columnsOf<T extends PgTable>(
  table: T,
  type: string,
  always: readonly NameOf<T>[],
  reads: Readonly<Record<string, readonly NameOf<T>[]>>,
): (scope: { readonly fields?: Fields | undefined }) => ColumnsOf<T> {
  const whole = getColumns(table);
  const all = whole as Record<string, unknown>;
  const sets = new LRUCache<string, ColumnsOf<T>>({ max: MOST_SETS });
  const made = new WeakMap<Fields, ColumnsOf<T>>();

  function make(fields: Fields): ColumnsOf<T> {
    const wanted = new Set<string>(always);
    for (const field of fields.get(type) ?? []) {
      const read = reads[field] ?? (field in all ? [field] : null);
      if (!read) return whole;
      for (const column of read) wanted.add(column);
    }
    const names = Object.keys(all).filter((name) => wanted.has(name));
    const key = names.join();
    const some = sets.get(key) ?? (Object.fromEntries(names.map((name) => [name, all[name]])) as ColumnsOf<T>);
    sets.set(key, some);
    return some;
  }

  return ({ fields }) => {
    if (!fields) return whole;
    const known = made.get(fields);
    if (known) return known;
    const some = make(fields);
    made.set(fields, some);
    return some;
  };
}

/** What is made of each set of columns, once. */
export function forEach<C extends object, Made>(make: (columns: C) => Made): (columns: C) => Made {
  const known = new WeakMap<C, Made>();
  return (columns) => {
    const found = known.get(columns) ?? make(columns);
    known.set(columns, found);
    return found;
  };
}
