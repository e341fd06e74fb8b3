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

describe("the examples of the demo", () => {
  it("name a store that its member sees, and that is not there for another tenant's owner", async () => {
    const mine = await run(gateway.as("cleo@northwind.test", "northwind"), named("ById"));
    const foreign = await run(gateway.as("eve@meridian.test", "meridian"), named("ById"));

    expect(mine.data.node.name).toBe("North Store 1");
    expect(foreign.data).toEqual({ node: null });
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
});
