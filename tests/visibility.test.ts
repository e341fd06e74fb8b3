import { type GraphQLUnionType, getNamedType, isCompositeType, isInterfaceType, isRequiredArgument } from "graphql";
import { Access } from "../src/access/access.js";
import { encodeId } from "../src/graphql/nodeId.js";
import { buildSchema } from "../src/schema.js";
import { type Facts, readFacts } from "./oracle/facts.js";
import { Judge } from "./oracle/judge.js";
import { GUARDED, inputOf, openStage } from "./support/access.js";
import { call, everythingBelow, type Found, objectsIn, plain, written } from "./support/documents.js";
import { openGateway, type TestGateway, UNLIMITED } from "./support/gateway.js";
import { homeOf } from "./support/home.js";
import { personFor } from "./support/stage.js";
import { type Planted, world } from "./support/world.js";

const { schema, rules } = buildSchema();
const QUERY = Object.values(schema.getQueryType()!.getFields());
const NODE_TYPES = Object.values(schema.getTypeMap()).flatMap((type) =>
  isInterfaceType(type) && type.name === "Node" ? schema.getPossibleTypes(type).map(({ name }) => name) : [],
);
/** Fields on a way from the root, the first included. */
const DEPTH = 4;

const PAST = new Date("2026-01-01T00:00:00Z");

let gateway: TestGateway;
let acme: Planted;
let globex: Planted;
let facts: Facts;
beforeAll(async () => {
  gateway = await openGateway({ limits: UNLIMITED });
  const planted = await world(gateway, {
    acme: {
      tree: { acme: { north: { n1: {}, n2: {} }, south: { s1: {} } } },
      roles: {
        local: { at: "north", permissions: ["organizations:read", "members:read"] },
        leaf: { at: "s1", permissions: ["organizations:read"] },
        everywhere: { permissions: ["audit:read"] },
      },
      people: {
        owner: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        // Runs a region, of which one branch is closed.
        ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
        // In two places that have nothing to do with each other.
        cleo: [
          { at: "n1", roles: ["member"] },
          { at: "s1", roles: ["guest", "leaf"] },
        ],
        // Reads members below an organization where she may not see the organizations.
        dora: [
          { at: "n2", roles: ["local"] },
          { at: "south", can: ["members:read"], reach: "SUBTREE" },
        ],
        // In the same place as cleo, who may not read its members.
        sten: [{ at: "s1", roles: ["member"] }],
        finn: [],
        gone: [{ at: "north", roles: ["admin"], reach: "SUBTREE", until: PAST }],
        lapsed: [{ at: "north", roles: ["admin"], reach: "SUBTREE", grantsUntil: PAST }],
        paused: [{ at: "north", roles: ["admin"], reach: "SUBTREE", suspended: true }],
      },
      suspended: ["n2"],
      offers: { one: { from: "owner", to: "ben" }, other: { from: "cleo", to: "dora" } },
      events: { acme: 2, north: 1, n1: 1, n2: 1, s1: 1 },
      asking: { acme: ["jo"], n1: ["jo"], n2: ["jo"], s1: ["jo"] },
      claims: { north: ["north.test"], s1: ["south.test"] },
      invited: { acme: ["ivo"], n1: ["ivo"], n2: ["iva"], s1: ["ivo"] },
    },
    globex: { tree: { globex: { g1: {} } }, people: { zoe: [{ at: "globex", roles: ["owner"], reach: "SUBTREE" }] } },
  });
  acme = planted.acme;
  globex = planted.globex;
  facts = await readFacts(homeOf(gateway, "acme"), "acme");
});
afterAll(() => gateway.close());

const PEOPLE = ["owner", "ben", "cleo", "dora", "finn", "gone", "lapsed", "paused"];

/** What the judge is asked about an object of each type that has an id. */
const SEES: Record<string, (judge: Judge, id: string) => boolean> = {
  Organization: (judge, id) => judge.sees(id),
  User: (judge, id) => judge.seesUser(id),
  Membership: (judge, id) => judge.seesMembership(id),
  Grant: (judge, id) => judge.seesGrant(id),
  Role: (judge, id) => judge.seesRole(id),
  Invitation: (judge, id) => judge.seesInvitation(id),
  JoinRequest: (judge, id) => judge.seesJoinRequest(id),
  OrganizationDomain: (judge, id) => judge.seesDomain(id),
  AuditEvent: (judge, id) => judge.seesEvent(id),
  Tenant: (judge, id) => judge.seesTenant(id),
  OwnershipOffer: (judge, id) => judge.seesOffer(id),
};
/** About the caller alone, and never to be given to `node`. */
const NOT_NODES = ["Viewer", "Identity"];

