import { builtinModules } from "node:module";
import {
  buildClientSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
} from "graphql";
import { DEFAULT_LIMITS } from "../../src/graphql/limits.js";
import { buildSchema } from "../../src/schema.js";
import { type Caller, openGateway, type TestGateway } from "../support/gateway.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const NAMES = namesOf(buildSchema().schema);
const WORDS = [...new Set([...mutated([...NAMES]), ...english(), ...builtinModules.map(asName)])].filter(
  (word) => !NAMES.has(word),
);

/** Every name of the schema but those of GraphQL itself, and those that are English in any message. */
function namesOf(schema: GraphQLSchema): Set<string> {
  const names = new Set<string>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith("__") || (isScalarType(type) && /^(String|ID|Int|Float|Boolean)$/.test(type.name)))
      continue;
    names.add(type.name);
    if (isEnumType(type)) for (const { name } of type.getValues()) names.add(name);
    if (isInputObjectType(type)) for (const name of Object.keys(type.getFields())) names.add(name);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      names.add(field.name);
      for (const { name } of field.args) names.add(name);
    }
  }
  return names;
}

/** What somebody would type who half knows the schema, or would be suggested something by it. */
function mutated(names: readonly string[]): string[] {
  return names.flatMap((name) => [`${name}s`, `${name}Id`, name.slice(0, -1), `${name[0]}${name}`, name.slice(1)]);
}

function english(): string[] {
  const nouns =
    "account admin billing client company customer device event group invoice key login member order owner partner password payment person plan product project report secret session setting store team tenant token user vendor webhook".split(
      " ",
    );
  const verbs =
    "add all create delete disable enable export find get has import invite is list lock move my new purge remove reset search set suspend sync transfer update verify".split(
      " ",
    );
  return nouns.flatMap((noun) => verbs.map((verb) => `${verb}${noun[0]!.toUpperCase()}${noun.slice(1)}`)).concat(nouns);
}

function asName(text: string): string {
  return text.replaceAll(/\W/g, "_");
}

/**
 * Names of the schema in an answer that stand neither in the document nor in what everybody is shown of the schema. What was
 * refused before anybody compared it with the schema says nothing.
 */
async function leaked(
  caller: Caller,
  document: string,
  variables: object,
  known: ReadonlySet<string>,
  code = "GRAPHQL_VALIDATION_FAILED",
): Promise<string[]> {
  const { errors = [] } = await caller.ask(document, variables as Record<string, unknown>);
  expect([...new Set(errors.map(({ extensions }) => extensions.code))]).toEqual([code]);
  const sent = new Set(`${document} ${JSON.stringify(variables)}`.match(/\w+/g));
  const told = errors.flatMap(({ message }) => message.match(/\w+/g) ?? []);
  return told.filter((word) => NAMES.has(word) && !sent.has(word) && !known.has(word));
}

const chunks = (size: number): string[][] =>
  Array.from({ length: Math.ceil(WORDS.length / size) }, (_, n) => WORDS.slice(n * size, (n + 1) * size));
const bySize = (size: number, write: (word: string, n: number) => string): string[] =>
  chunks(size).map((words) =>
    words
      .filter((word) => /^[A-Za-z_]\w*$/.test(word))
      .map(write)
      .join(" "),
  );

describe("a guess at a name", () => {
  it("is made some thousand times", () => {
    expect(WORDS.length).toBeGreaterThan(2000);
  });

  describe.each(["a caller who is not signed in", "somebody in no organization"])("by %s", (who) => {
    const caller = () => (who.startsWith("a ") ? gateway.anonymous : gateway.as("finn@northwind.test", "northwind"));
    // Where the guess is made: the types of the document are named in every answer about it.
    // The last two are English in GraphQL's own messages.
    const KNOWN = new Set(["Query", "Mutation", "field", "key"]);

    it.each<[string, string[]]>([
      ["a root field", bySize(50, (word) => word).map((fields) => `{ ${fields} }`)],
      ["a change", bySize(10, (word) => word).map((fields) => `mutation { ${fields} }`)],
      ["an argument", bySize(100, (word) => `${word}: 1`).map((args) => `{ node(id: "x", ${args}) { id } }`)],
      [
        "a type",
        bySize(50, (word) => `... on ${word} { __typename }`).map((inner) => `{ node(id: "x") { ${inner} } }`),
      ],
      ["a directive", bySize(20, (word) => `@${word}`).map((all) => `{ __typename ${all} }`)],
      [
        "a field of an input",
        bySize(100, (word) => `${word}: 1`).map(
          (all) => `query($by: OrganizationBy = { slug: "x" ${all} }) { organization(by: $by) { __typename } }`,
        ),
      ],
      [
        "a value of an enum",
        bySize(100, (word) => word).map(
          (all) =>
            `query($s: [OrganizationStatus!] = [${all}]) { organizations(filter: { status: $s }) { __typename } }`,
        ),
      ],
    ])("leads to no name that was not sent: %s", async (_what, documents) => {
      const found = await Promise.all(documents.map((document) => leaked(caller(), document, {}, KNOWN)));

      expect([...new Set(found.flat())]).toEqual([]);
    });

    it("leads to no name that was not sent: in a variable", async () => {
      const document = "query($by: OrganizationBy!, $id: ID!) { organization(by: $by) { id } node(id: $id) { id } }";
      const found = [];
      for (const [word] of chunks(20))
        found.push(await leaked(caller(), document, { id: word, by: { [word!]: "x" } }, KNOWN, "BAD_USER_INPUT"));

      expect([...new Set(found.flat())]).toEqual([]);
    });
  });
});

