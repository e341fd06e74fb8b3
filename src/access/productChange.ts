import type { Product } from "./catalogue.js";

/** One thing that another product file makes different. */
export interface ProductChange {
  readonly kind: "PERMISSION" | "ROLE";
  readonly key: string;
  readonly what: "ADDED" | "CHANGED" | "REWORDED" | "REMOVED";
  /** What whoever has the role template gains and loses; empty for a permission, which is itself what they do. */
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

/** Whether anybody could lose something by it. */
export const takesAway = ({ what, lost }: ProductChange): boolean => what === "REMOVED" || lost.length > 0;

/** What `wanted` makes different from what is applied: permissions first, each kind by key. The order of a file means nothing. */
export function changesOf(applied: Product, wanted: Product): ProductChange[] {
  const permissions = pairs(applied.permissions, wanted.permissions).flatMap(([key, from, to]): ProductChange[] => {
    const what = from && to ? "REWORDED" : to ? "ADDED" : "REMOVED";
    if (from?.description === to?.description) return [];
    return [{ kind: "PERMISSION", key, what, gained: [], lost: [] }];
  });
  const roles = pairs(applied.roles, wanted.roles).flatMap(([key, from, to]): ProductChange[] => {
    const [before, after] = [from?.permissions ?? [], to?.permissions ?? []];
    const gained = after.filter((one) => !before.includes(one));
    const lost = before.filter((one) => !after.includes(one));
    const change = (what: ProductChange["what"]) => [{ kind: "ROLE" as const, key, what, gained, lost }];
    if (!from || !to) return change(to ? "ADDED" : "REMOVED");
    if (gained.length + lost.length > 0) return change("CHANGED");
    return from.name === to.name && from.description === to.description ? [] : change("REWORDED");
  });
  return [...permissions, ...roles];
}

function pairs<T extends { readonly key: string }>(before: readonly T[], after: readonly T[]) {
  const keys = [...new Set([...before, ...after].map(({ key }) => key))].sort();
  const of = (all: readonly T[], key: string) => all.find((one) => one.key === key);
  return keys.map((key) => [key, of(before, key), of(after, key)] as const);
}
