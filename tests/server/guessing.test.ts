import { builtinModules } from "node:module";
import {
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
} from "graphql";
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

/** Names of the schema in an answer that stand neither in the document nor in what everybody is shown of the schema. */
async function leaked(
  caller: Caller,
  document: string,
  variables: object,
  known: ReadonlySet<string>,
): Promise<string[]> {
  const { errors } = await caller.ask(document, variables as Record<string, unknown>);
  const sent = new Set(`${document} ${JSON.stringify(variables)}`.match(/\w+/g));
  const told = (errors ?? []).flatMap(({ message }) => message.match(/\w+/g) ?? []);
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
        found.push(await leaked(caller(), document, { id: word, by: { [word!]: "x" } }, KNOWN));

      expect([...new Set(found.flat())]).toEqual([]);
    });
  });
});
