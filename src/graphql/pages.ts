import DataLoader from "dataloader";
import { type Column, getColumns, type InferSelectModel, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Scope } from "../access/access.js";
import type { TenantDb } from "../tenancy/session.js";
import type { Page } from "./page.js";

/** What a list is ordered by: an id, or a text and then an id. */
export interface Order {
  readonly text?: SQL;
  readonly id: Column;
}

export interface PageOf {
  /** What the list hangs on; nothing for a list of the whole tenant. */
  readonly key?: string;
  readonly page: Page;
  /** Organizations to which the list is confined, where its condition asks for them. */
  readonly scope?: Scope;
}

/** What a list's condition can refer to. */
export interface Asked {
  readonly key: SQL;
  /** Whether an organization is in the scope of the list. */
  readonly inScope: (organization: { readonly id: Column; readonly path: Column }) => SQL;
}

const ASKED: Asked = {
  key: sql`k.key`,
  inScope: ({ id, path }) => sql`(${id} = any(k.exact) or ${id} = any(k.subtree) or ${path} && k.subtree)
    and not (${id} = any(k.blocked) or ${path} && k.blocked)`,
};
const EVERYWHERE: Scope = { exact: [], subtree: [], blocked: [] };

// Before the first and after the last of every list, so that each bound is a plain comparison that an index answers.
const LOWEST_ID = "00000000-0000-0000-0000-000000000000";
const HIGHEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const HIGHEST_TEXT = "\u{10FFFF}".repeat(201);

/**
 * Pages of many lists at once: one statement for all lists of a level that are read from the same end, whatever their
 * number, their places and their lengths. Rows come in the order of reading, one more than the page holds if there is one.
 */
export function pagesOf<T extends PgTable>(
  db: TenantDb,
  table: T,
  order: Order,
  where: (asked: Asked) => SQL | undefined,
): DataLoader<PageOf, InferSelectModel<T>[], string> {
  const read = async (requests: readonly PageOf[], backward: boolean): Promise<InferSelectModel<T>[][]> => {
    if (requests.length === 0) return [];
    const asked = requests.map(({ key, page, scope }, n) => ({
      n,
      key,
      ...(scope ?? EVERYWHERE),
      ...bounds(page, order.text !== undefined),
    }));
    const most = Math.max(...requests.map(({ page }) => page.limit + 1));
    const [place, after, before] = order.text
      ? [
          sql`(${order.text}, ${order.id})`,
          sql`(k.after_text collate "C", k.after_id)`,
          sql`(k.before_text collate "C", k.before_id)`,
        ]
      : [sql`${order.id}`, sql`k.after_id`, sql`k.before_id`];
    const way = backward ? sql`desc` : sql`asc`;
    const rows = db
      .select({
        ...getColumns(table),
        place:
          sql<number>`row_number() over (order by ${order.text ? sql`${order.text} ${way}, ` : sql``}${order.id} ${way})`.as(
            "place",
          ),
      })
      .from(table as PgTable)
      .where(sql`${where(ASKED)} and ${place} > ${after} and ${place} < ${before}`)
      .orderBy(...(order.text ? [sql`${order.text} ${way}`] : []), sql`${order.id} ${way}`)
      .limit(most)
      .as("page");
    const found = await db
      .select({ n: sql<number>`k.n`, row: getColumns(rows) as never })
      .from(sql`jsonb_to_recordset(${JSON.stringify(asked)}::text::jsonb)
        as k(n int, key uuid, exact uuid[], subtree uuid[], blocked uuid[],
             after_text text, after_id uuid, before_text text, before_id uuid)`)
      .crossJoinLateral(rows)
      .orderBy(sql`k.n`, sql`page.place`);
    const pages = requests.map((): InferSelectModel<T>[] => []);
    for (const { n, row } of found as unknown as { n: number; row: InferSelectModel<T> }[]) {
      const page = pages[n]!;
      if (page.length <= requests[n]!.page.limit) page.push(row);
    }
    return pages;
  };

  return new DataLoader(
    async (requests) => {
      const [backward, forward] = [
        requests.filter(({ page }) => page.backward),
        requests.filter(({ page }) => !page.backward),
      ];
      const [fromEnd, fromStart] = await Promise.all([read(backward, true), read(forward, false)]);
      return requests.map(({ page }) => (page.backward ? fromEnd : fromStart).shift()!);
    },
    { cacheKeyFn: ({ key, page, scope }) => JSON.stringify([key, page, scope]) },
  );
}

function bounds({ after, before }: Page, hasText: boolean) {
  const read = (place: readonly string[] | null, text: string, id: string) =>
    place === null ? { text, id } : { text: hasText ? place[0]! : text, id: place[place.length - 1]! };
  const [from, to] = [read(after, "", LOWEST_ID), read(before, HIGHEST_TEXT, HIGHEST_ID)];
  return hasText
    ? { after_text: from.text, after_id: from.id, before_text: to.text, before_id: to.id }
    : { after_id: from.id, before_id: to.id };
}
