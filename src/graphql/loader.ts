import DataLoader from "dataloader";
import type { Scope } from "./operation.js";

/**
 * A loader that lives as long as the tenant session it reads in: what one session read is never the answer of another.
 * `make` runs once per session, at first use.
 */
export function perSession<L>(make: (scope: Scope) => L): (scope: Scope) => L {
  return (scope) => {
    const made = madeFor(scope);
    const known = made.get(make) as L | undefined;
    if (known !== undefined) return known;
    const loader = make(scope);
    made.set(make, loader);
    return loader;
  };
}

/** Makes each thing once in a tenant session, under however many aliases it is asked for: by its key, at first use. */
export function oncePerSession<K, V>(): (scope: Scope, key: K, make: () => V) => V {
  const madeIn = perSession(() => new Map<K, V>());
  return (scope, key, make) => {
    const made = madeIn(scope);
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make();
    made.set(key, value);
    return value;
  };
}

function madeFor(scope: Scope): Map<unknown, unknown> {
  const { made } = scope.session;
  let known = made.get(scope);
  if (!known) {
    known = new Map();
    made.set(scope, known);
  }
  return known;
}

/** What is there, or on its way. */
export type Soon<T> = T | Promise<T>;

/** Rows by key, `null` where there is none; all keys of a level in one statement. */
export class RowsByKey<K extends string, R> extends DataLoader<K, R | null> {
  readonly #known = new Map<K, R | null>();

  constructor(keyOf: (row: R) => K, read: (keys: readonly K[]) => PromiseLike<readonly R[]>) {
    super(async (keys) => {
      for (const row of await read(keys)) this.#known.set(keyOf(row), row);
      return keys.map((key) => this.#known.get(key) ?? null);
    }, BOUNDED);
  }

  /** The row at once where it was read before: for many, to wait for each costs more than to read them. */
  get(key: K): Soon<R | null> {
    return this.#known.get(key) ?? this.load(key);
  }

  /** Reads those that are not known yet. */
  async readAll(keys: readonly K[]): Promise<void> {
    const unknown = new Set(keys.filter((key) => !this.#known.has(key)));
    await Promise.all([...unknown].map((key) => this.load(key)));
  }

  override load(key: K): Promise<R | null> {
    const known = this.#known.get(key);
    return known === undefined ? super.load(key) : Promise.resolve(known);
  }

  /** Says what a row is, where it was read with something else. */
  override prime(key: K, row: R): this {
    this.#known.set(key, row);
    return this;
  }
}

export const oneBy = <K extends string, R>(
  keyOf: (row: R) => K,
  read: (keys: readonly K[]) => PromiseLike<readonly R[]>,
) => new RowsByKey<K, R>(keyOf, read);

/** Any number of rows per key, `[]` where there are none; all keys of a level in one statement. */
export function manyBy<K extends string, R>(keyOf: (row: R) => K, read: (keys: readonly K[]) => PromiseLike<R[]>) {
  return new DataLoader<K, R[]>(async (keys) => {
    const rows = groupBy(await read(keys), keyOf);
    return keys.map((key) => rows.get(key) ?? []);
  }, BOUNDED);
}

const BOUNDED = { maxBatchSize: 10_000 };

export function groupBy<K, R>(rows: readonly R[], keyOf: (row: R) => K): Map<K, R[]> {
  const groups = new Map<K, R[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
