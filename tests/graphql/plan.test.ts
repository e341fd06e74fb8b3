import fc from "fast-check";
import {
  buildSchema,
  type DocumentNode,
  doTypesOverlap,
  type ExecutionResult,
  execute,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type GraphQLUnionType,
  getNamedType,
  getOperationAST,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
  parse,
  validate,
} from "graphql";
import { guard } from "../../src/graphql/guard.js";
import { type Plan, type Variables, withVariables } from "../../src/graphql/plan.js";
import { bytesPlanned, planOf } from "../../src/graphql/plans.js";
import { anyone, may, type Policy, root, visible } from "../../src/graphql/policy.js";

/** Everything that can stand between a root and a field with a rule. Of each type, `open` has none and `shut` one. */
const SDL = `
  type Query { node(id: ID!): Node, nodes(ids: [ID!]!): [Node]!, any: [Any!]!, shop: Shop, open: String, shut: String }
  type Mutation { change: Changed, shut: String }
  interface Node { id: ID!, shut: String, next: Node }
  interface Named { name: String, shut: String }
  type Shop implements Node & Named { id: ID!, name: String, open: String, shut: String, next: Shop, staff: [[Person]] }
  type Person implements Node & Named { id: ID!, name: String, open: String, shut: String, next: Node, shop: Shop, list(first: Int, last: Int): [Any] }
  type Robot implements Node { id: ID!, open: String, shut: String, next: Robot, any: Any }
  union Any = Shop | Person
  union Changed = Shop | Robot
`;

const RUNS = 200;
/** The most types that something can be of, and the most fields inside fields. */
const [MOST_TYPES, MOST_DEPTH] = [3, 3];
const TYPES = ["Query", "Mutation", "Shop", "Person", "Robot"];
const rule = may("members:read").in(root);

/** The schema, guarded; every field with a rule answers whatever the rule says. */
function guarded(): GraphQLSchema {
  const schema = buildSchema(SDL);
  const policy = Object.fromEntries(
    TYPES.map((name) => {
      const type = schema.getType(name);
      const fields = isObjectType(type) ? Object.keys(type.getFields()) : [];
      const open = name === "Query" || name === "Mutation" ? () => anyone : (field: string) => visible(field)[field]!;
      return [name, Object.fromEntries(fields.map((field) => [field, field === "shut" ? rule : open(field)]))];
    }),
  ) as Policy;
  guard(schema, [policy]);
  return schema;
}

const schema = guarded();

function planned(text: string, variables: Variables = {}): Plan {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  return withVariables(planOf(schema, document, getOperationAST(document)!), variables);
}

/** Fields with a rule as `path: Type.field`, each once. */
const asText = (fields: Iterable<readonly [path: readonly string[], type: string]>): string[] =>
  [...new Set([...fields].map(([path, type]) => `${path.join(".")}: ${type}`))].sort();

const foundIn = (text: string, variables?: Variables): string[] =>
  asText(
    planned(text, variables).guarded.flatMap(({ path, guards }) => [...guards.keys()].map((type) => [path, type])),
  );

