import { Kind, type SelectionSetNode } from "graphql";
import type { Definitions } from "./fragments.js";

/**
 * Pairs of fields that share a response path, and pairs of spreads at one path, with all fragments expanded.
 *
 * Validation compares each such pair (graphql-js: OverlappingFieldsCanBeMerged), so this bounds the only part of it that
 * is not linear. Takes as many steps as `root` has selections, expanded: bound those, and refuse cycles, before.
 */
export function comparisonsIn(root: SelectionSetNode, fragments: Definitions["fragments"]): number {
  return comparisonsAt([root], fragments);
}

/** `sets` are all that is selected at one response path. */
function comparisonsAt(sets: readonly SelectionSetNode[], fragments: Definitions["fragments"]): number {
  const pending = [...sets];
  const uses = new Map<string, { fields: number; sets: SelectionSetNode[] }>();
  let spreads = 0;
  for (let set = pending.pop(); set; set = pending.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        const use = uses.get(key) ?? { fields: 0, sets: [] };
        uses.set(key, use);
        use.fields += 1;
        if (selection.selectionSet) use.sets.push(selection.selectionSet);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        pending.push(selection.selectionSet);
      } else {
        spreads += 1;
        const fragment = fragments.get(selection.name.value);
        if (fragment) pending.push(fragment.selectionSet);
      }
    }
  }
  let comparisons = pairs(spreads);
  for (const use of uses.values()) {
    comparisons += pairs(use.fields);
    if (use.sets.length > 0) comparisons += comparisonsAt(use.sets, fragments);
  }
  return comparisons;
}

function pairs(count: number): number {
  return (count * (count - 1)) / 2;
}