/** Every object of a tenant that has an id of its own, as global ids. */
const everythingIn = ({
  organizations,
  users,
  memberships,
  grants,
  roles,
  invitations,
  joinRequests,
  events,
  slug,
  id,
}: Planted): [string, string][] => [
  ...Object.keys(organizations).map((name): [string, string] => ["Organization", id("Organization", name)]),
  ...Object.keys(users).map((name): [string, string] => ["User", id("User", name)]),
  ...Object.keys(memberships).map((name): [string, string] => ["Membership", id("Membership", name)]),
  ...Object.keys(grants).map((name): [string, string] => ["Grant", id("Grant", name)]),
  ...Object.keys(roles).map((name): [string, string] => ["Role", id("Role", name)]),
  ...Object.keys(invitations).map((name): [string, string] => ["Invitation", id("Invitation", name)]),
  ...Object.keys(joinRequests).map((name): [string, string] => ["JoinRequest", id("JoinRequest", name)]),
  ...Object.keys(events).map((name): [string, string] => ["AuditEvent", id("AuditEvent", name)]),
  ["Tenant", id("Tenant", slug)],
];

const nodes = () => [...everythingIn(acme), ...everythingIn(globex)].filter(([type]) => NODE_TYPES.includes(type));
const uuidOf = (id: string) => Buffer.from(id, "base64url").toString().split(":").at(-1)!;
const permission = plain((_type, name) => (name === "permission" ? "members:read" : acme.id("User", "sten")));

/** Documents that together go every way through the schema: from each root field, and from each object by its id. */
function ways(): string[] {
  const below = (type: string, fields: number) => everythingBelow(schema, schema.getType(type)!, fields, permission);
  const fromRoots = QUERY.filter(
    (field) => isCompositeType(getNamedType(field.type)) && !field.args.some(isRequiredArgument),
  );
  return [
    ...fromRoots.map((field) => `{ ${call(field, permission)} ${below(getNamedType(field.type).name, DEPTH - 1)} }`),
    ...everythingIn(acme)
      .filter(([type]) => type === "Organization")
      .map(([type, id]) => `{ organization(by: { id: "${id}" }) ${below(type, DEPTH - 2)} }`),
    `{ ${nodes()
      .map(([type, id], n) => `n${n}: node(id: "${id}") { ... on ${type} ${below(type, DEPTH - 3)} }`)
      .join(" ")} }`,
  ];
}