describe("the plan of an operation", () => {
  it.each([
    ["at the root", "{ open shut }", ["shut: Query"]],
    ["of a mutation", "mutation { a: shut b: shut }", ["a: Mutation", "b: Mutation"]],
    ["further in", "{ shop { open shut next { shut } } }", ["shop.next.shut: Shop", "shop.shut: Shop"]],
    ["under an alias", "{ a: shop { b: shut } c: shop { shut } }", ["a.b: Shop", "c.shut: Shop"]],
    [
      "in a fragment",
      "{ ...A } fragment A on Query { shop { ...B } } fragment B on Shop { shut }",
      ["shop.shut: Shop"],
    ],
    [
      "in a fragment that is spread at two places",
      "{ shop { ...A next { ...A } } } fragment A on Shop { shut }",
      ["shop.next.shut: Shop", "shop.shut: Shop"],
    ],
    ["in an inline fragment without a type", "{ shop { ... { shut } } }", ["shop.shut: Shop"]],
    ["in lists of lists", "{ shop { staff { shut } } }", ["shop.staff.shut: Person"]],
    [
      "behind an interface, of whatever it can be",
      '{ node(id: "1") { shut } }',
      ["node.shut: Person", "node.shut: Robot", "node.shut: Shop"],
    ],
    ["behind an interface, of one of them", "{ nodes(ids: []) { ... on Robot { shut } } }", ["nodes.shut: Robot"]],
    [
      "behind two interfaces, of what is both",
      '{ node(id: "1") { ... on Named { shut } } }',
      ["node.shut: Person", "node.shut: Shop"],
    ],
    ["in a union", "{ any { ... on Shop { shut } ... on Person { open } } }", ["any.shut: Shop"]],
    ["behind an interface in a union", "{ any { ... on Node { a: shut } } }", ["any.a: Person", "any.a: Shop"]],
    [
      "where an object narrows what its interface answers",
      '{ node(id: "1") { ... on Robot { next { ... on Node { shut } } } } }',
      ["node.next.shut: Robot"],
    ],
    [
      "of a mutation's answer",
      "mutation { change { ... on Robot { shut } } }",
      ["change.shut: Robot", "change: Mutation"],
    ],
  ])("finds a field with a rule %s", (_where, text, expected) => {
    expect(foundIn(text)).toEqual(expected);
  });

  it("finds nothing where nothing has a rule", () => {
    expect(foundIn('{ __typename open shop { open name } node(id: "1") { id __typename } }')).toEqual([]);
  });

  describe("leaves to the variables what @include and @skip say", () => {
    const text = `query($a: Boolean!, $b: Boolean!, $c: Boolean = true) {
      shut @include(if: $a)
      shop @skip(if: $b) { shut ... @include(if: $a) { deep: shut @skip(if: $c) } }
      ...F @include(if: $b)
    } fragment F on Query { far: shut }`;

    it.each([
      [{ a: true, b: false, c: false }, ["shop.deep: Shop", "shop.shut: Shop", "shut: Query"]],
      [{ a: true, b: false, c: true }, ["shop.shut: Shop", "shut: Query"]],
      [{ a: false, b: true, c: false }, ["far: Query"]],
      [{ a: true, b: true, c: false }, ["far: Query", "shut: Query"]],
    ])("%j", (variables, expected) => {
      expect(foundIn(text, variables)).toEqual(expected);
    });

    it("also where a field stands in two places, of which one is left out", () => {
      const twice = "query($a: Boolean!) { shop { shut @include(if: $a) ...S } } fragment S on Shop { shut }";

      expect(foundIn(twice, { a: false })).toEqual(["shop.shut: Shop"]);
    });

    it("and what is written there decides at once", () => {
      expect(foundIn("{ a: shut @include(if: false) b: shut @skip(if: true) c: shut @include(if: true) }")).toEqual([
        "c: Query",
      ]);
    });

    it("and refuses a null, which decides nothing", () => {
      expect(() => planned("query($a: Boolean = true) { shut @skip(if: $a) }", { a: null })).toThrow(
        "`$a` decides what is included, and must be true or false.",
      );
    });
  });

  it("is made once for each operation of a document", () => {
    const document = parse("query A { shut } query B { shop { shut } }");
    const [a, b] = ["A", "B"].map((name) => getOperationAST(document, name)!);

    const plans = [planOf(schema, document, a!), planOf(schema, document, b!)];

    expect(planOf(schema, document, a!)).toBe(plans[0]);
    expect(plans.map(({ guarded }) => guarded.map(({ path }) => path))).toEqual([[["shut"]], [["shop", "shut"]]]);
  });

  it("is not kept where it is many times what is written, but how the operation went is", () => {
    const levels = Array.from(
      { length: 9 },
      (_, n) => `fragment F${n} on Shop { next { ...F${n + 1} } staff { shop { ...F${n + 1} } } }`,
    );
    const document = parse(`{ shop { ...F0 } } ${levels.join(" ")} fragment F9 on Shop { a: shut b: shut }`);
    const operation = getOperationAST(document)!;
    const first = planOf(schema, document, operation);

    const second = planOf(schema, document, operation);

    expect(first.guarded).toHaveLength(1024);
    expect(second).not.toBe(first);
    expect(second.before).toBe(first.before);
    expect(bytesPlanned(document)).toBe(0);
  });

  it("knows the roots in order, and the lengths of pages wherever they are asked for", () => {
    const text =
      "{ b: open ...F a: open } fragment F on Query { any { ... on Person { list(first: 5) { __typename } } } }";

    const { roots, lengths } = planned(text);

    expect(roots.map(({ key }) => key)).toEqual(["b", "any", "a"]);
    expect(lengths.map(({ field }) => field)).toEqual(["first"]);
  });
});

