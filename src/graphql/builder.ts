import SchemaBuilder from "@pothos/core";
import RelayPlugin from "@pothos/plugin-relay";
import { GraphQLScalarType, Kind } from "graphql";
import { isUuid } from "../ids.js";
import type { Context } from "./context.js";
import { BadInputError } from "./errors.js";
import { instantOf } from "./instant.js";
import { encodeId, type IdType } from "./nodeId.js";

interface Types {
  Context: Context;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    UUID: { Input: string; Output: string };
    URL: { Input: string; Output: string };
    JSON: { Input: unknown; Output: unknown };
  };
}

/** The one schema that every feature adds to. */
export const builder = new SchemaBuilder<Types>({
  plugins: [RelayPlugin],
  defaultFieldNullability: false,
  relay: {
    cursorType: "String",
    nodesOnConnection: { description: "What is on the page, in order." },
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: "What is on the page, in order, each with its place.",
    },
    nodeFieldOptions: { nullable: false, description: "What stands at this place." },
    cursorFieldOptions: {
      description:
        "The place, for `after` of the same list, and for `before` where it has that: not every list is read from its end.",
    },
    pageInfoFieldOptions: { description: "Where the page begins and ends, and whether the list goes on." },
    pageInfoTypeOptions: { description: "Where a page begins and ends, and whether its list goes on." },
    hasNextPageFieldOptions: { description: "Whether the list goes on after the page." },
    hasPreviousPageFieldOptions: { description: "Whether the list goes on before the page." },
    startCursorFieldOptions: { description: "The place of the first on the page; null when the page is empty." },
    endCursorFieldOptions: { description: "The place of the last on the page; null when the page is empty." },
    firstArgOptions: { description: "How many, counted from the start; 20 when neither this nor `last` is given." },
    afterArgOptions: { description: "Begin after this cursor of the same list." },
    lastArgOptions: {
      description: "How many, counted from the end. Not together with `first`; 100 at most, as there.",
    },
    beforeArgOptions: { description: "End before this cursor of the same list." },
    nodeTypeOptions: { description: "Anything that has a global id." },
    idFieldOptions: { description: "Global id, stable for ever." },
    encodeGlobalID: (type, id) => encodeId(type as IdType, String(id)),
    // Global ids are ours: canonical, and refused with words. So are the two fields that take them.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
  },
});

builder.queryType({ description: "Where every question begins." });
builder.mutationType({
  description:
    "Every change takes one `input` and answers with what changed, or with a failure that says what to do. Each field is a transaction of its own, in the order written.",
});

const text = (name: string, description: string, take: (value: string) => string | Date) =>
  new GraphQLScalarType({
    name,
    description,
    serialize: (value) => (value instanceof Date ? value.toISOString() : String(value)),
    parseValue: (value) => (typeof value === "string" ? take(value) : refuse(name)),
    parseLiteral: (node) => (node.kind === Kind.STRING ? take(node.value) : refuse(name)),
  });

const refuse = (name: string): never => {
  throw new BadInputError(`This is not a ${name}.`);
};

builder.addScalarType(
  "DateTime",
  text(
    "DateTime",
    "An instant, as ISO 8601 writes it, to the millisecond: `2026-01-31T12:00:00.000Z`. Answers are in UTC.",
    (value) => instantOf(value) ?? refuse("DateTime"),
  ),
);
builder.addScalarType(
  "UUID",
  text("UUID", "A uuid in lower case, with hyphens.", (value) => (isUuid(value) ? value : refuse("UUID"))),
);
builder.addScalarType(
  "URL",
  text("URL", "An absolute address that begins with https://.", (value) =>
    value.startsWith("https://") && !/[\s\p{C}]/u.test(value) && URL.canParse(value) && value.length <= 2048
      ? value
      : refuse("URL"),
  ),
);
builder.addScalarType("JSON", new GraphQLScalarType({ name: "JSON", description: "Any JSON value." }));

export const Node = builder.nodeInterfaceRef();
