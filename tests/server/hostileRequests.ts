/** A request that would cost a server dearly, and why it is refused: the limit it exceeds, or the code of the refusal. */
export interface Hostile {
  readonly what: string;
  readonly refusedBy: string;
  readonly query: string;
  readonly variables?: unknown;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const times = (count: number, one: (n: number) => string): string => numbers(count).map(one).join(" ");
const nested = (depth: number, open: string, inner: string, close = "}"): string =>
  `${open.repeat(depth)}${inner}${close.repeat(depth)}`;
/** Each fragment spreads the next one twice. */
const doubling = (levels: number, leaf: string): string =>
  times(levels, (n) => `fragment F${n} on Viewer { a: id ...F${n + 1} ...F${n + 1} }`).concat(
    ` fragment F${levels} on Viewer { ${leaf} }`,
  );
const deepList = (depth: number): unknown => numbers(depth).reduce<unknown>((inner) => [inner], "x");

const withInput = (value: string): string =>
  `mutation { createOrganization(input: { parentId: "x", name: "N", slug: "n", metadata: ${value} }) { __typename } }`;
const ANY =
  'mutation($m: JSON) { createOrganization(input: { parentId: "x", name: "N", slug: "n", metadata: $m }) { __typename } }';

export const HOSTILE: readonly Hostile[] = [
  { what: "8,000 levels of fields", refusedBy: "brackets", query: nested(8000, "{ a ", "{ b }") },
  { what: "50 levels of fields", refusedBy: "depth", query: nested(50, "{ organization ", "{ id }") },
  {
    what: "50 levels of parents",
    refusedBy: "depth",
    query: `{ organization(by: { slug: "x" }) ${nested(50, "{ parent ", "{ id }")} }`,
  },
  {
    what: "levels hidden in a chain of fragments",
    refusedBy: "depth",
    query: `{ viewer { ...F0 } } ${times(40, (n) => `fragment F${n} on Organization { parent { ...F${n + 1} } }`)} fragment F40 on Organization { id }`,
  },
  { what: "8,000 levels of inline fragments", refusedBy: "brackets", query: nested(8000, "{ ... ", "{ a }") },
  {
    what: "8,000 levels of lists in an argument",
    refusedBy: "brackets",
    query: withInput(nested(8000, "[", "1", "]")),
  },
  { what: "50 levels of lists in an argument", refusedBy: "inputDepth", query: withInput(nested(50, "[", "1", "]")) },
  { what: "8,000 brackets that never close", refusedBy: "brackets", query: "{a".repeat(8000) },
  {
    what: "30 levels of introspection",
    refusedBy: "introspectionDepth",
    query: `{ __schema { types { ${nested(30, "ofType { ", "name")} } } }`,
  },
  { what: "10,000 tokens", refusedBy: "tokens", query: `{ ${times(10_000, (n) => `f${n}`)} }` },
  { what: "10,000 comments", refusedBy: "lines", query: `${"#\n".repeat(10_000)}{ __typename }` },
  {
    what: "5,000 comments in few lines' worth of tokens",
    refusedBy: "tokens",
    query: `${"#\n".repeat(4990)}{ ${times(50, (n) => `f${n}`)} }`,
  },
  { what: "5,000 blank lines", refusedBy: "lines", query: `${"\n".repeat(5000)}{ __typename }` },
  { what: "a block string of 20,000 lines", refusedBy: "lines", query: withInput(`"""${"\n".repeat(20_000)}"""`) },
  { what: "900 kB in one string", refusedBy: "characters", query: withInput(`"${"x".repeat(900_000)}"`) },
  { what: "a name of 50,000 letters", refusedBy: "nameCharacters", query: `{ ${"n".repeat(50_000)} }` },
  { what: "one field, written 5,000 times", refusedBy: "tokens", query: `{ ${"id ".repeat(5000)} }` },
  { what: "11 kB of one field", refusedBy: "aliases", query: `{ ${"__typename ".repeat(1000)} }` },
  {
    what: "the same pair of fields 200 times, each with arguments to compare",
    refusedBy: "aliases",
    query: `{ ${times(200, () => 'organization(by: { slug: "a" }) { id }')} }`,
  },
  { what: "1,000 aliases", refusedBy: "aliases", query: `{ ${times(1000, (n) => `a${n}: __typename`)} }` },
  { what: "51 root fields", refusedBy: "queryFields", query: `{ ${times(51, (n) => `f${n}`)} }` },
  {
    what: "11 changes",
    refusedBy: "mutationFields",
    query: `mutation { ${times(11, (n) => `c${n}: ${withInput("1").slice(11, -2)}`)} }`,
  },
  { what: "fragments that double 30 times", refusedBy: "aliases", query: `{ viewer { ...F0 } } ${doubling(30, "id")}` },
  {
    what: "fragments that double without a spread repeated in one place",
    refusedBy: "selections",
    query: `{ viewer { ...F0 } } ${times(30, (n) => `fragment F${n} on Viewer { ... { ...F${n + 1} } user { id } tenant { id } ... { ...F${n + 1} } }`)} fragment F30 on Viewer { id }`,
  },
  {
    what: "fragments that spread one another in a ring",
    refusedBy: "GRAPHQL_VALIDATION_FAILED",
    query: `{ viewer { ...F0 } } ${times(99, (n) => `fragment F${n} on Viewer { ...F${(n + 1) % 99} }`)}`,
  },
  {
    what: "fragments each of which spreads all, itself too",
    refusedBy: "GRAPHQL_VALIDATION_FAILED",
    query: `{ viewer { ...F0 } } ${times(40, (n) => `fragment F${n} on Viewer { ${times(40, (m) => `...F${m}`)} }`)}`,
  },
  {
    what: "500 fragments",
    refusedBy: "fragments",
    query: `{ __typename } ${times(500, (n) => `fragment F${n} on Query { __typename }`)}`,
  },
  { what: "500 operations", refusedBy: "operations", query: times(500, (n) => `query Q${n} { __typename }`) },
  { what: "10,000 directives", refusedBy: "tokens", query: `{ __typename ${"@a ".repeat(10_000)} }` },
  { what: "1,000 directives", refusedBy: "directives", query: `{ __typename ${"@include(if: true) ".repeat(600)} }` },
  {
    what: "a page of a billion",
    refusedBy: "BAD_USER_INPUT",
    query: "{ organizations(first: 1000000000) { nodes { id } } }",
  },
  {
    what: "a page of a billion, in a variable",
    refusedBy: "BAD_USER_INPUT",
    query: "query($n: Int) { viewer { organizations(last: $n) { nodes { id } } } }",
    variables: { n: 1_000_000_000 },
  },
  {
    what: "a list of 4,000 ids",
    refusedBy: "inputList",
    query: `{ nodes(ids: [${times(4000, () => '"x"')}]) { id } }`,
  },
  {
    what: "a list of 50,000 ids in a variable",
    refusedBy: "inputList",
    query: "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
    variables: { ids: numbers(50_000).map(String) },
  },
  { what: "variables 50 levels deep", refusedBy: "inputDepth", query: ANY, variables: { m: deepList(50) } },
  {
    what: "variables 100,000 levels deep",
    refusedBy: "inputDepth",
    query: ANY,
    variables: `{"m":${nested(100_000, "[", "1", "]")}}`,
  },
  {
    what: "20,000 variables",
    refusedBy: "inputValues",
    query: "{ __typename }",
    variables: Object.fromEntries(numbers(20_000).map((n) => [`v${n}`, n])),
  },
  {
    what: "an object of 50,000 keys",
    refusedBy: "inputValues",
    query: ANY,
    variables: { m: Object.fromEntries(numbers(50_000).map((n) => [`k${n}`, n])) },
  },
  { what: "10 MB of variables", refusedBy: "PAYLOAD_TOO_LARGE", query: ANY, variables: { m: "x".repeat(10_000_000) } },
  {
    what: "900 kB in a variable that does not fit, to be repeated in ten errors",
    refusedBy: "BAD_USER_INPUT",
    query: "query($by: OrganizationBy!) { organization(by: $by) { id } }",
    variables: { by: Object.fromEntries(numbers(90).map((n) => [`k${n}`, "x".repeat(10_000)])) },
  },
  {
    what: "as many errors as fit into a document",
    refusedBy: "GRAPHQL_VALIDATION_FAILED",
    query: `{ ${times(49, (n) => `${"n".repeat(190)}${n}`)} viewer { ${times(1500, (n) => `x${n}`)} } }`,
  },
];
