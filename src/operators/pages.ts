import type { ObjectRef } from "@pothos/core";
import { BadInputError } from "../graphql/errors.js";
import { builder, type OperatorContext } from "./builder.js";

const MOST_PER_PAGE = 100;
const DEFAULT_PER_PAGE = 20;

interface Page<Row> {
  readonly nodes: readonly Row[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const PageInfo = builder.objectRef<Page<unknown>["pageInfo"]>("PageInfo").implement({
  description: "Where a page ends, and whether its list goes on.",
  fields: (t) => ({
    hasNextPage: t.exposeBoolean("hasNextPage", { description: "Whether the list goes on after the page." }),
    endCursor: t.exposeString("endCursor", {
      nullable: true,
      description: "What to send as `after` for the next page; null when the page is empty.",
    }),
  }),
});

/** A page of a list, as a type of the schema. */
export const pageType = <Row>(name: string, node: ObjectRef<never, Row>) =>
  builder.objectRef<Page<Row>>(name).implement({
    description: "One page of a list.",
    fields: (t) => ({
      nodes: t.field({
        type: [node as never],
        description: "What is on the page, in order.",
        resolve: ({ nodes }) => nodes as never,
      }),
      pageInfo: t.field({ type: PageInfo, description: "Where the page ends.", resolve: ({ pageInfo }) => pageInfo }),
    }),
  });

/**
 * One page of a list that is ordered by one text.
 * @param list what its cursors are bound to
 * @param read is given the place to begin after, and how many are wanted: one more than is shown
 * @throws BadInputError for a length that no page has, and for a cursor of another list
 */
export async function page<Row>(
  { cursors }: OperatorContext,
  list: unknown,
  { first, after }: { readonly first?: number | null; readonly after?: string | null },
  read: (after: string | undefined, limit: number) => Promise<readonly Row[]>,
  placeOf: (row: Row) => string,
): Promise<Page<Row>> {
  const limit = first ?? DEFAULT_PER_PAGE;
  if (limit < 0 || limit > MOST_PER_PAGE)
    throw new BadInputError(`\`first\` must be between 0 and ${MOST_PER_PAGE}; it is ${limit}.`, "first");
  const binding = JSON.stringify(list);
  const from = after == null ? undefined : cursors.read(binding, after, "after")[0];
  const rows = await read(from, limit + 1);
  const nodes = rows.slice(0, limit);
  const last = nodes.at(-1);
  const endCursor = last === undefined ? null : cursors.write(binding, [placeOf(last)]);
  return { nodes, pageInfo: { hasNextPage: rows.length > limit, endCursor } };
}