/** Documents of words for each place: all there are in a long run, other ones for each place otherwise. */
const CHUNKS = process.env.TENANTRY_GUESSES === "all" ? Number.POSITIVE_INFINITY : 2;
// More root fields are refused before anybody looks for them; and GraphQL stops after a hundred errors.
const PER_DOCUMENT = DEFAULT_LIMITS.queryFields;

/** Every place of a schema where a name can be guessed, as documents that guess there. */
function placesIn(shown: GraphQLSchema): [place: string, write: (words: readonly string[]) => string][] {
  const on = (type: string, field: string) =>
    type === "Query" ? field : `node(id: "x") { ... on ${type} { ${field} } }`;
  return Object.values(shown.getTypeMap()).flatMap((type): ReturnType<typeof placesIn> => {
    if (type.name.startsWith("__")) return [];
    const each = (words: readonly string[]) => words.map((word) => `${word}: 1`).join(" ");
    if (isEnumType(type))
      return [[type.name, (words) => `query($v: [${type.name}] = [${words.join(" ")}]) { __typename }`]];
    if (isInputObjectType(type))
      return [[type.name, (words) => `query($v: ${type.name} = { ${each(words)} }) { __typename }`]];
    if (type === shown.getMutationType())
      return Object.keys(type.getFields()).map((field) => [
        `Mutation.${field}`,
        (words) => `mutation { ${field}(${each(words)}) { __typename } }`,
      ]);
    const isWithinReach = type.name === "Query" || (isObjectType(type) && type.getInterfaces().some(isNode));
    if (!isObjectType(type) || !isWithinReach) return [];
    return [
      [type.name, (words) => `{ ${on(type.name, words.join(" "))} }`],
      ...Object.values(type.getFields())
        .filter(({ args }) => args.length > 0)
        .map(({ name }): [string, (words: readonly string[]) => string] => [
          `${type.name}.${name}`,
          (words) => `{ ${on(type.name, `${name}(${each(words)}) { __typename }`)} }`,
        ]),
    ];
  });
}

const isNode = ({ name }: { readonly name: string }) => name === "Node";

describe("an error", () => {
  it.each<[string, () => Caller]>([
    ["who is not signed in", () => gateway.anonymous],
    ["somebody in no organization", () => gateway.as("finn@northwind.test", "northwind")],
    ["a member", () => gateway.as("cleo@northwind.test", "northwind")],
  ])("tells %s no name that their schema does not show, wherever they guess", async (_who, caller) => {
    const shown = buildClientSchema(await caller().get(getIntrospectionQuery()));
    // English in GraphQL's own messages, and the kind of a document.
    const visible = new Set([...namesOf(shown), "Mutation", "field", "key", "by", "allowed"]);
    const words = chunks(PER_DOCUMENT).map((some) => some.filter((word) => /^[A-Za-z_]\w*$/.test(word)));
    const places = placesIn(shown);
    const found: string[] = [];
    let asked = 0;

    for (const [n, [place, write]] of places.entries()) {
      const own = words.filter((_, nth) => (nth + n) % words.length < CHUNKS);
      for (const some of own) {
        found.push(...(await leaked(caller(), write(some), {}, visible)).map((name) => `${place}: ${name}`));
        asked += some.length;
      }
    }

    expect([...new Set(found)]).toEqual([]);
    expect(places.length).toBeGreaterThan(2);
    expect(asked).toBeGreaterThan(places.length * PER_DOCUMENT);
  });
});
