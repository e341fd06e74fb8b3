import { parse, validate } from "graphql";
import { DEMO_TENANTS } from "../../../src/commands/demo/tenants.js";
import { DEMO_EXAMPLES, EXAMPLES, type Example } from "../../../src/commands/graphiql/operations.js";
import { buildSchema } from "../../../src/schema.js";
import { type Caller, openGateway, type TestGateway } from "../../support/gateway.js";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const VIEWERS = DEMO_TENANTS.flatMap(({ slug, people }) =>
  people.filter(({ as }) => as).map(({ email }) => [email, slug] as const),
);
const named = (name: string): Example =>
  [...EXAMPLES, ...DEMO_EXAMPLES].find(({ query }) => query.includes(` ${name}`))!;
const run = (caller: Caller, { query, variables }: Example) => caller.ask(query, variables && JSON.parse(variables));

describe.each(
  [...EXAMPLES, ...DEMO_EXAMPLES].map((example) => [/(?:query|mutation) (\w+)/.exec(example.query)![1]!, example]),
)("the example %s", (_, example) => {
  const { query } = example as Example;

  it("is valid", () => {
    expect(validate(buildSchema().schema, parse(query))).toEqual([]);
  });

  it.each(VIEWERS)("has an answer for %s in %s, or null with its reason", async (email, tenant) => {
    const { status, data, errors } = await run(gateway.as(email, tenant), example as Example);

    expect(status).toBe(200);
    expect(Object.keys(data).length).toBeGreaterThan(0);
    expect((errors ?? []).filter(({ extensions }) => extensions.code !== "FORBIDDEN")).toEqual([]);
  });

  it("has an answer for whoever is signed out, or null with its reason", async () => {
    const { status, data, errors } = await run(gateway.anonymous, example as Example);

    expect(status).toBe(200);
    expect(Object.keys(data).length).toBeGreaterThan(0);
    expect((errors ?? []).filter(({ extensions }) => extensions.code !== "UNAUTHENTICATED")).toEqual([]);
  });
});

describe("the first example", () => {
  it("shows the owner of the demo's first tenant something on the first click", async () => {
    const { data, errors } = await run(gateway.as("ada@northwind.test", "northwind"), EXAMPLES[0]!);

    expect(errors).toBeUndefined();
    expect(data.viewer.user).toEqual({ displayName: "Ada Lindqvist" });
    expect(data.viewer.organizations.nodes).toHaveLength(5);
  });
});

describe("the example Search", () => {
  it("finds in each tenant what is there, and for a member only what is in their store", async () => {
    const names = async (email: string, tenant: string) => {
      const { data } = await run(gateway.as(email, tenant), named("Search"));
      return data.organizations.nodes.map(({ name }: { name: string }) => name);
    };

    expect(await names("ada@northwind.test", "northwind")).toContain("North Store 2");
    expect(await names("cleo@northwind.test", "northwind")).toEqual(["North Store 1"]);
    expect(await names("eve@meridian.test", "meridian")).toEqual(["Albatros Shipping"]);
    expect(await names("gus@lumen.test", "lumen")).toContain("Aurora Clinics Site 1");
  });
});

describe("the examples of the demo", () => {
  it("say why a contractor may read the members of one store, and of the other no longer", async () => {
    const { data } = await run(gateway.as("ada@northwind.test", "northwind"), named("WhyMayDan"));

    const [here, there] = data.nodes;
    expect(here).toMatchObject({ name: "North Store 1", explainAccess: { allowed: true } });
    expect(there).toMatchObject({ name: "West Store 1", explainAccess: { allowed: false } });
    expect(there.explainAccess.paths[0]).toMatchObject({ reason: "The membership has ended." });
  });

  it("show a store to its member, and nothing of it to another tenant's owner", async () => {
    const mine = await run(gateway.as("dan@contractor.test", "northwind"), named("WhyMayDan"));
    const foreign = await run(gateway.as("eve@meridian.test", "meridian"), named("WhyMayDan"));

    expect(mine.data.nodes).toEqual([expect.objectContaining({ name: "North Store 1" }), null]);
    expect(foreign.data).toEqual({ nodes: [null, null] });
    expect(foreign.errors).toBeUndefined();
  });

  it("create an organization once, and say why not a second time", async () => {
    const database = await openGateway();
    const ben = database.as("ben@northwind.test", "northwind");

    const first = await run(ben, named("CreateOrganization"));
    const second = await run(ben, named("CreateOrganization"));

    expect(first.data.createOrganization.organization.slug).toBe("north-5");
    expect(second.data.createOrganization.code).toBe("SLUG_UNAVAILABLE");
    await database.close();
  });

  it("give a role that counts from the next request on, which its giver must hold", async () => {
    const database = await openGateway();
    const mayInvite = async () => {
      const { data } = await run(database.as("cleo@northwind.test", "northwind"), named("Organizations"));
      return data.organizations.nodes[0].canInvite;
    };
    const before = await mayInvite();

    const bens = await run(database.as("ben@northwind.test", "northwind"), named("GrantRole"));
    const refused = await mayInvite();
    const adas = await run(database.as("ada@northwind.test", "northwind"), named("GrantRole"));

    expect(bens.data.grantRole.code).toBe("EXCEEDS_YOURS");
    expect(adas.data.grantRole.membership.roles).toContainEqual(expect.objectContaining({ name: "Store manager" }));
    expect([before, refused, await mayInvite()]).toEqual([false, false, true]);
    await database.close();
  });
});
