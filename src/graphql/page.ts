import type { Context } from "./context.js";
import { scopeOf } from "./context.js";
import { BadInputError } from "./errors.js";
import { perSession } from "./loader.js";

export const MOST_PER_PAGE = 100;
const DEFAULT_PER_PAGE = 20;

export interface PageArgs {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly last?: number | null;
  readonly before?: string | null;
}

/** What a list is asked for: so many rows, from one end or the other, between two places. */
export interface Page {
  readonly limit: number;
  readonly backward: boolean;
  readonly after: readonly string[] | null;
  readonly before: readonly string[] | null;
}

/** A row, and what it is ordered by. */
export interface Placed<R> {
  readonly row: R;
  readonly place: readonly string[];
}

/** A list whose cursors fit no other: its tenant, its name, what it hangs on, what it shows, and what it is ordered by. */
export interface List {
  readonly name: string;
  readonly parentId?: string;
  readonly filter?: unknown;
  readonly order: string;
}

/** A connection of one page of a list. `read` is given the page, and answers as `pagesOf` does. */
export async function connection<R>(
  ctx: Context,
  list: List,
  args: PageArgs,
  read: (page: Page) => Promise<readonly Placed<R>[]>,
) {
  const page = toPage(ctx, list, args);
  return toConnection(ctx, list, page, await read(page));
}

/**
 * Reads a list's arguments.
 * @throws BadInputError for numbers out of bounds, `first` beside `last`, and cursors of another list
 */
function toPage(ctx: Context, list: List, args: PageArgs): Page {
  if (args.first != null && args.last != null) throw new BadInputError("Use `first` or `last`, not both.", "last");
  const backward = args.last != null;
  const field = backward ? "last" : "first";
  const limit = args.last ?? args.first ?? DEFAULT_PER_PAGE;
  refuseLength(field, limit);
  const place = (name: "after" | "before") =>
    args[name] == null ? null : ctx.cursors.read(bindingOf(ctx, list), args[name], name);
  return { limit, backward, after: place("after"), before: place("before") };
}

/** @throws BadInputError for a length that no page has */
export function refuseLength(field: "first" | "last", length: number): void {
  if (length < 0 || length > MOST_PER_PAGE) {
    throw new BadInputError(`\`${field}\` must be between 0 and ${MOST_PER_PAGE}; it is ${length}.`, field);
  }
}

/** By the rows of a page, which loaders answer once for whoever asks for them: what was made of them first. */
const madeOf = perSession(
  () => new Map<readonly Placed<unknown>[], { readonly as: () => string; readonly connection: object }>(),
);

/**
 * The connection that shows these rows, the same one to thousands who ask in one document for the same page: to make one for
 * each would be more than any memory holds, before anybody could say that the answer is too large.
 * @param rows in the order they were read, one more than asked for where the list goes on
 */
function toConnection<R>(ctx: Context, list: List, page: Page, rows: readonly Placed<R>[]) {
  const as = () => bindingOf(ctx, list) + JSON.stringify(page);
  const made = madeOf(scopeOf(ctx));
  const known = made.get(rows);
  if (known && known.as() === as()) return known.connection as ReturnType<typeof makeConnection<R>>;
  const connection = makeConnection(ctx, list, page, rows);
  if (!known) made.set(rows, { as, connection });
  return connection;
}

function makeConnection<R>(ctx: Context, list: List, page: Page, rows: readonly Placed<R>[]) {
  const more = rows.length > page.limit;
  const shown = rows.slice(0, page.limit);
  if (page.backward) shown.reverse();
  let binding: string | undefined;
  // Few ask for cursors, and every list has as many of them as it has rows.
  const cursorOf = (placed: Placed<R> | undefined) => {
    binding ??= bindingOf(ctx, list);
    return placed ? ctx.cursors.write(binding, placed.place) : null;
  };
  return {
    edges: shown.map((placed) => new Edge(placed, cursorOf)),
    pageInfo: {
      // A place that was given is a row of the list, so the list goes on there.
      hasNextPage: page.before !== null || (!page.backward && more),
      hasPreviousPage: page.after !== null || (page.backward && more),
      get startCursor() {
        return cursorOf(shown[0]);
      },
      get endCursor() {
        return cursorOf(shown.at(-1));
      },
    },
  };
}

class Edge<R> {
  readonly node: R;
  readonly #placed: Placed<R>;
  readonly #cursorOf: (placed: Placed<R>) => string | null;

  constructor(placed: Placed<R>, cursorOf: (placed: Placed<R>) => string | null) {
    this.node = placed.row;
    this.#placed = placed;
    this.#cursorOf = cursorOf;
  }

  get cursor(): string | null {
    return this.#cursorOf(this.#placed);
  }
}

const bindingOf = (ctx: Context, list: List): string =>
  JSON.stringify([scopeOf(ctx).session.tenantId, list.name, list.parentId ?? null, list.filter ?? null, list.order]);
