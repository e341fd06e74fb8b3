import { builder, Node } from "./builder.js";
import type { Context } from "./context.js";
import { BadInputError } from "./errors.js";
import type { Soon } from "./loader.js";
import { type IdType, MOST_IDS, parseId } from "./nodeId.js";
import { anyone, definePolicy, finding } from "./policy.js";

/** Finds what an id names, as far as the caller can see it: null for what is hidden and for what is missing. */
type Find = (ctx: Context, id: string) => Soon<object | null>;

const finders = new Map<string, Find>();

/** Makes a type reachable by `node(id)`. `find` must answer null for whatever the caller may not see. */
export function reachable(type: IdType, find: Find): void {
  finders.set(type, find);
}

async function find(ctx: Context, text: string, field: string): Promise<object | null> {
  const parsed = parseId(text);
  if (!parsed || !finders.has(parsed.type))
    throw new BadInputError(`\`${field}\` is not an id. Take it from the \`id\` of an object.`, field);
  return findNode(ctx, parsed.type, parsed.id);
}

/** What a type and an id name, as a member of `Node`. Null when there is no such thing, or the caller cannot see it. */
export async function findNode(ctx: Context, type: string, id: string): Promise<object | null> {
  if (!ctx.operation.scope) return null;
  const row = await finders.get(type)?.(ctx, id);
  // Rows carry no type of their own; here, and only here, it is known from the id.
  return row ? Object.assign(Object.create(row), { __typename: type }) : null;
}

builder.queryField("node", (t) =>
  t.field({
    type: Node,
    nullable: true,
    description: "Anything that has an id. Null when there is nothing of that id, or the viewer cannot see it.",
    args: { id: t.arg.id({ required: true, description: "The global id." }) },
    resolve: (_root, { id }, ctx) => find(ctx, id, "id") as never,
  }),
);

builder.queryField("nodes", (t) =>
  t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description:
      "Many at once, in the order of the ids; null in the place of each that is missing or not visible. A hundred at most.",
    args: { ids: t.arg.idList({ required: true, description: "The global ids." }) },
    resolve: (_root, { ids }, ctx) => {
      if (ids.length > MOST_IDS)
        throw new BadInputError(`\`ids\` may hold ${MOST_IDS}; it holds ${ids.length}.`, "ids");
      return ids.map((id, index) => find(ctx, id, `ids.${index}`)) as never;
    },
  }),
);

export const policy = definePolicy({ Query: { node: finding("id", anyone), nodes: finding("ids", anyone) } });
