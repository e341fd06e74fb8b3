import { type GraphQLInputObjectType, getNamedType, isInputObjectType } from "graphql";
import { encodeId, type IdType } from "../src/graphql/nodeId.js";
import { newId } from "../src/ids.js";
import { buildSchema } from "../src/schema.js";
import { type Caller, openGateway, type TestGateway } from "./support/gateway.js";
import { type Planted, world } from "./support/world.js";

const { schema } = buildSchema();

let gateway: TestGateway;
let cleo: Caller;
let hidden: Names;
let foreign: Names;
beforeAll(async () => {
  gateway = await openGateway();
  const people = {
    cleo: [{ at: "south", roles: ["member"] }],
    nora: [{ at: "north", roles: ["admin", "local"], reach: "SUBTREE" as const }],
  };
  const roles = { local: { at: "north", permissions: ["organizations:read"] } };
  const planted = await world(gateway, {
    acme: { tree: { acme: { north: {}, south: {} } }, roles, people },
    globex: { tree: { globex: { north: {} } }, roles, people: { nora: people.nora } },
  });
  const name = async ({ slug, tenantId, organizations }: Planted) => {
    const [home] = await gateway.database.owner("select schema_name from tenantry.tenants where id = $1", [tenantId]);
    await gateway.database.owner(
      `update ${home!.schema_name}.organizations set external_id = 'ext-of-${slug}', slug = '${slug}-north' where id = $1`,
      [organizations.north],
    );
  };
  await name(planted.acme);
  await name(planted.globex);
  cleo = planted.acme.as("cleo");
  [hidden, foreign] = [namesIn(planted.acme), namesIn(planted.globex)];
});
afterAll(() => gateway.close());

/** What can be said to name something, by the type it names and how it does. */
type Names = Readonly<Record<string, Readonly<Record<string, string>>>>;

const namesIn = (tenant: Planted): Names => ({
  Organization: {
    id: tenant.id("Organization", "north"),
    uuid: tenant.organizations.north!,
    slug: `${tenant.slug}-north`,
    externalId: `ext-of-${tenant.slug}`,
  },
  User: { id: tenant.id("User", "nora"), email: `nora@${tenant.slug}.test`, externalId: `person-of-${tenant.slug}` },
  Membership: { id: tenant.id("Membership", "nora@north") },
  Role: { id: tenant.id("Role", "local") },
  Tenant: { id: encodeId("Tenant", newId()) },
});

/** Names of things that never were, and look as if they could have been. */
const missing = (type: string): Readonly<Record<string, string>> => {
  const uuid = newId();
  return {
    id: encodeId(type as IdType, uuid),
    uuid,
    slug: `no-${uuid}`,
    externalId: `no-${uuid}`,
    email: `no-${uuid}@acme.test`,
  };
};

/** Every way to name a thing: the document that takes the name, and what it names. */
const WAYS: [way: string, type: string, by: string, document: string][] = [
  ...Object.values(schema.getQueryType()!.getFields()).flatMap(({ name, args, type }): typeof WAYS => {
    const [by] = args;
    const input = by && getNamedType(by.type);
    if (args.length !== 1 || !isInputObjectType(input) || !input.isOneOf) return [];
    return waysIn(input).map(([key, keyType]) => [
      `${name}(by: ${key})`,
      getNamedType(type).name,
      key,
      `query($name: ${keyType}!) { ${name}(by: { ${key}: $name }) { __typename } }`,
    ]);
  }),
  ...["Organization", "User", "Membership", "Role", "Tenant"].flatMap((type): typeof WAYS => [
    [`node(id:) of ${type}`, type, "id", "query($name: ID!) { node(id: $name) { __typename id } }"],
    [`nodes(ids:) of ${type}`, type, "id", "query($name: ID!) { nodes(ids: [$name]) { __typename id } }"],
  ]),
  [
    "createOrganization(parentId:)",
    "Organization",
    "id",
    `mutation($name: ID!) {
      createOrganization(input: { parentId: $name, name: "N", slug: "n" }) { __typename ... on Failure { code message field } }
    }`,
  ],
];

function waysIn(input: GraphQLInputObjectType): [key: string, type: string][] {
  return Object.values(input.getFields()).map((field) => [field.name, String(field.type)]);
}

/** All of an answer that somebody could look at, and what it made PostgreSQL do. */
async function traceOf(document: string, name: string) {
  let answer: Awaited<ReturnType<Caller["ask"]>> | undefined;
  const statements = await gateway.database.statements(async () => {
    answer = await cleo.ask(document, { name });
  });
  const { status, headers, ...body } = answer!;
  const shown = Object.fromEntries([...headers].filter(([header]) => header !== "x-request-id"));
  return { status, headers: shown, body: JSON.stringify(body).replaceAll(name, "…"), statements };
}

describe("what is hidden", () => {
  it.each(WAYS)(
    "answers %s as if it were missing, and makes PostgreSQL do the same",
    async (_way, type, by, document) => {
      await cleo.ask(document, { name: missing(type)[by] });

      const right = await traceOf(document, missing(type)[by]!);

      expect(right.statements).not.toEqual([]);
      expect(await traceOf(document, hidden[type]![by]!)).toEqual(right);
      expect(await traceOf(document, foreign[type]![by]!)).toEqual(right);
    },
  );
});
