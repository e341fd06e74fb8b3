import fc from "fast-check";
import {
  buildSchema,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute as executeByReference,
  type GraphQLError,
  parse,
  validate,
} from "graphql";
import { execute } from "../../../src/graphql/executor/execute.js";
import { HEARD, hostileSchema, type Whims } from "../../support/hostileSchema.js";
import { documentOf } from "../../support/randomDocuments.js";
import { replay } from "../../support/replay.js";

const schema = hostileSchema();
const RUNS = Number(process.env.TENANTRY_EXECUTIONS ?? 150);

type Execute = (args: ExecutionArgs) => ExecutionResult | PromiseLike<ExecutionResult>;

/** All that can be seen of an answer: the order of keys, and each error with where it is, of what, and from what. */
const shown = ({ data, errors }: ExecutionResult) => ({
  data: JSON.stringify(data),
  errors: errors?.map(({ message, path, nodes, locations, extensions, originalError }: GraphQLError) => ({
    message,
    path,
    locations,
    nodes: nodes?.map(({ loc }) => [loc?.start, loc?.end]),
    extensions,
    original: originalError && [originalError.name, originalError.message],
  })),
});

/**
 * Of items of a list that are still waited for when another has ended the list, graphql-js leaves the failures to the process,
 * which ends by them. While it works, somebody hears of every failure.
 */
async function heard<T>(work: () => Promise<T>): Promise<T> {
  const { then } = Promise.prototype;
  Reflect.set(Promise.prototype, "then", function (this: Promise<unknown>, ...handlers: Parameters<typeof then>) {
    const next = then.apply(this, handlers);
    then.call(next, undefined, () => {});
    return next;
  });
  return work().finally(() => Reflect.set(Promise.prototype, "then", then));
}

/** What somebody answers, and with what they called the resolvers; twice, for what is kept from the first time. */
async function answered(by: Execute, args: ExecutionArgs, whims: Omit<Whims, "calls">) {
  const answers: unknown[] = [];
  for (let time = 0; time < 2; time++) {
    const calls: string[] = [];
    const result = await by({ ...args, contextValue: { ...whims, calls } });
    const told = shown(result);
    // What is still waited for when all is answered is waited for by both.
    await new Promise(setImmediate);
    answers.push({ ...told, calls });
  }
  return answers;
}

async function bothAnswer(document: DocumentNode, args: Partial<ExecutionArgs>, whims: Omit<Whims, "calls">) {
  const all = { schema, document, rootValue: { from: "the root" }, ...args };
  expect(await answered(execute, all, whims)).toEqual(
    await heard(() => answered(executeByReference, all, { ...whims, [HEARD]: true })),
  );
}

/** Documents of everything that the schema has, each with what its variables may be. */
const documents = fc.gen().map((g) => {
  const one = <T>(of: readonly T[]): T => of[g(fc.nat, { max: of.length - 1 })]!;
  const text = documentOf(
    schema,
    one(["query", "query", "mutation"] as const),
    {
      one,
      has: () => g(fc.nat, { max: 2 }) > 0,
      scalar: (type) => (type === "Int" ? one([1, 2, 0]) : one(["x", "y"])),
      items: () => one([0, 1, 2]),
    },
    one([1, 2, 3]),
    g,
    2,
  );
  const whims = { seed: g(fc.nat), wrongs: one([4, 12, 60, 1000]), waits: one([0, 0, 2, 6]) };
  const variableValues = one([{}, {}, { yes: false }, { no: true }, { yes: null }, { yes: 3 }]);
  return { text, whims, variableValues };
});

