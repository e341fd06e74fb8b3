import type { Caller } from "./gateway.js";

interface Connection {
  readonly edges: readonly { readonly cursor: string; readonly node: Record<string, unknown> }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean };
}

/**
 * Every node of a list, read page by page from one end or the other.
 * @param document takes `$first`, `$after`, `$last` and `$before`, and answers a connection under the alias `list`, at any depth
 */
export async function walk(
  caller: Caller,
  document: string,
  { size, backward = false, variables = {} }: { size: number; backward?: boolean; variables?: Record<string, unknown> },
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (let cursor: string | null = null, pages = 0; ; pages++) {
    if (pages > 1000) throw new Error("The list does not end.");
    const page = backward ? { last: size, before: cursor } : { first: size, after: cursor };
    const { edges, pageInfo } = listIn(await caller.get(document, { ...variables, ...page }));
    const nodes = edges.map(({ node }) => node);
    found[backward ? "unshift" : "push"](...nodes);
    if (edges.length === 0 || !(backward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) return found;
    cursor = edges.at(backward ? 0 : -1)!.cursor;
  }
}

function listIn(data: Record<string, unknown>): Connection {
  const next = data.list ?? Object.values(data)[0];
  if (!next) throw new Error(`There is no list in ${JSON.stringify(data)}.`);
  return data.list ? (next as Connection) : listIn(next as Record<string, unknown>);
}

/** A document of one list, for `walk`: `organizations(%: args)` with what the nodes are asked for. */
export const listDocument = (list: (page: string) => string, declared = ""): string =>
  `query($first: Int, $after: String, $last: Int, $before: String${declared}) { ${list(
    "first: $first, after: $after, last: $last, before: $before",
  )} }`;

export const ofPage = (fields: string): string =>
  `{ edges { cursor node { ${fields} } } pageInfo { hasNextPage hasPreviousPage } }`;
