import {
  type GraphQLInputObjectType,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  getNamedType,
  isInputObjectType,
} from "graphql";
import { encodeId, type IdType, parseId } from "../src/graphql/nodeId.js";
import { newId } from "../src/ids.js";
import { buildSchema } from "../src/schema.js";
import { PERMISSIONS } from "./oracle/facts.js";
import { type Caller, openGateway, type TestGateway } from "./support/gateway.js";
import { homeOf } from "./support/home.js";
import { MUTATION_SAMPLES, ROLE_SAMPLES } from "./support/samples.js";
import { type Planted, world } from "./support/world.js";

const { schema } = buildSchema();

let gateway: TestGateway;
let acme: Planted;
let cleo: Caller;
let hidden: Names;
let foreign: Names;
beforeAll(async () => {
  gateway = await openGateway();
  const nora = [{ at: "north", roles: ["admin", "far"], reach: "SUBTREE" as const }];
  const roles = {
    far: { at: "north", permissions: ["organizations:read"] },
    local: { at: "south", permissions: ["organizations:read"] },
    unused: { at: "south", permissions: ["organizations:read"] },
  };
  const planted = await world(gateway, {
    acme: {
      tree: { acme: { north: {}, south: {}, aside: {} } },
      roles,
      people: {
        owner: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        // May do everything everywhere, and look only in one place.
        cleo: [
          { at: "acme", can: PERMISSIONS.filter((permission) => !LOOKING.includes(permission)), reach: "SUBTREE" },
          { at: "south", can: LOOKING, reach: "SUBTREE" },
        ],
        // May look in the root and no further.
        rita: [{ at: "acme", can: LOOKING }],
        sam: [{ at: "south", roles: ["guest"] }],
        neighbour: [{ at: "south", roles: ["guest"] }],
        nora,
      },
      events: { north: 1 },
      offers: {
        accepted: { from: "owner", to: "cleo" },
        closed: { from: "sam", to: "cleo" },
        theirs: { from: "nora", to: "sam" },
      },
      invited: { north: ["ivo"], south: ["sam"] },
      asking: { north: ["jo"], south: ["sam"] },
      claims: { south: ["sam.test"] },
    },
    globex: {
      tree: { globex: { north: {}, south: {} } },
      roles,
      people: { nora },
      events: { north: 1 },
      offers: { theirs: { from: "nora", to: "nora" } },
      invited: { north: ["ivo"] },
      asking: { north: ["jo"] },
    },
  });
  const name = async ({ slug, organizations, users }: Planted) => {
    const sql = homeOf(gateway, slug);
    await sql(`update organizations set external_id = 'ext-of-${slug}', slug = '${slug}-north' where id = $1`, [
      organizations.north,
    ]);
    await sql(`update slugs set slug = '${slug}-north' where slug = 'north'`);
    await sql(`update users set external_id = 'person-of-${slug}' where id = $1`, [users.nora]);
  };
  await name(planted.acme);
  await name(planted.globex);
  acme = planted.acme;
  cleo = acme.as("cleo");
  [hidden, foreign] = [namesIn(planted.acme), namesIn(planted.globex)];
});
afterAll(() => gateway.close());

const LOOKING = ["organizations:read", "members:read"];

/** What can be said to name something, by the type it names and how it does. */
type Names = Readonly<Record<string, Readonly<Record<string, string>>>>;

const namesIn = (tenant: Planted): Names => ({
  Organization: {
    id: tenant.id("Organization", "north"),
    uuid: tenant.organizations.north!,
    slug: `${tenant.slug}-north`,
    externalId: `ext-of-${tenant.slug}`,
  },
  User: {
    id: tenant.id("User", "nora"),
    uuid: tenant.users.nora!,
    email: `nora@${tenant.slug}.test`,
    externalId: `person-of-${tenant.slug}`,
  },
  Membership: { id: tenant.id("Membership", "nora@north") },
  Grant: { id: tenant.id("Grant", "nora@north") },
  Role: { id: tenant.id("Role", "far") },
  Invitation: { id: tenant.id("Invitation", "ivo@north") },
  JoinRequest: { id: tenant.id("JoinRequest", "jo@north") },
  AuditEvent: { id: tenant.id("AuditEvent", "north") },
  OwnershipOffer: { id: tenant.id("OwnershipOffer", "theirs") },
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

/** A way to name a thing: the type and kind of its name, and a request that takes one. */
type Way = [way: string, type: string, by: string, request: (name: string) => Request];
interface Request {
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const query = (document: string) => (name: string) => ({ document, variables: { name } });

const NODE_TYPES = schema.getPossibleTypes(schema.getType("Node") as GraphQLInterfaceType).map(({ name }) => name);

const QUERIES: Way[] = [
  ...Object.values(schema.getQueryType()!.getFields()).flatMap(({ name, args, type }): Way[] => {
    const [by] = args;
    const input = by && getNamedType(by.type);
    if (args.length !== 1 || !isInputObjectType(input) || !input.isOneOf) return [];
    return waysIn(input).map(([key, keyType]) => [
      `${name}(by: ${key})`,
      getNamedType(type).name,
      key,
      query(`query($name: ${keyType}!) { ${name}(by: { ${key}: $name }) { __typename } }`),
    ]);
  }),
  [
    "roleUpdatePreview(roleId:)",
    "Role",
    "id",
    query("query($name: ID!) { roleUpdatePreview(roleId: $name, permissions: []) { gains } }"),
  ],
  ...NODE_TYPES.flatMap((type): Way[] => [
    [`node(id:) of ${type}`, type, "id", query("query($name: ID!) { node(id: $name) { __typename id } }")],
    [`nodes(ids:) of ${type}`, type, "id", query("query($name: ID!) { nodes(ids: [$name]) { __typename id } }")],
  ]),
];

/** What to select of the payload of a change that says of each part what became of it. */
const EACH: Readonly<Record<string, string>> = {
  changeMemberships: "... on ChangeMembershipsPayload { results { failure { __typename code message field } } }",
  inviteMembers: "... on InviteMembersPayload { outcomes { failure { __typename code message field } } }",
};

/** Each id in each sample of a mutation, to be another one. */
const MUTATIONS: Way[] = [...Object.entries(MUTATION_SAMPLES), ...ROLE_SAMPLES].flatMap(([mutation, sample]): Way[] => {
  const anywhere = { id: (type: string) => encodeId(type as IdType, newId()) } as unknown as Planted;
  const inputType = schema.getMutationType()!.getFields()[mutation]!.args[0]!.type;
  const document = `mutation($input: ${inputType}) { ${mutation}(input: $input) { __typename ... on Failure { code message field } ${EACH[mutation] ?? ""} } }`;
  return idsIn(sample({ tenant: anywhere, at: "south", person: "sam" })).map(([path, type]) => [
    `${mutation}(${path.join(".")}:)`,
    type,
    "id",
    (name) => {
      const input = structuredClone(sample({ tenant: acme, at: "south", person: "sam" })) as Record<string, never>;
      const holder = path.slice(0, -1).reduce((at, key) => at[key]!, input);
      return { document, variables: { input: Object.assign(holder, { [path.at(-1)!]: name }) && input } };
    },
  ]);
});

/** Where an input holds global ids, and of what. */
function idsIn(value: unknown, path: string[] = []): [path: string[], type: string][] {
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, one]) => idsIn(one, [...path, key]));
  const parsed = typeof value === "string" ? parseId(value) : null;
  return parsed ? [[path, parsed.type]] : [];
}