/** The ways on which somebody is told more, or less, than the judge says. */
async function differences(person: string): Promise<{ wrong: string[]; found: Found[] }> {
  const judge = new Judge(facts, acme.users[person]!);
  const wrong: string[] = [];
  const found: Found[] = [];
  for (const document of ways()) {
    const { status, data, errors = [] } = await acme.as(person).ask(document);
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(errors)}`);
    found.push(...objectsIn(data));
    for (const { extensions, path } of errors) {
      const { code, permission, organizationId } = extensions as Record<string, string>;
      const denied = code === "FORBIDDEN" && organizationId && !judge.allows(uuidOf(organizationId), permission!);
      if (!denied) wrong.push(`${path?.join(".")} is ${code} for want of ${permission}`);
    }
  }
  for (const { type, id, at, object } of found) {
    if (NOT_NODES.includes(type)) continue;
    for (const field of type === "Organization" ? answeredAgainst(judge, uuidOf(id), object) : [])
      wrong.push(`${field} of ${nameOf(id)} is answered at ${at}`);
    if (!SEES[type]) wrong.push(`nobody has said who sees a ${type}`);
    else if (!SEES[type](judge, uuidOf(id))) wrong.push(`${type} ${nameOf(id)} is shown at ${at}`);
  }
  return { wrong: [...new Set(wrong)], found };
}

/** Fields of an organization that have a rule of their own, were answered, and should not have been. */
function answeredAgainst(judge: Judge, id: string, object: Found["object"]): string[] {
  return Object.keys(object).filter((key) => {
    const rule = rules.get(`Organization.${key.split("_").at(-1)}`);
    return rule?.kind === "may" && object[key] !== null && !judge.allows(id, rule.permission, rule.reach);
  });
}

/** What the sketch calls an object, for messages. */
function nameOf(id: string): string {
  const { organizations, users, memberships, grants, roles } = acme;
  const all = Object.entries({ ...organizations, ...users, ...memberships, ...grants, ...roles });
  return all.find(([, uuid]) => uuid === uuidOf(id))?.[0] ?? id;
}

describe("an object", () => {
  const walks = new Map<string, ReturnType<typeof differences>>();
  const walk = (person: string) => {
    const walked = walks.get(person) ?? differences(person);
    walks.set(person, walked);
    return walked;
  };

  it.each(PEOPLE)("is seen by %s on every way to it, or on none", async (person) => {
    const { wrong } = await walk(person);

    expect(wrong).toEqual([]);
  });

  it("of every type with an id is found on some of these ways", async () => {
    const { found } = await walk("owner");

    expect(new Set(found.map(({ type }) => type))).toEqual(
      new Set([...NODE_TYPES, "Grant", "OrganizationDomain", "OwnershipOffer", ...NOT_NODES]),
    );
  });

  it.each(PEOPLE)("is there for %s by its own id exactly when the judge says so", async (person) => {
    const judge = new Judge(facts, acme.users[person]!);
    const right = nodes().map(([type, id]) => (SEES[type]!(judge, uuidOf(id)) ? { __typename: type, id } : null));
    const one = (id: string, n: number) => `n${n}: node(id: "${id}") { __typename id }`;
    const ids = nodes().map(([, id]) => id);

    const { data, errors } = await acme
      .as(person)
      .ask(`query($ids: [ID!]!) { ${ids.map(one).join(" ")} nodes(ids: $ids) { __typename id } }`, { ids });

    expect(errors).toBeUndefined();
    expect(ids.map((_, n) => data[`n${n}`])).toEqual(right);
    expect(data.nodes).toEqual(right);
  });

  it.each(PEOPLE)("is there for %s by every name it has, as by its id", async (person) => {
    const judge = new Judge(facts, acme.users[person]!);
    const organizations = [...facts.organizations, { id: globex.organizations.g1!, slug: "g1" }];
    const names = organizations.flatMap(({ id, slug }) => [
      [id, `id: "${encodeId("Organization", id)}"`],
      [id, `uuid: "${id}"`],
      [id, `slug: "${slug}"`],
    ]);

    const { data, errors } = await acme
      .as(person)
      .ask(`{ ${names.map(([, by], n) => `o${n}: organization(by: { ${by} }) { uuid }`).join(" ")} }`);

    expect(errors).toBeUndefined();
    expect(names.map((_, n) => data[`o${n}`])).toEqual(
      names.map(([id]) => (SEES.Organization!(judge, id!) ? { uuid: id } : null)),
    );
  });
});

describe("the payload of a mutation", () => {
  let opened: Awaited<ReturnType<typeof openStage>>;
  beforeAll(async () => {
    opened = await openStage({ limits: UNLIMITED });
  });
  afterAll(() => opened.gateway.close());

  const changes = GUARDED.filter(([coordinate]) => coordinate.startsWith("Mutation."));

  it.each(changes)("shows what is seen on every other way, and no more: %s", async (coordinate, rule) => {
    const { gateway: own, stage } = opened;
    const name = coordinate.split(".")[1]!;
    const payload = (
      getNamedType(schema.getMutationType()!.getFields()[name]!.type) as GraphQLUnionType
    ).getTypes()[0]!;
    const below = everythingBelow(schema, payload, DEPTH - 2, permission);
    const person = personFor("a holder of it here", rule);

    const { data } = await stage.acme
      .as(person)
      .ask(`mutation { ${name}(input: ${written(inputOf(name, stage))}) { ... on ${payload.name} ${below} } }`);

    expect(data[name]).toMatchObject({ __typename: payload.name });
    const after = await readFacts(homeOf(own, "acme"), "acme");
    const judge = new Judge(after, stage.acme.users[person]!);
    const found = objectsIn(data).filter(({ type }) => !NOT_NODES.includes(type));
    // Who suspends what they hold nothing above has shut themselves out; what is taken out of a person is text, and of an
    // offer that is closed nothing is left.
    expect(found.length > 0).toBe(!["suspendOrganization", "exportUser", "closeOwnershipOffer"].includes(name));
    expect(found.filter(({ type, id }) => !SEES[type]!(judge, uuidOf(id)))).toEqual([]);
  });
});

describe("the judge", () => {
  const { sees, allows, visibleScope } = Access.prototype;
  afterEach(() => Object.assign(Access.prototype, { sees, allows, visibleScope }));

  it.each<[fault: string, plant: Partial<Access>]>([
    ["every organization is seen", { sees: () => true }],
    [
      "what one sees one may also read",
      {
        allows(this: Access, place) {
          return sees.call(this, place);
        },
      },
    ],
    [
      "lists leave out nothing",
      { visibleScope: () => ({ exact: [], subtree: [acme.organizations.acme!], blocked: [] }) },
    ],
  ])("finds out if %s", async (_fault, plant) => {
    Object.assign(Access.prototype, plant);

    const { wrong } = await differences("cleo");

    expect(wrong).not.toEqual([]);
  });
});
