import DataLoader from "dataloader";
import { and, type Column, eq, getColumns, type InferSelectModel, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Scope as Places } from "../access/access.js";
import type { TenantDb } from "../tenancy/session.js";
import { statement } from "../tenancy/statement.js";
import type { ColumnsOf } from "./columns.js";
import { givenBy, partsOf, TENANT } from "./given.js";
import { perSession, type RowsByKey } from "./loader.js";
import { type Asked, askedFor, bounds, type Order, orderSql } from "./order.js";
import type { Page, Placed } from "./page.js";
import type { Scope } from "./scope.js";

export interface PageOf<By extends string = string> {
  /** What the list hangs on; nothing for a list of the whole tenant. */
  readonly key?: string;
  readonly page: Page;
  readonly order: By;
  /** Organizations to which the list is confined, where its condition asks for them. */
  readonly scope?: Places;
  /** Values that the list's condition compares with, by name. */
  readonly filter?: Readonly<Record<string, unknown>>;
}

/** A list: its rows, the ways to order them, and which of them it shows. */
export interface ListOf<T extends PgTable, By extends string> {
  readonly table: T;
  readonly orders: Readonly<Record<By, Order>>;
  /** Written once for the process: it may hold nothing of a session but what it is given. */
  readonly where: (asked: Asked) => SQL | undefined;
  /** What of its rows an operation asks for. */
  readonly columns?: (scope: Scope) => ColumnsOf<T>;
  /** Rows of other tables that come with a row in the same statement, where many would be asked for right after it. */
  readonly along?: readonly Along<T>[];
  /** What the condition is given besides the tenant and the instant, by the names of its placeholders. */
  readonly given?: (scope: Scope) => Readonly<Record<string, unknown>>;
}

/** The one row of another table that a row of the list leads to. */
export interface Along<T extends PgTable> {
  readonly isAsked: (scope: Scope) => boolean;
  /** Whether the rows of so many lists lead to about as many others; where they lead to few, each of those is read once, after them. */
  readonly isMany: (lists: number) => boolean;
  readonly table: PgTable & { readonly tenantId: Column; readonly id: Column };
  readonly columns: (scope: Scope) => Record<string, unknown>;
  /** The column that names it. */
  readonly by: keyof ColumnsOf<T> & string;
  /** Where whoever asks for it will look. */
  readonly rows: (scope: Scope) => RowsByKey<never, never>;
}

type Found<T extends PgTable> = Placed<InferSelectModel<T>>[];

/** The same list twice is read once. */
const keyOf = <By extends string>(asked: PageOf<By>): string => {
  const { key, page, order, scope, filter } = asked;
  const { limit, backward, after, before } = page;
  const plain = `${key} ${order} ${limit} ${backward}`;
  return after || before || scope || filter ? `${plain} ${JSON.stringify([after, before, scope, filter])}` : plain;
};

/**
 * Pages of many lists at once: one statement for all lists of a level that are read in the same order from the same end,
 * whatever their number, their filters, their places and their lengths. Rows come in the order of reading, one more than the
 * page holds if there is one.
 */
export function pagesOf<T extends PgTable, By extends string>(
  list: ListOf<T, By>,
): (scope: Scope) => DataLoader<PageOf<By>, Found<T>, string> {
  const written = new Map<string, ReturnType<typeof write<T>>>();
  const selectBy = (way: Way<T>): ReturnType<typeof write<T>> => {
    const name = nameOf(way);
    const known = written.get(name);
    if (known) return known;
    // What asks for all there is comes in as many ways as there are orders.
    if (written.size >= MOST_WAYS && way.given !== null)
      return selectBy({ ...way, given: null, columns: getColumns(list.table), along: [] });
    const select = write(list, way);
    written.set(name, select);
    return select;
  };
  const read = async (scope: Scope, given: Record<string, unknown>, requests: readonly PageOf<By>[]) => {
    const [{ order, page }] = requests as [PageOf<By>];
    const others = (list.along ?? []).filter(({ isAsked }) => isAsked(scope));
    const isMany = (one: Along<T>) => one.isMany(requests.length);
    const filters = requests.flatMap(({ filter = {} }) => Object.keys(filter).filter((name) => filter[name] != null));
    const asked: Way<T> = {
      given: new Set(filters.sort()),
      by: order,
      backward: page.backward,
      columns: list.columns?.(scope) ?? getColumns(list.table),
      along: others.filter(isMany).map((one) => ({ ...one, columns: one.columns(scope) })),
    };
    const pages = await selectBy(asked)(scope, given, requests);
    // So that nobody who asks has to wait again.
    for (const one of others.filter((one) => !isMany(one)))
      await one.rows(scope).readAll(pages.flat().map(({ row }) => (row as never)[one.by]));
    return pages;
  };
  return perSession((scope) => {
    const given = { ...givenBy(scope), ...list.given?.(scope) };
    return new DataLoader(
      async (requests) => {
        const groups = new Map<string, number[]>();
        requests.forEach(({ order, page }, n) => {
          const group = `${order} ${page.backward}`;
          const members = groups.get(group);
          if (members) members.push(n);
          else groups.set(group, [n]);
        });
        const pages: Found<T>[] = [];
        const readGroup = async (members: readonly number[]) => {
          const found = await read(
            scope,
            given,
            members.map((n) => requests[n]!),
          );
          members.forEach((n, nth) => {
            pages[n] = found[nth]!;
          });
        };
        await Promise.all([...groups.values()].map(readGroup));
        return pages;
      },
      { cacheKeyFn: keyOf },
    );
  });
}

