import { type Column, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { standsIn } from "./given.js";
import type { Page } from "./page.js";

/** What a list is ordered by: an id, or a text or an instant and then an id. */
export interface Order {
  /** Texts are ordered by bytes, so that every server agrees. */
  readonly text?: Column;
  readonly at?: Column;
  readonly id: Column;
  readonly descending?: boolean;
  /** Where the text stands, when it is in another table. */
  readonly join?: { readonly table: PgTable; readonly on: SQL };
}

/** What a list's condition can refer to. */
export interface Asked {
  readonly key: SQL;
  /** Whether an organization is in the scope of the list. */
  readonly inScope: (organization: { readonly id: Column; readonly path: Column }) => SQL;
  /** Whether any list of the statement gives a value of this name: what none asks for need not be written, or judged for each row. */
  readonly isGiven: (name: string) => boolean;
  /** A value of the filter as text; null where it was not given. */
  readonly value: (name: string) => SQL;
  /** A list of the filter as jsonb; null where it was not given. */
  readonly list: (name: string) => SQL;
  /** Whether a text is one of a list of the filter; no limit where it was not given. */
  readonly isOneOf: (name: string, text: SQLWrapper) => SQL | undefined;
  /** Whether a text matches a pattern of the filter; no limit where it was not given. */
  readonly matches: (name: string, ...texts: Column[]) => SQL | undefined;
}

const value = (name: string): SQL => sql`(k.filter->>${name}::text)`;
const list = (name: string): SQL => sql`nullif(k.filter->${name}::text, 'null')`;

/** @param isGiven  whether any of the lists gives a value of this name */
export const askedFor = (isGiven: Asked["isGiven"]): Asked => ({
  isGiven,
  key: sql`k.key`,
  inScope: (one) => standsIn(one, { reached: sql`k.reached`, subtree: sql`k.subtree`, blocked: sql`k.blocked` }),
  value,
  list,
  isOneOf: (name, text) => (isGiven(name) ? sql`coalesce(${list(name)} ? ${text}, true)` : undefined),
  matches: (name, ...texts) => {
    if (!isGiven(name)) return undefined;
    const each = texts.map((text) => sql`coalesce(${text} collate "C" ~ ${value(name)}, false)`);
    return sql`(${value(name)} is null or ${sql.join(each, sql` or `)})`;
  },
});

/** The pieces of a statement that reads in an order, from one end or the other. */
export function orderSql({ text, at, id, descending = false, join }: Order, backward: boolean) {
  const upward = descending === backward;
  const way = upward ? sql`asc` : sql`desc`;
  const by = text ? sql`${text} collate "C"` : at && sql`${at}`;
  const bound = (name: string, otherwise: string, type: SQL) =>
    sql`coalesce(${sql.raw(`k.${name}`)}, ${sql.raw(`'${otherwise}'`)}::${type})`;
  const [start, end] = descending ? [HIGHEST, LOWEST] : [LOWEST, HIGHEST];
  const place = by ? sql`(${by}, ${id})` : sql`${id}`;
  const boundary = (side: "after" | "before", otherwise: typeof LOWEST) => {
    const ofId = bound(`${side}_id`, otherwise.id, sql`uuid`);
    if (text) return sql`(${bound(`${side}_text`, otherwise.text, sql`text`)} collate "C", ${ofId})`;
    return at ? sql`(${bound(`${side}_at`, otherwise.at, sql`timestamptz`)}, ${ofId})` : ofId;
  };
  const [after, before] = [boundary("after", start), boundary("before", end)];
  const [low, high] = descending ? [before, after] : [after, before];
  return {
    by: sql<string | null>`${by ?? sql`null`}::text`,
    between: sql`${place} > ${low} and ${place} < ${high}`,
    sorted: by ? sql`${by} ${way}, ${id} ${way}` : sql`${id} ${way}`,
    join,
  };
}

// Before the first and after the last of every list, so that each bound is a plain comparison that an index answers.
const LOWEST = { text: "", at: "-infinity", id: "00000000-0000-0000-0000-000000000000" };
const HIGHEST = { text: "\u{10FFFF}".repeat(201), at: "infinity", id: "ffffffff-ffff-ffff-ffff-ffffffffffff" };

/** Where a page begins and ends, as values of the statement; nothing where it does at the end of the list. */
export function bounds({ after, before }: Page, { text, at }: Order) {
  const read = (side: "after" | "before", place: readonly string[] | null) =>
    place && {
      ...(text && { [`${side}_text`]: place[0] }),
      ...(at && { [`${side}_at`]: place[0] }),
      [`${side}_id`]: place.at(-1),
    };
  return { ...read("after", after), ...read("before", before) };
}
