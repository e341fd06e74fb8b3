import { encodeId } from "../../src/graphql/nodeId.js";
import { newId } from "../../src/ids.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { ofData } from "../support/statements.js";
import { type Planted, world } from "../support/world.js";

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { open: {}, closed: {}, hidden: {} } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        lis: [
          { at: "open", roles: ["admin"], reach: "SUBTREE" },
          { at: "closed", roles: ["guest"] },
        ],
      },
    },
  }));
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

describe("three mutations, the last of them forbidden", () => {
  it("leave every row and the audit as they were", async () => {
    const [open, closed] = [acme.id("Organization", "open"), acme.id("Organization", "closed")];
    const before = await gateway.database.content("acme");

    const { data, errors } = await acme
      .as("lis")
      .ask(`mutation { ${create("a", open, "three-a")} ...B ${create("c", closed, "three-c")} }
        fragment B on Mutation { ${create("b", open, "three-b")} }`);

    expect(data).toEqual({ a: null, b: null, c: null });
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [["c"], "FORBIDDEN"],
      [["a"], "NOT_RUN"],
      [["b"], "NOT_RUN"],
    ]);
    expect(await gateway.database.content("acme")).toBe(before);
  });
});

describe("a query of which all is refused", () => {
  const at = (alias: string, id: string, more = "") =>
    `${alias}: organization(by: { id: "${id}" }) { memberCount ...M ${more} }`;
  const M = "fragment M on Organization { people: memberships(first: 1) { nodes { id } } }";
  const ids = () => ["open", "closed", "hidden"].map((slug) => acme.id("Organization", slug));
  const missing = encodeId("Organization", newId());

  /** The answer, without where in the text its errors stand, and the statements of data that it took. */
  async function traceOf(document: string) {
    let answer: unknown;
    const statements = await gateway.database.statements(async () => {
      const { status, data, errors } = await acme.as("lis").ask(document);
      answer = {
        status,
        data,
        errors: errors?.map(({ message, path, extensions }) => ({ message, path, extensions })),
      };
    });
    return { answer: answer as { data: object }, read: ofData(statements).length };
  }

  it.each([
    ["by id", () => at("a", ids()[1]!)],
    ["by id, hidden", () => at("a", ids()[2]!)],
    ["by id, missing", () => at("a", missing)],
    ["by two ids", () => `${at("a", ids()[1]!)} ${at("b", ids()[2]!)}`],
    ["as a node", () => `a: node(id: "${ids()[1]}") { ... on Organization { memberCount } ...M }`],
    [
      "as nodes",
      () => `a: nodes(ids: ["${ids()[1]}", "${missing}", "${ids()[2]}"]) { ...M ... on Organization { memberCount } }`,
    ],
  ])("reads no row, and answers as it would beside what is allowed: %s", async (_way, write) => {
    const rest = M.replace("M on", "M2 on");
    const document = write();
    const fragment = document.includes("...M") ? M : "";

    const early = await traceOf(`{ ${document} } ${fragment}`);
    const late = await traceOf(
      `{ ${document} rest: organization(by: { slug: "open" }) { ...M2 } } ${fragment} ${rest}`,
    );

    const { rest: _, ...data } = late.answer.data as Record<string, unknown>;
    expect(early.answer).toEqual({ ...late.answer, data });
    expect([early.read, late.read > 0]).toEqual([0, true]);
  });

  it("reads as ever where one thing is allowed", async () => {
    const { answer, read } = await traceOf(`{ ${at("a", ids()[1]!, "name")} } ${M}`);

    expect(answer.data).toEqual({ a: { memberCount: null, people: null, name: "closed" } });
    expect(read).toBeGreaterThan(0);
  });

  it("goes by what the variables include", async () => {
    const document = `query($all: Boolean!) { ${at("a", ids()[1]!, "name @include(if: $all)")} } ${M}`;
    const read = async (all: boolean) => (await acme.as("lis").ask(document, { all })).data;

    expect(await read(true)).toEqual({ a: { memberCount: null, people: null, name: "closed" } });
    expect(await read(false)).toEqual({ a: { memberCount: null, people: null } });
  });

  it("says of a null that decides what is included that it does not", async () => {
    const { status, errors } = await acme
      .as("lis")
      .ask("query($all: Boolean = true) { viewer @include(if: $all) { id } }", { all: null });

    expect([status, errors?.map(({ extensions }) => extensions.code)]).toEqual([400, ["BAD_USER_INPUT"]]);
  });
});