/** What an executor meets that has no rules: each object of whatever type its `turn` says, and every list of one. */
const met = { turn: 0, fields: [] as (readonly [path: readonly string[], type: string])[] };
const naive = buildSchema(SDL);
for (const type of Object.values(naive.getTypeMap())) {
  if (isAbstractType(type)) {
    const possible = naive.getPossibleTypes(type);
    type.resolveType = (_value, _ctx, info) => {
      const digit = Math.floor(met.turn / MOST_TYPES ** (pathOf(info).length - 1)) % MOST_TYPES;
      return possible[digit % possible.length]!.name;
    };
  }
  if (!isObjectType(type) || type.name.startsWith("__")) continue;
  for (const field of Object.values(type.getFields())) {
    const one = isLeafType(getNamedType(field.type)) ? "text" : {};
    const value = String(field.type)
      .replaceAll(/[^[]/g, "")
      .split("")
      .reduce<unknown>((inner) => [inner], one);
    field.resolve = (_source: unknown, _args: unknown, _ctx: unknown, info: GraphQLResolveInfo) => {
      // Each field of a mutation is guarded, if only by its transaction.
      if (field.name === "shut" || type === naive.getMutationType()) met.fields.push([pathOf(info), type.name]);
      return value;
    };
  }
}

/** The fields with a rule that executing a document comes to, over all turns: digits say the type at each depth. */
function reachedBy(document: DocumentNode, variableValues: Variables): string[] {
  met.fields = [];
  for (met.turn = 0; met.turn < MOST_TYPES ** MOST_DEPTH; met.turn++) {
    const { errors } = execute({ schema: naive, document, variableValues }) as ExecutionResult;
    expect(errors).toBeUndefined();
  }
  return asText(met.fields);
}

function pathOf({ path }: GraphQLResolveInfo): string[] {
  const keys: string[] = [];
  for (let at: GraphQLResolveInfo["path"] | undefined = path; at; at = at.prev)
    if (typeof at.key === "string") keys.unshift(at.key);
  return keys;
}

/** A document of one operation, with fragments, aliases and directives, so many fields deep. */
function documentOf(g: fc.GeneratorValue): string {
  const one = <T>(of: readonly T[]): T => of[g(fc.nat, { max: of.length - 1 })]!;
  const fragments = new Map<string, string>();
  let aliases = 0;
  const directive = () => one(["", "", "", " @include(if: $a)", " @skip(if: $b)", " @skip(if: true)"]);

  const selection = (type: GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType, left: number): string => {
    const fields = isUnionType(type) ? [] : Object.values(type.getFields());
    const open = fields.filter((field) => left > 1 || isLeafType(getNamedType(field.type)));
    const narrower = ["Shop", "Person", "Robot", "Node", "Named", "Any"].filter((name) =>
      doTypesOverlap(schema, type, schema.getType(name) as GraphQLObjectType),
    );
    const kind = one(open.length > 0 ? ["field", "field", "shut", "inline", "spread"] : ["inline", "spread"]);
    if (kind === "shut" && open.some(({ name }) => name === "shut")) return `${one(["", "x: "])}shut${directive()}`;
    if (kind === "field" || narrower.length === 0) {
      const field = one(open);
      const below = getNamedType(field.type);
      const args = field.args.some(isRequiredArgument) ? `(${field.args[0]!.name}: "1")` : "";
      return `f${aliases++}: ${field.name}${args}${directive()} ${isCompositeType(below) ? set(below, left - 1) : ""}`;
    }
    const name = one(narrower);
    const below = schema.getType(name) as GraphQLObjectType;
    if (kind === "inline") return `... on ${name}${directive()} ${set(below, left)}`;
    const key = `F${name}${left}`;
    if (!fragments.has(key)) {
      // Known before it is written, so that it is not written inside itself.
      fragments.set(key, "{ __typename }");
      fragments.set(key, set(below, left));
    }
    return `...${key}${directive()}`;
  };
  const set = (type: GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType, left: number): string =>
    `{ ${Array.from({ length: 1 + g(fc.nat, { max: 2 }) }, () => selection(type, left)).join(" ")} }`;

  const root = one([schema.getQueryType()!, schema.getQueryType()!, schema.getMutationType()!]);
  const body = set(root, MOST_DEPTH);
  const written = [...fragments].map(([key, text]) => `fragment ${key} on ${key.slice(1, -1)} ${text}`).join(" ");
  const uses = (name: string) => (`${body} ${written}`.includes(`$${name}`) ? `$${name}: Boolean!` : "");
  const variables = [uses("a"), uses("b")].filter(Boolean).join(", ");
  return `${root === schema.getQueryType() ? "query" : "mutation"}${variables && `(${variables})`} ${body} ${written}`;
}

describe("the fields with a rule in a plan", () => {
  it("are all that executing it can come to, and no others", () => {
    let [valid, found] = [0, 0];
    fc.assert(
      fc.property(fc.gen(), fc.boolean(), fc.boolean(), (g, a, b) => {
        const text = documentOf(g);
        const document = parse(text);
        // A fragment within itself, or two fields that cannot be one.
        if (validate(schema, document).length > 0) return;

        const oracle = reachedBy(document, { a, b });

        expect(foundIn(text, { a, b })).toEqual(oracle);
        valid += 1;
        found += oracle.length;
      }),
      { numRuns: RUNS },
    );
    expect([valid > RUNS / 2, found > RUNS / 2]).toEqual([true, true]);
  });
});
