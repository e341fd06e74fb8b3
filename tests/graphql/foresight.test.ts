import { openGateway, type TestGateway } from "../support/gateway.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const idOf = async (slug: string) => {
  const ada = gateway.as("ada@northwind.test", "northwind");
  return (await ada.get("query($slug: String!) { organization(by: { slug: $slug }) { id } }", { slug })).organization
    .id;
};
const create = (alias: string, parent: string, slug: string) =>
  `${alias}: createOrganization(input: { parentId: "${parent}", name: "N", slug: "${slug}" }) { __typename }`;
const exists = async (slug: string) =>
  (await gateway.database.owner("select from pg_catalog.pg_class")) &&
  (await gateway.as("ada@northwind.test", "northwind").get(`{ organization(by: { slug: "${slug}" }) { id } }`))
    .organization !== null;

describe("a document of several mutations", () => {
  it("runs none of them when one is forbidden", async () => {
    const [north, south] = [await idOf("north"), await idOf("north-1")];
    const cleo = gateway.as("cleo@northwind.test", "northwind");

    const { data, errors, status } = await cleo.ask(
      `mutation { ${create("a", south, "early-a")} ${create("b", north, "early-b")} }`,
    );

    expect(status).toBe(200);
    expect(data).toEqual({ a: null, b: null });
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [["a"], "FORBIDDEN"],
      [["b"], "NOT_RUN"],
    ]);
    expect(await exists("early-b")).toBe(false);
  });

  it("runs all of them, in order, each in a transaction of its own, when none is", async () => {
    const ben = gateway.as("ben@northwind.test", "northwind");
    const north = await idOf("north");

    const { data } = await ben.ask(
      `mutation { ${create("a", north, "late-a")} ...More ${create("c", north, "late-a")} } fragment More on Mutation { ${create("b", north, "late-b")} }`,
    );

    expect(data).toEqual({
      a: { __typename: "CreateOrganizationPayload" },
      b: { __typename: "CreateOrganizationPayload" },
      c: { __typename: "SlugUnavailableFailure" },
    });
    expect([await exists("late-a"), await exists("late-b")]).toEqual([true, true]);
  });

  it("does not count what is skipped", async () => {
    const cleo = gateway.as("cleo@northwind.test", "northwind");

    const { errors } = await cleo.ask(
      `mutation { ${create("a", await idOf("north-1"), "skip-a").replace(") {", ") @skip(if: true) {")} __typename }`,
    );

    expect(errors).toBeUndefined();
  });

  it("tells each field of who is not signed in, without a look at the database", async () => {
    const id = await idOf("north");
    let answer: unknown;

    const statements = await gateway.database.statements(async () => {
      answer = await gateway.anonymous.ask(`mutation { ${create("a", id, "anon-a")} ${create("b", id, "anon-b")} }`);
    });

    expect(answer).toMatchObject({
      data: { a: null, b: null },
      errors: [{ extensions: { code: "UNAUTHENTICATED" } }, { extensions: { code: "UNAUTHENTICATED" } }],
    });
    expect(statements).toEqual([]);
  });
});