describe("an execution", () => {
  it("answers what graphql-js answers, calls the same resolvers with the same, and fails the same", async () => {
    await fc.assert(
      fc.asyncProperty(documents, async ({ text, whims, variableValues }) => {
        const document = parse(text);
        expect(validate(schema, document)).toEqual([]);
        await bothAnswer(document, { variableValues }, whims);
      }),
      { numRuns: RUNS, endOnFailure: true, ...replay },
    );
  });

  it.each([
    [
      "keys that objects have of their own",
      "{ __proto__: count constructor: count toString: count then: count hasOwnProperty: count }",
    ],
    [
      "one key asked several times",
      "{ shop { id next { id } } ... on Query { shop { name id next { rank } } } shop { kind } }",
    ],
    [
      "a fragment in several places",
      "{ shop { ...F next { ...F } } node(id: 1) { ...F } } fragment F on Node { id ... on Shop { any { ... on Node { id } } } }",
    ],
    [
      "fragments within each other",
      "{ a: shop { ...A } } fragment A on Shop { id ...B ...B } fragment B on Named { name ...C } fragment C on Node { rank }",
    ],
    [
      "the schema",
      '{ __typename __schema { queryType { name } types { name kind fields { name type { name ofType { name } } } } } __type(name: "Shop") { name interfaces { name } } }',
    ],
    ["a type that is not there", '{ __type(name: "Nothing") { name } }'],
    ["several operations, by name", "query A { count } query B { text }", { operationName: "B" }],
    ["several operations, none named", "query A { count } query B { text }"],
    ["an operation that is not there", "query A { count }", { operationName: "C" }],
    ["an operation without a name, named", "{ count }", { operationName: "" }],
    ["nothing", "fragment F on Shop { id }"],
    ["a kind of operation that the schema has not", "subscription { count }"],
    [
      "a mutation, one field after the other",
      "mutation { a: count b: count c: robots { id } d: text e: must { name } __typename }",
    ],
    ["a field that is not there", "{ count nothing shop { nothing { id } } }"],
    ["a fragment that is not there", "{ count ...Nothing }"],
    ["a fragment on a type that is not there", "{ count ... on Nothing { text } }"],
    ["an object without a selection", "{ shop }"],
  ] as [string, string, Partial<ExecutionArgs>?][])("answers the same to %s", async (_, text, args = {}) => {
    for (const waits of [0, 2]) await bothAnswer(parse(text), args, { seed: 7, wrongs: 1000, waits });
  });

  const LIKE = "query ($like: Like!) { some(like: $like) { __typename } }";
  it.each([
    ["{ text }", [{}]],
    ["{ text(a: 1, b: null) }", [{}]],
    ['{ text(a: "no") count }', [{}]],
    ["{ node { id } count }", [{}]],
    ["{ node(id: null) { id } }", [{}]],
    ["{ must { id } some { __typename } }", [{}]],
    ["{ shop { all { id } all2: all(first: null) { id } } }", [{}]],
    ['{ some(like: { name: "x", or: { name: "y", more: { a: [1, { b: "c" }] } } }, of: 3) { __typename } }', [{}]],
    ["{ some(like: { kinds: [RED] }) { __typename } count }", [{}]],
    [
      "query ($a: Int) { text(a: $a) shop { all(first: $a) { id } } }",
      [{}, { a: 1 }, { a: null }, { a: "1" }, { a: 1.5 }],
    ],
    ["query ($a: Int = 5, $b: String) { text(a: $a, b: $b) }", [{}, { a: null, b: "x" }, { b: null }, { c: 1 }]],
    ["query ($id: ID!) { node(id: $id) { id } }", [{}, { id: 1 }, { id: null }, { id: {} }]],
    ["query ($id: ID) { node(id: $id) { id } count }", [{}, { id: "x" }, { id: null }]],
    [
      'query ($of: [Int], $n: Int) { some(like: { name: "x" }, of: $of) { __typename } b: some(like: { name: "x" }, of: [1, $n]) { __typename } }',
      [{}, { of: 1 }, { of: [1, null], n: 2 }, { of: null, n: null }],
    ],
    [
      LIKE,
      [{}, { like: null }, { like: {} }, { like: { name: "x" } }, { like: { name: "x", or: [{ name: 1 }], other: 1 } }],
    ],
    [
      "query ($name: String!, $more: JSON) { some(like: { name: $name, more: { a: $more }, or: [{ name: $name }] }) { __typename } }",
      [{}, { name: "x" }, { name: "x", more: { deep: [1] } }],
    ],
    [
      "query ($on: Boolean!) { count @include(if: $on) text @skip(if: $on) shop { id @skip(if: $on) ...F @include(if: $on) } } fragment F on Shop { rank }",
      [{ on: true }, { on: false }, {}, { on: null }],
    ],
    [
      "query ($on: Boolean) { count text @include(if: $on) shop { id ... @skip(if: $on) { rank } } }",
      [{ on: true }, { on: false }, {}, { on: null }],
    ],
    ["query ($in: Nothing, $out: Shop) { count }", [{}, { in: 1 }]],
  ] as [string, Record<string, unknown>[]][])(
    "takes the arguments of %s the same, and refuses the same",
    async (text, all) => {
      const document = parse(text);
      for (const variableValues of all)
        await bothAnswer(document, { variableValues }, { seed: 7, wrongs: 1000, waits: 0 });
    },
  );

  it("lets no resolver see what another did to its arguments", async () => {
    const spoiled = buildSchema("type Query { echo(a: Int = 1, list: [Int] = [1], b: Int): String }");
    const seen: unknown[] = [];
    spoiled.getQueryType()!.getFields().echo!.resolve = (_source, args) => {
      seen.push(structuredClone(args));
      args.a = 7;
      args.list.push(7);
    };
    const document = parse("query ($b: Int) { x: echo(list: [2], b: 3) y: echo(list: [2], b: $b) }");

    for (let time = 0; time < 3; time++) await execute({ schema: spoiled, document, variableValues: { b: 3 } });

    expect(seen).toEqual(Array.from({ length: 6 }, () => ({ a: 1, list: [2], b: 3 })));
  });

  it("answers at once where nothing is waited for", () => {
    const document = parse("{ shop { id next { id } } robots { id kinds } }");
    const contextValue = { seed: 1, wrongs: 1000, waits: 0, calls: [] };

    expect(execute({ schema, document, contextValue })).not.toBeInstanceOf(Promise);
  });

  it("leaves no failure unheard of a list that another item has ended before: the process would end by it, as the test does", async () => {
    const lists = buildSchema("type Query { all: [[Int!]!] }");
    const failing = () => Promise.reject(new Error("Too late."));
    const all = () => [["no number", failing()], [1, failing()], new Set([failing()]), Promise.resolve([failing()])];

    const { errors } = await execute({ schema: lists, document: parse("{ all }"), rootValue: { all } });
    await new Promise(setImmediate);

    expect(errors?.map(({ path }) => path)).toEqual([["all", 0, 0]]);
  });

  it("waits for whatever has a `then`", async () => {
    const document = parse("{ text }");
    // biome-ignore lint/suspicious/noThenProperty: a statement that is not sent yet has one, and is no promise
    const text = { then: (ok: (value: string) => void) => ok("there") };
    const plain = buildSchema("type Query { text: String }");

    expect(await execute({ schema: plain, document, rootValue: { text } })).toEqual({ data: { text: "there" } });
  });
});
