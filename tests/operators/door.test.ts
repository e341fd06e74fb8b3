import {
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  buildSchema as parseSchema,
} from "graphql";
import { mintToken } from "../../src/identity/developmentToken.js";
import { buildOperatorsSchema } from "../../src/operators/schema.js";
import { buildSchema } from "../../src/schema.js";
import { sign, signingKey } from "../identity/testIssuer.js";
import { FOLDER } from "../support/database.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { openOperators, operatorClaims } from "../support/operators.js";

let gateway: TestGateway;
let operators: Awaited<ReturnType<typeof openOperators>>;
beforeAll(async () => {
  gateway = await openGateway({ introspection: "whole", signUp: true });
  operators = await openOperators(gateway.database);
});
afterAll(async () => {
  await operators.close();
  await gateway.close();
});

const QUESTION = "{ operator tenants { nodes { slug } } }";
const CHANGE = 'mutation { suspendTenant(input: { slug: "northwind" }) { __typename } }';
const past = Math.floor(Date.now() / 1000) - 60;

describe("the operators' door", () => {
  it("answers a listed subject, and a listed address that is verified", async () => {
    const oscar = await operators.token({ sub: "x", email: "Oscar@staff.example", email_verified: true });

    const [byToken, byAddress] = [await operators.ask(QUESTION), await operators.ask(QUESTION, {}, `Bearer ${oscar}`)];

    expect(byToken.data).toEqual({
      operator: "olga",
      tenants: { nodes: [{ slug: "lumen" }, { slug: "meridian" }, { slug: "northwind" }] },
    });
    expect(byAddress.data.operator).toBe("oscar@staff.example");
  });

  const forged = async () => sign(await signingKey("staff"), operatorClaims());
  const attacks: [who: string, token: () => Promise<string | null>, status: number, code: string][] = [
    ["nobody", async () => null, 401, "UNAUTHENTICATED"],
    ["a person of a tenant", () => mintToken(FOLDER, { email: "ada@northwind.test" }), 401, "UNAUTHENTICATED"],
    ["somebody who is not listed", () => operators.token({ sub: "mallory" }), 403, "NOT_AN_OPERATOR"],
    [
      "a listed address that is not verified",
      () => operators.token({ sub: "x", email: "oscar@staff.example", email_verified: false }),
      403,
      "NOT_AN_OPERATOR",
    ],
    ["a listed subject in other capitals", () => operators.token({ sub: "Olga" }), 403, "NOT_AN_OPERATOR"],
    ["a token for another audience", () => operators.token({ aud: "product" }), 401, "UNAUTHENTICATED"],
    ["a token of another issuer", () => operators.token({ iss: "https://issuer.example" }), 401, "UNAUTHENTICATED"],
    ["a token that has expired", () => operators.token({ exp: past }), 401, "UNAUTHENTICATED"],
    ["a token that somebody else signed", forged, 401, "UNAUTHENTICATED"],
    ["text that is no token", async () => "nonsense", 401, "UNAUTHENTICATED"],
  ];

  it.each(attacks)("tells %s nothing, and hands nothing in", async (_who, token, status, code) => {
    const jwt = await token();

    const answers = [];
    for (const document of [QUESTION, CHANGE, getIntrospectionQuery(), "{ nothing }", "{"])
      answers.push(await operators.ask(document, {}, jwt && `Bearer ${jwt}`));

    for (const answer of answers) {
      expect(answer).toMatchObject({ status, errors: [{ extensions: { code } }] });
      expect(answer.data).toBeUndefined();
      expect(answer.errors).toEqual(answers[0]!.errors);
    }
    expect(await gateway.database.owner("select id from tenantry.jobs")).toEqual([]);
  });

  it("has nothing but /graphql, and takes nothing but POST from its own pages", async () => {
    const authorization = `Bearer ${await operators.token()}`;
    const body = JSON.stringify({ query: CHANGE });
    const headers = { authorization, "content-type": "application/json" };

    const other = await operators.fetch("/graphql/schema", { headers });
    const get = await operators.fetch(`/graphql?query=${encodeURIComponent(QUESTION)}`, { headers });
    const page = await operators.fetch("/graphql", {
      method: "POST",
      headers: { ...headers, origin: "https://elsewhere.example" },
      body,
    });

    expect([other.status, get.status, page.status]).toEqual([404, 405, 403]);
    expect(await gateway.database.owner("select id from tenantry.jobs")).toEqual([]);
  });

  it("bounds documents as the public one does, and names what does not fit", async () => {
    const deep = await operators.ask(`{ ${Array.from({ length: 60 }, (_, n) => `a${n}: operator`).join(" ")} }`);
    const wrong = await operators.ask("query($id: ID!) { job(id: $id) { id } }", { id: { no: 1 } });
    const unknown = await operators.ask("{ tenants { nodes { owner } } }");
    const long = await operators.ask("{ tenants(first: 101) { nodes { slug } } }");

    expect(deep).toMatchObject({ status: 400, errors: [{ extensions: { code: "BAD_USER_INPUT" } }] });
    expect(wrong.errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT" } }]);
    expect(unknown).toMatchObject({ errors: [{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] });
    expect(long.errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", field: ["first"] } }]);
  });
});

describe("a text that nothing can be called by", () => {
  it.each([
    ["tenant", '{ tenant(slug: "a\\u0000") { slug } }', {}],
    ["tenants", "query($text: String) { tenants(search: $text) { nodes { slug } } }", { text: "a\0" }],
    ["jobs", "query($text: String) { jobs(slug: $text) { nodes { id } } }", { text: "\ud800" }],
    [
      "a change",
      "mutation($input: SuspendTenantInput!) { suspendTenant(input: $input) { __typename } }",
      { input: { slug: "a\0" } },
    ],
  ])("is refused in %s, before anything is asked or handed in", async (_where, document, variables) => {
    expect(await operators.ask(document, variables)).toMatchObject({
      status: 400,
      errors: [{ extensions: { code: "BAD_USER_INPUT" } }],
    });
  });
});

describe("tenants", () => {
  const page = async (args: string) =>
    (
      await operators.ask(
        `{ tenants${args} { nodes { slug status isolation database } pageInfo { hasNextPage endCursor } } }`,
      )
    ).data?.tenants;

  it("lists all, by slug, a page at a time", async () => {
    const first = await page("(first: 2)");
    const rest = await page(`(first: 2, after: "${first.pageInfo.endCursor}")`);

    expect([...first.nodes, ...rest.nodes].map(({ slug }) => slug)).toEqual(["lumen", "meridian", "northwind"]);
    expect([first.pageInfo.hasNextPage, rest.pageInfo.hasNextPage]).toEqual([true, false]);
    expect(rest.nodes).toEqual([{ slug: "northwind", status: "ACTIVE", isolation: "SCHEMA", database: "main" }]);
  });

  it("finds those whose slug begins so, and those of a status", async () => {
    expect((await page('(search: "mer")')).nodes.map((one: { slug: string }) => one.slug)).toEqual(["meridian"]);
    expect((await page("(status: [SUSPENDED])")).nodes).toEqual([]);
  });

  it("takes no cursor of another list", async () => {
    const { pageInfo } = await page("(first: 1)");

    expect(await page(`(search: "l", after: "${pageInfo.endCursor}")`)).toBeUndefined();
  });

  it("is one by its slug, or none", async () => {
    const { data } = await operators.ask(
      '{ a: tenant(slug: "lumen") { slug database } b: tenant(slug: "nobody") { slug } }',
    );

    expect(data).toEqual({ a: { slug: "lumen", database: "lumen" }, b: null });
  });
});

describe("the public door", () => {
  /** Names of types, fields, arguments, input fields and enum values. */
  const namesOf = (schema: ReturnType<typeof buildOperatorsSchema>) =>
    new Set(
      Object.values(schema.getTypeMap()).flatMap((type) => {
        if (isEnumType(type)) return [type.name, ...type.getValues().map(({ name }) => name)];
        if (isInputObjectType(type)) return [type.name, ...Object.keys(type.getFields())];
        if (!isObjectType(type) && !isInterfaceType(type)) return [type.name];
        const fields = Object.values(type.getFields());
        return [type.name, ...fields.flatMap(({ name, args }) => [name, ...args.map((arg) => arg.name)])];
      }),
    );

  it("knows no name that is the operators' alone, whoever asks", async () => {
    const ours = namesOf(buildSchema().schema);
    const alone = [...namesOf(buildOperatorsSchema())].filter((name) => !ours.has(name));
    const ada = gateway.as("ada@northwind.test", "northwind");

    const shown = [await gateway.anonymous.ask(getIntrospectionQuery()), await ada.ask(getIntrospectionQuery())];
    const text = parseSchema(await (await gateway.fetch("/graphql/schema")).text());
    const errors = [
      await ada.ask("{ tenan jo job_s { id } moveTenan }"),
      await ada.ask("mutation { suspendTenan(input: {}) { __typename } }"),
    ];

    const names = [...JSON.stringify(shown).matchAll(/"name":"(\w+)"/g)].map(([, name]) => name!);
    const words = JSON.stringify(errors).match(/\w+/g) ?? [];
    expect(alone).toEqual(expect.arrayContaining(["JobPayload", "jobs", "moveTenant", "eraseTenant", "keepSeconds"]));
    expect(names).toEqual(expect.arrayContaining(["createTenant", "Organization"]));
    const told = new Set([...names, ...namesOf(text), ...words]);
    expect(alone.filter((name) => told.has(name))).toEqual([]);
  });

  it("takes no operator's token, and does nothing that only operators can ask for", async () => {
    const token = await operators.token();

    const asOperator = await gateway.withToken(token, "northwind").ask("{ viewer { id } }");
    const change = await gateway.as("ada@northwind.test", "northwind").ask(CHANGE);

    expect(asOperator.status).toBe(401);
    expect(change).toMatchObject({ errors: [{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] });
  });
});
