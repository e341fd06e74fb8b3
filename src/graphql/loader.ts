import DataLoader from "dataloader";
import type { Scope } from "./operation.js";

/**
 * A loader that lives as long as the tenant session it reads in: what one session read is never the answer of another.
 * `make` runs once per session, at first use.
 */
export function perSession<L>(make: (scope: Scope) => L): (scope: Scope) => L {
  const made = new WeakMap<Scope, L>();
  return (scope) => {
    const known = made.get(scope);
    if (known) return known;
    const loader = make(scope);
    made.set(scope, loader);
    return loader;
  };
}

/** One row per key, `null` where there is none; all keys of a level in one statement. */
export function oneBy<K extends string, R>(keyOf: (row: R) => K, read: (keys: readonly K[]) => PromiseLike<R[]>) {
  return new DataLoader<K, R | null>(async (keys) => {
    const rows = new Map((await read(keys)).map((row) => [keyOf(row), row]));
    return keys.map((key) => rows.get(key) ?? null);
  }, BOUNDED);
}

/** Any number of rows per key, `[]` where there are none; all keys of a level in one statement. */
export function manyBy<K extends string, R>(keyOf: (row: R) => K, read: (keys: readonly K[]) => PromiseLike<R[]>) {
  return new DataLoader<K, R[]>(async (keys) => {
    const rows = groupBy(await read(keys), keyOf);
    return keys.map((key) => rows.get(key) ?? []);
  }, BOUNDED);
}

const BOUNDED = { maxBatchSize: 10_000 };

function groupBy<K, R>(rows: R[], keyOf: (row: R) => K): Map<K, R[]> {
  const groups = new Map<K, R[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
