import { and, type Column, eq, getColumns, getTableName, type InferSelectModel, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { TenantDb } from "../tenancy/session.js";
import { statement } from "../tenancy/statement.js";
import type { ColumnsOf } from "./columns.js";
import { partsOf, TENANT, type Values } from "./given.js";
import type { Along, Found, GatheredBy, ListOf, PageOf } from "./list.js";
import { askedFor, bounds, orderSql } from "./order.js";
import type { Scope } from "./scope.js";

/** How pages are read: of all there is or a part, in one order, from one end, with these columns, and with these rows of other tables. */
export interface Way<T extends PgTable> {
  readonly isPart: boolean;
  /** The values of filters that any of the lists gives. */
  readonly given: ReadonlySet<string>;
  readonly by: string;
  readonly backward: boolean;
  readonly columns: ColumnsOf<T>;
  readonly along: readonly (Omit<Along<T>, "columns"> & { readonly columns: Record<string, unknown> })[];
  readonly gathered: GatheredBy | null;
  /** How many rows are read at most, with what belongs to each. */
  readonly most: number;
}

/** The same for ways that are read by the same statement. */
export const nameOf = <T extends PgTable>({
  isPart,
  given,
  by,
  backward,
  columns,
  along,
  gathered,
  most,
}: Way<T>): string =>
  [
    isPart,
    [...given],
    by,
    backward,
    Object.keys(columns),
    ...along.map((one) => [one.by, Object.keys(one.columns)]),
    gathered?.name,
    most,
  ].join(" ");

/** The statement that reads pages so. */
export function write<T extends PgTable>({ table, orders, where }: ListOf<T, string>, way: Way<T>) {
  const { along, gathered, isPart } = way;
  const order = orders[way.by]!;
  const pieces = orderSql(order, way.backward);
  const isById = !order.text && !order.at;
  const condition = where(askedFor((name) => way.given.has(name)));
  const select = statement((db: TenantDb) => {
    const source = isPart ? foundFirst(db, table, condition) : null;
    const columns = source ? pick(getColumns(source), Object.keys(way.columns)) : way.columns;
    const all = db
      .select({
        ...columns,
        placeBy: pieces.by.as("place_by"),
        nth: sql<number>`row_number() over (order by ${pieces.sorted})`.as("nth"),
      })
      .from(source ?? (table as PgTable));
    const rows = (order.join ? all.innerJoin(order.join.table, order.join.on) : all)
      .where(isPart ? pieces.between : sql`${condition} and ${pieces.between}`)
      .orderBy(pieces.sorted)
      // Each list as many as it is asked for.
      .limit(sql`k.most` as never)
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
    const belonging = gathered?.rows(db, (row as unknown as { id: Column }).id);
    const pages = db
      .select({
        n: sql<number>`k.n`,
        nth: sql<number>`${nth}::int`,
        by: (isById ? sql`null` : placeBy) as never,
        row: row as never,
        along: Object.fromEntries(others.map((other, n) => [n, getColumns(other)])) as never,
        ...((belonging && { came: belonging.columns }) as object),
      })
      .from(sql`jsonb_to_recordset(${sql.placeholder("asked")}::text::jsonb)
        as k(n int, most int, key uuid, reached uuid[], subtree uuid[], blocked uuid[], filter jsonb,
             after_text text, after_at timestamptz, after_id uuid, before_text text, before_at timestamptz, before_id uuid)`)
      .crossJoinLateral(rows);
    const joined = others.reduce((sum, other) => sum.crossJoinLateral(other) as never, pages);
    const written = (belonging?.from ?? []).reduce((sum, one) => sum.leftJoinLateral(one, sql`true`) as never, joined);
    // All are in memory before anybody can look at the first. A number of its own: a plan that did not know it would be one for few.
    return Number.isFinite(way.most) ? (written.limit(sql.raw(String(way.most + 1)) as never) as never) : written;
  });
  return async (scope: Scope, given: Values, requests: readonly PageOf[]): Promise<Found<T>[]> => {
    const asked = requests.map(({ key, page, scope: places, filter }, n) => ({
      n,
      most: page.limit + 1,
      key,
      ...(places && partsOf(places)),
      filter,
      ...bounds(page, order),
    }));
    // It is read before the next one writes into it.
    given.asked = JSON.stringify(asked);
    const found = await select(scope.session, given);
    scope.size.addRows(found.length);
    const pages = requests.map((): Found<T> => []);
    const theirs = requests.map((): unknown[][] => []);
    // In whatever order PostgreSQL brings them, and each as often as something belongs to it.
    for (const { n, nth, by: text, row, along: others, came } of found as unknown as Read<
      InferSelectModel<T> & { id: string }
    >[]) {
      const at = nth - 1;
      const page = pages[n]!;
      if (!page[at]) {
        page[at] = { row, place: text == null ? [row.id] : [text, row.id] };
        theirs[n]![at] = [];
        along.forEach(({ rows }, which) => {
          const other = others[which] as { readonly id: string };
          rows(scope).prime(other.id as never, other as never);
        });
      }
      if (came && came.id !== null) theirs[n]![at]!.push(came);
    }
    if (gathered)
      pages.forEach((page, n) => {
        page.forEach(({ row }, at) => {
          gathered.take(scope, row.id as string, theirs[n]![at] as never[]);
        });
      });
    return pages;
  };
}

/**
 * In the order of an index, whoever sees a few of many rows would have all others read and thrown away. What has an offset is
 * a statement of its own to the planner: found first, whatever the order. It goes by the table's name.
 */
const foundFirst = (db: TenantDb, table: PgTable, condition: SQL | undefined) =>
  db
    .select()
    .from(table)
    .where(condition)
    .offset(sql`0` as never)
    .as(getTableName(table));

const pick = (columns: Record<string, Column>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, columns[name]!]));

interface Read<R> {
  readonly n: number;
  /** The place in its page, from one. */
  readonly nth: number;
  readonly by?: string | null;
  readonly row: R;
  readonly along: Readonly<Record<number, object>>;
  readonly came?: { readonly id: unknown } | null;
}
