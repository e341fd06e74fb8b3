import DataLoader from "dataloader";
import { getColumns } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { LRUCache } from "lru-cache";
import { bounded } from "./bounded.js";
import { givenBy, isWhole, type Values } from "./given.js";
import type { Along, Found, ListOf, PageOf } from "./list.js";
import { perSession } from "./loader.js";
import type { Scope } from "./scope.js";
import { nameOf, type Way, write } from "./way.js";

/**
 * Ways to ask are combined without end; each is a statement that is kept. Of each list so many are, those that were asked last:
 * whoever asks in ever new ways must not take from others those that they are used to.
 */
const MOST_WAYS = 60;

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
  const written = new LRUCache<string, ReturnType<typeof write<T>>>({ max: MOST_WAYS });
  const selectBy = (way: Way<T>): ReturnType<typeof write<T>> => {
    const name = nameOf(way);
    const select = written.get(name) ?? write(list, way);
    written.set(name, select);
    return select;
  };
  const read = async (scope: Scope, given: Values, requests: readonly PageOf<By>[]) => {
    const [{ order, page }] = requests as [PageOf<By>];
    const others = (list.along ?? []).filter(({ isAsked }) => isAsked(scope));
    const isMany = (one: Along<T>) => one.isMany(requests.length);
    const filters = requests.flatMap(({ filter = {} }) => Object.keys(filter).filter((name) => filter[name] != null));
    const isWhollyAsked = ({ scope: places }: PageOf<By>) => !places || isWhole(scope, places);
    const asked: Way<T> = {
      isPart: list.seen !== undefined && !(list.seen.isWholeIn(given) && requests.every(isWhollyAsked)),
      given: new Set(filters.sort()),
      by: order,
      backward: page.backward,
      columns: list.columns?.(scope) ?? getColumns(list.table),
      along: others.filter(isMany).map((one) => ({ ...one, columns: one.columns(scope) })),
      gathered: list.gathered?.isAsked(scope) ? list.gathered.how(scope) : null,
      most: scope.size.mostRows,
    };
    const pages = await selectBy(asked)(scope, given, requests);
    // So that nobody who asks has to wait again.
    for (const one of others.filter((one) => !isMany(one)))
      await one.rows(scope).readAll(pages.flat().map(({ row }) => (row as never)[one.by]));
    return pages;
  };
  return perSession((scope) => {
    const given = givenBy(scope);
    list.give?.(given, scope);
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
          const asked = members.map((n) => requests[n]!);
          const rows = asked.reduce((sum, { page }) => sum + page.limit + 1, 0);
          const found = await bounded(scope, rows, () => read(scope, given, asked));
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