function waysIn(input: GraphQLInputObjectType): [key: string, type: string][] {
  return Object.values(input.getFields()).map((field) => [field.name, String(field.type)]);
}

/** How what is missing is answered. Whoever may take a person out sees everybody, so that cleo, who does not, may not ask. */
function wordsOf(document: string): RegExp {
  if (document.includes("exportUser")) return /FORBIDDEN/;
  return document.startsWith("mutation") ? /NotFoundFailure/ : /null/;
}

/** All of an answer that somebody could look at, and what it made PostgreSQL do. */
async function traceOf({ document, variables }: Request, name: string) {
  let answer: Awaited<ReturnType<Caller["ask"]>> | undefined;
  const statements = await gateway.database.statements(async () => {
    answer = await cleo.ask(document, variables);
  });
  const { status, headers, ...body } = answer!;
  const shown = Object.fromEntries([...headers].filter(([header]) => header !== "x-request-id"));
  return { status, headers: shown, body: JSON.stringify(body).replaceAll(name, "…"), statements };
}

describe("what is hidden", () => {
  // What two samples of a mutation both name is looked at once.
  it.each([...new Map([...QUERIES, ...MUTATIONS].map((way) => [way[0], way])).values()])(
    "answers %s as if it were missing, and makes PostgreSQL do the same",
    async (_way, type, by, request) => {
      const trace = (names: Readonly<Record<string, string>>) => traceOf(request(names[by]!), names[by]!);
      await trace(missing(type));

      const right = await trace(missing(type));

      expect(right.statements).not.toEqual([]);
      expect(right.body).toMatch(wordsOf(request("").document));
      expect(await trace(hidden[type]!)).toEqual(right);
      expect(await trace(foreign[type]!)).toEqual(right);
    },
  );
});

/** Texts that mean something to a pattern, a cast, a number or a path, where they are taken for one. */
const HOSTILE = [
  "(",
  "[a",
  "a{99999}",
  "\\",
  "\\1",
  "(?<=x",
  "*",
  "^$",
  "%",
  "_",
  "'",
  "''--",
  "1/0",
  "NaN",
  "1e999",
  "$.a",
  "{}",
  ".*",
];

/** Every list that can be searched. */
const SEARCHED = ["Query", "Viewer", "Organization", "User"].flatMap((typeName) =>
  Object.values((schema.getType(typeName) as GraphQLObjectType).getFields())
    .filter(({ args }) =>
      args.some(({ type }) => {
        const filter = getNamedType(type);
        return isInputObjectType(filter) && "search" in filter.getFields();
      }),
    )
    .map((field) => [`${typeName}.${field.name}`, typeName, field.name] as const),
);

describe("a search", () => {
  it.each(SEARCHED)("of %s answers the same whatever is written in hidden rows", async (_list, typeName, field) => {
    const lists = HOSTILE.map((_, n) => `s${n}: ${field}(filter: { search: $s${n} }) { nodes { id } }`).join(" ");
    const around = { Query: "", Viewer: "viewer", Organization: `node(id: "${acme.id("Organization", "acme")}")` };
    const at = around[typeName as "Query"];
    const selection = at === "" ? lists : `${at} { ... on ${typeName} { ${lists} } }`;
    const variables = Object.fromEntries(HOSTILE.map((text, n) => [`s${n}`, text]));
    const document = `query(${HOSTILE.map((_, n) => `$s${n}: String`).join(" ")}) { ${selection} }`;
    const ask = async (hiddenText: string) => {
      await homeOf(gateway, "acme")(
        `with named as (update organizations set name = $1 where id = $2)
         update users set display_name = $1 where id = $3`,
        [hiddenText, acme.organizations.north, acme.users.nora],
      );
      const { status, data, errors } = await acme.as("rita").ask(document, variables);
      return { status, data, errors };
    };

    const right = await ask("Nora");

    expect([right.status, right.errors]).toEqual([200, undefined]);
    for (const text of HOSTILE) expect(await ask(text)).toEqual(right);
  });
});
