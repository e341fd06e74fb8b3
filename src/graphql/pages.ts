import DataLoader from "dataloader";
import { getColumns, type InferSelectModel, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Scope } from "../access/access.js";
import type { TenantDb } from "../tenancy/session.js";
import { ASKED, type Asked, bounds, type Order, orderSql } from "./order.js";
import type { Page, Placed } from "./page.js";

export interface PageOf<By extends string = string> {
  /** What the list hangs on; nothing for a list of the whole tenant. */
  readonly key?: string;
  readonly page: Page;
  readonly order: By;
  /** Organizations to which the list is confined, where its condition asks for them. */
  readonly scope?: Scope;
  /** Values that the list's condition compares with, by name. */
  readonly filter?: Readonly<Record<string, unknown>>;
}

/** A list: its rows, the ways to order them, and which of them it shows. */
export interface ListOf<T extends PgTable, By extends string> {
  readonly table: T;
  readonly orders: Readonly<Record<By, Order>>;
  readonly where: (asked: Asked) => SQL | undefined;
}

const NOWHERE: Scope = { exact: [], subtree: [], blocked: [] };

/**
 * Pages of many lists at once: one statement for all lists of a level that are read in the same order from the same end,
 * whatever their number, their filters, their places and their lengths. Rows come in the order of reading, one more than the
 * page holds if there is one.
 */
export function pagesOf<T extends PgTable, By extends string>(
  db: TenantDb,
  list: ListOf<T, By>,
): DataLoader<PageOf<By>, Placed<InferSelectModel<T>>[], string> {
  return new DataLoader(
    async (requests) => {
      const groups = new Map<string, number[]>();
      requests.forEach(({ order, page }, n) => {
        const group = `${order} ${page.backward}`;
        groups.set(group, [...(groups.get(group) ?? []), n]);
      });
      const pages: Placed<InferSelectModel<T>>[][] = [];
      const readGroup = async (members: readonly number[]) => {
        const found = await read(
          db,
          list,
          members.map((n) => requests[n]!),
        );
        members.forEach((n, nth) => {
          pages[n] = found[nth]!;
        });
      };
      await Promise.all([...groups.values()].map(readGroup));
      return pages;
    },
    { cacheKeyFn: ({ key, page, order, scope, filter }) => JSON.stringify([key, page, order, scope, filter]) },
  );
}

/** Pages that are read in the same order from the same end. */
async function read<T extends PgTable, By extends string>(
  db: TenantDb,
  { table, orders, where }: ListOf<T, By>,
  requests: readonly PageOf<By>[],
): Promise<Placed<InferSelectModel<T>>[][]> {
  const [first] = requests;
  const order = orders[first!.order];
  const { by, between, sorted, join } = orderSql(order, first!.page.backward);
  const asked = requests.map(({ key, page, scope, filter }, n) => ({
    n,
    key,
    ...(scope ?? NOWHERE),
    filter: filter ?? {},
    ...bounds(page, order),
  }));
  const most = Math.max(...requests.map(({ page }) => page.limit + 1));
  const all = db
    .select({
      ...getColumns(table),
      placeBy: by.as("place_by"),
      placeId: sql<string>`${order.id}`.as("place_id"),
      nth: sql<number>`row_number() over (order by ${sorted})`.as("nth"),
    })
    .from(table as PgTable);
  const rows = (join ? all.innerJoin(join.table, join.on) : all)
    .where(sql`${where(ASKED)} and ${between}`)
    .orderBy(sorted)
    .limit(most)
    .as("page");
  const { placeBy, placeId, nth, ...row } = getColumns(rows);
  const found = await db
    .select({ n: sql<number>`k.n`, by: placeBy as never, id: placeId as never, row: row as never })
    .from(sql`jsonb_to_recordset(${JSON.stringify(asked)}::text::jsonb)
        as k(n int, key uuid, exact uuid[], subtree uuid[], blocked uuid[], filter jsonb,
             after_text text, after_at timestamptz, after_id uuid, before_text text, before_at timestamptz, before_id uuid)`)
    .crossJoinLateral(rows)
    .orderBy(sql`k.n`, sql`${nth}`);
  const pages = requests.map((): Placed<InferSelectModel<T>>[] => []);
  for (const { n, by, id, row } of found as unknown as Found<InferSelectModel<T>>[]) {
    const page = pages[n]!;
    if (page.length <= requests[n]!.page.limit) page.push({ row, place: by === null ? [id] : [by, id] });
  }
  return pages;
}

interface Found<R> {
  readonly n: number;
  readonly by: string | null;
  readonly id: string;
  readonly row: R;
}