/** How pages are read: in one order, from one end, with these columns, and with these rows of other tables. */
interface Way<T extends PgTable> {
  /** The values of filters that any of the lists gives; null for whatever there is. */
  readonly given: ReadonlySet<string> | null;
  readonly by: string;
  readonly backward: boolean;
  readonly columns: ColumnsOf<T>;
  readonly along: readonly (Omit<Along<T>, "columns"> & { readonly columns: Record<string, unknown> })[];
}

/** Ways to ask are combined without end; each is a statement that is kept. What comes after so many is read whole. */
const MOST_WAYS = 60;

const nameOf = <T extends PgTable>({ given, by, backward, columns, along }: Way<T>): string =>
  [
    given === null ? "*" : [...given],
    by,
    backward,
    Object.keys(columns),
    ...along.map((one) => [one.by, Object.keys(one.columns)]),
  ].join(" ");

function write<T extends PgTable>({ table, orders, where }: ListOf<T, string>, way: Way<T>) {
  const { along } = way;
  const order = orders[way.by]!;
  const pieces = orderSql(order, way.backward);
  const isById = !order.text && !order.at;
  const select = statement((db: TenantDb) => {
    const all = db
      .select({
        ...way.columns,
        placeBy: pieces.by.as("place_by"),
        nth: sql<number>`row_number() over (order by ${pieces.sorted})`.as("nth"),
      })
      .from(table as PgTable);
    const rows = (order.join ? all.innerJoin(order.join.table, order.join.on) : all)
      .where(sql`${where(askedFor((name) => way.given?.has(name) ?? true))} and ${pieces.between}`)
      .orderBy(pieces.sorted)
      .limit(sql.placeholder("most"))
      .as("page");
    const { placeBy, nth, ...row } = getColumns(rows);
    // One by one, by its key: whatever a plan for many expects, none reads the other table as a whole.
    const others = along.map(({ by, table: other, columns }, n) =>
      db
        .select(columns as never)
        .from(other as PgTable)
        .where(and(eq(other.tenantId, TENANT), eq(other.id, (row as Record<string, unknown>)[by])))
        .limit(1)
        .as(`along_${n}`),
    );
    const pages = db
      .select({
        n: sql<number>`k.n`,
        nth: sql<number>`${nth}::int`,
        by: (isById ? sql`null` : placeBy) as never,
        row: row as never,
        along: Object.fromEntries(others.map((other, n) => [n, getColumns(other)])) as never,
      })
      .from(sql`jsonb_to_recordset(${sql.placeholder("asked")}::text::jsonb)
        as k(n int, key uuid, reached uuid[], subtree uuid[], blocked uuid[], filter jsonb,
             after_text text, after_at timestamptz, after_id uuid, before_text text, before_at timestamptz, before_id uuid)`)
      .crossJoinLateral(rows);
    return others.reduce((joined, other) => joined.crossJoinLateral(other) as never, pages);
  });
  return async (scope: Scope, given: Record<string, unknown>, requests: readonly PageOf[]): Promise<Found<T>[]> => {
    const asked = requests.map(({ key, page, scope: places, filter }, n) => ({
      n,
      key,
      ...(places && partsOf(places)),
      filter,
      ...bounds(page, order),
    }));
    const most = Math.max(...requests.map(({ page }) => page.limit + 1));
    const found = await select(scope.session, { ...given, most, asked: JSON.stringify(asked) });
    const pages = requests.map((): Found<T> => []);
    for (const { n, nth, by: text, row, along: others } of found as unknown as Read<
      InferSelectModel<T> & { id: string }
    >[]) {
      if (nth > requests[n]!.page.limit + 1) continue;
      along.forEach(({ rows }, which) => {
        const other = others[which] as { readonly id: string };
        rows(scope).prime(other.id as never, other as never);
      });
      // In whatever order PostgreSQL brings them.
      pages[n]![nth - 1] = { row, place: text == null ? [row.id] : [text, row.id] };
    }
    return pages;
  };
}

interface Read<R> {
  readonly n: number;
  /** The place in its page, from one. */
  readonly nth: number;
  readonly by?: string | null;
  readonly row: R;
  readonly along: Readonly<Record<number, object>>;
}
