import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { mintToken } from "../../src/identity/developmentToken.js";
import { DEVELOPMENT_AUDIENCE, DEVELOPMENT_ISSUER } from "../../src/identity/issuers.js";
import { FOLDER } from "../support/database.js";
import { type ListeningGateway, listenGateway, type Reply } from "../support/listening.js";

let gateway: ListeningGateway;
let headers: Record<string, string>;
let organizationId: string;
beforeAll(async () => {
  gateway = await listenGateway();
  headers = {
    authorization: `Bearer ${await mintToken(FOLDER, { email: "ada@northwind.test" })}`,
    "x-tenant": "northwind",
  };
  organizationId = (await ask('{ organization(by: { slug: "north" }) { id } }')).json.data.organization.id;
});
afterAll(() => gateway.close());

const ask = (query: string, variables?: object): Promise<Reply> =>
  gateway.send({ headers: { ...headers, accept: "application/graphql-response+json" }, body: { query, variables } });

/** One error, with a code and in words; nothing of ours shows; the next request works. */
async function expectError(reply: Reply, status: number, code: string): Promise<void> {
  const { errors } = reply.json;
  expect([reply.status, errors.map(({ extensions }: { extensions: { code: string } }) => extensions.code)]).toEqual([
    status,
    [code],
  ]);
  expect(errors[0].message.length).toBeGreaterThan(10);
  expect(reply.text).not.toMatch(/stack|\bat .+:\d+:\d+|select |insert |tenant_id|node_modules|\/src\//i);
  expect((await ask("{ viewer { tenant { slug } } }")).json).toEqual({
    data: { viewer: { tenant: { slug: "northwind" } } },
  });
}

describe("a body that is no request", () => {
  it.each<[string, string | Buffer]>([
    ["nothing", ""],
    ["half of JSON", '{"query":'],
    ["JavaScript", "{query: '{ __typename }'}"],
    ["a list", "[]"],
    ["a batch", '[{"query":"{ __typename }"},{"query":"{ __typename }"}]'],
    ["a text", '"{ __typename }"'],
    ["null", "null"],
    ["no query", "{}"],
    ["a query of null", '{"query":null}'],
    ["a query of a number", '{"query":1}'],
    ["variables of a text", '{"query":"{ __typename }","variables":"{}"}'],
    ["variables of a list", '{"query":"{ __typename }","variables":[]}'],
    ["a name of a number", '{"query":"{ __typename }","operationName":1}'],
    ["extensions of a text", '{"query":"{ __typename }","extensions":"x"}'],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ["variables that reach for a prototype", '{"query":"{ __typename }","variables":{"__proto__":{"x":1}}}'],
    ["a literal that reaches for a prototype", '{"query":"{ a(b: [{ c: { __proto__: { x: 1 } } }]) }"}'],
    [
      "variables that reach for a prototype further down",
      '{"query":"{ __typename }","variables":{"a":{"__proto__":{}}}}',
    ],
  ])("is refused with 400: %s", async (_what, body) => {
    await expectError(await gateway.send({ headers, body }), 400, "BAD_USER_INPUT");
  });

  it.each(["variables=%7B", "variables=1", "extensions=%5B", "query=%7B__typename%7D"])(
    "is refused in the URL too: %s",
    async (more) => {
      const path = `/graphql?query=%7B__typename%7D&${more}`;

      await expectError(await gateway.send({ method: "GET", path, headers }), 400, "BAD_USER_INPUT");
    },
  );
});

describe("a document", () => {
  it.each([
    ["that is empty", " "],
    ["that breaks off", "{ viewer {"],
    ["with a character that is not GraphQL's", "{ viewer % }"],
    ["with a NUL", "{ viewer\0 }"],
    ["with a lone surrogate, escaped", '{ organization(by: { slug: "\\ud800" }) { id } }'],
  ])("that cannot be read is refused: %s", async (_what, query) => {
    await expectError(await ask(query), 400, "GRAPHQL_PARSE_FAILED");
  });

  it.each([
    ["an unknown field", "{ nothing }"],
    ["an unknown argument", '{ node(id: "x", more: 1) { id } }'],
    ["a missing argument", "{ node { id } }"],
    ["a text for a number", '{ organizations(first: "1") { nodes { id } } }'],
    ["a number that is too large", "{ organizations(first: 10000000000) { nodes { id } } }"],
    ["a fraction of a page", "{ organizations(first: 1.5) { nodes { id } } }"],
    ["two names at once", '{ organization(by: { slug: "a", externalId: "b" }) { id } }'],
    ["no name", "{ organization(by: {}) { id } }"],
    ["nothing selected", "{ viewer }"],
    ["a value that is never used", "query($x: Int) { __typename }"],
  ])("that does not fit the schema is refused: %s", async (_what, query) => {
    await expectError(await ask(query), 400, "GRAPHQL_VALIDATION_FAILED");
  });
});

describe("a variable", () => {
  it.each<[string, string, object]>([
    ["of the wrong type", "query($x: Int!) { organizations(first: $x) { nodes { id } } }", { x: "1" }],
    ["that is missing", "query($x: ID!) { node(id: $x) { id } }", {}],
    [
      "with a field that is unknown",
      "query($x: OrganizationBy!) { organization(by: $x) { id } }",
      { x: { nmae: "a" } },
    ],
    ["with two names", "query($x: OrganizationBy!) { organization(by: $x) { id } }", { x: { slug: "a", id: "b" } }],
    ["that is no uuid", "query($x: UUID!) { organization(by: { uuid: $x }) { id } }", { x: "1" }],
    ["with a NUL", "query($x: String!) { organization(by: { slug: $x }) { id } }", { x: "a\0b" }],
    ["with half of a pair", "query($x: String!) { organization(by: { slug: $x }) { id } }", { x: "a\ud800b" }],
    ["with half of a pair further down", "query($x: JSON) { __typename @skip(if: false) }", { x: [{ "\udfff": 1 }] }],
    ["that is null in the place of a default", 'query($x: ID = "x") { node(id: $x) { id } }', { x: null }],
    ["that is null in a list", 'query($x: ID = "x") { nodes(ids: [$x]) { id } }', { x: null }],
  ])("is refused: %s", async (_what, query, variables) => {
    await expectError(await ask(query, variables), 400, "BAD_USER_INPUT");
  });

  it("of several changes is refused, and makes none of them", async () => {
    const change = (key: string) => `${key}: addMembership(input: $i) { __typename }`;
    const input = '{ organizationId: "a", userId: "b", grants: [] }';
    const query = `mutation($i: AddMembershipInput = ${input}) { ${change("a")} ${change("b")} }`;

    await expectError(await ask(query, { i: null }), 400, "BAD_USER_INPUT");
  });
});

describe("an instant", () => {
  const eventsFrom = (from: string) =>
    ask("query($x: DateTime!) { organizations { nodes { auditEvents(filter: { from: $x }) { nodes { id } } } } }", {
      x: from,
    });

  it.each([
    "2026-02-29T00:00:00Z",
    "2026-02-30T12:00:00+02:00",
    "2026-04-31T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "0000-01-01T00:00:00Z",
  ])("that there is not is none: %s", async (instant) => {
    await expectError(await eventsFrom(instant), 400, "BAD_USER_INPUT");
  });

  it.each(["2028-02-29T00:00:00Z", "2026-12-31T23:59:59.999-11:00", "2026-01-01T00:00:00+14:00"])(
    "that there is is one: %s",
    async (instant) => {
      expect((await eventsFrom(instant)).json.errors).toBeUndefined();
    },
  );
});

describe("an address of the web", () => {
  const make = (url: string) =>
    ask('mutation($x: URL) { updateOrganization(input: { organizationId: "x", imageUrl: $x }) { __typename } }', {
      x: url,
    });

  it.each([
    "https:example.com",
    " https://example.com",
    "ht\ntps://example.com",
    "https://example.com/a b",
    "http://example.com",
    "https://",
  ])("is refused that does not begin with https://, or has spaces: %j", async (url) => {
    await expectError(await make(url), 400, "BAD_USER_INPUT");
  });
});

describe("a page", () => {
  it.each(["first: -1", "first: 101", "last: -1", "last: 101", "first: 1, last: 1", "first: 2147483647"])(
    "of that length is refused: %s",
    async (args) => {
      await expectError(await ask(`{ organizations(${args}) { nodes { id } } }`), 400, "BAD_USER_INPUT");
      await expectError(await ask(`{ viewer { memberships(${args}) { nodes { id } } } }`), 400, "BAD_USER_INPUT");
    },
  );

  it.each(["first: 0", "last: 0"])("may be empty: %s", async (args) => {
    expect((await ask(`{ organizations(${args}) { nodes { id } } }`)).json.data).toEqual({
      organizations: { nodes: [] },
    });
  });
});

describe("an id", () => {
  const uuid = "01234567-89ab-7cde-8f01-23456789abcd";
  const encode = (text: string) => Buffer.from(text).toString("base64url");

  it.each([
    ["nothing", ""],
    ["garbage", "garbage"],
    ["a bare uuid", uuid],
    ["of no type of ours", encode(`Secret:${uuid}`)],
    ["of no uuid", encode("Organization:1")],
    ["of a uuid in capitals", encode(`Organization:${uuid.toUpperCase()}`)],
    ["in another alphabet", Buffer.from(`Organization:${uuid}???`).toString("base64")],
    ["padded", `${encode(`Organization:${uuid}`)}=`],
    ["with more behind it", encode(`Organization:${uuid}:${uuid}`)],
    ["of ten thousand letters", "x".repeat(10_000)],
  ])("that is none is refused: %s", async (_what, id) => {
    await expectError(await ask("query($id: ID!) { node(id: $id) { id } }", { id }), 400, "BAD_USER_INPUT");
    await expectError(
      await ask("query($id: ID!) { organization(by: { id: $id }) { id } }", { id }),
      400,
      "BAD_USER_INPUT",
    );
  });

  it("of another type is refused where one of this type is meant", async () => {
    const id = encode(`User:${uuid}`);

    await expectError(await ask(`{ organization(by: { id: "${id}" }) { id } }`), 400, "BAD_USER_INPUT");
  });

  it("of nothing and of another tenant's organization read alike", async () => {
    const eve = gateway.as("eve@meridian.test", "meridian");
    const { viewer } = await eve.get("{ viewer { tenant { root { id } } } }");

    const [foreign, missing] = [
      await ask(`{ node(id: "${viewer.tenant.root.id}") { id } }`),
      await ask(`{ node(id: "${encode(`Organization:${uuid}`)}") { id } }`),
    ];

    expect([foreign.status, foreign.text]).toEqual([200, '{"data":{"node":null}}']);
    expect([missing.status, missing.text]).toEqual([200, '{"data":{"node":null}}']);
  });
});

describe("a cursor", () => {
  const CHILDREN =
    "query($id: ID!, $after: String) { organization(by: { id: $id }) { children(first: 1, after: $after) { pageInfo { endCursor } } } }";
  const cursorOf = async () =>
    (await ask(CHILDREN, { id: organizationId })).json.data.organization.children.pageInfo.endCursor as string;

  it("leads on in its own list", async () => {
    const { json } = await ask(CHILDREN, { id: organizationId, after: await cursorOf() });

    expect(json.errors).toBeUndefined();
  });

  it("is refused in every other list, and when a letter of it is changed", async () => {
    const cursor = await cursorOf();
    const root = (await ask("{ viewer { tenant { root { id } } } }")).json.data.viewer.tenant.root.id;
    const eve = gateway.as("eve@meridian.test", "meridian");
    const foreign = (await eve.get("{ organizations(first: 1) { pageInfo { endCursor } } }")).organizations.pageInfo;
    const list = "query($after: String) { organizations(after: $after) { nodes { id } } }";
    const changed = `${cursor.startsWith("A") ? "B" : "A"}${cursor.slice(1)}`;

    for (const reply of [
      await ask(CHILDREN, { id: root, after: cursor }),
      await ask(list, { after: cursor }),
      await ask(list.replaceAll("after", "before"), { before: cursor }),
      await ask(list, { after: foreign.endCursor }),
      await ask(CHILDREN, { id: organizationId, after: changed }),
      await ask(CHILDREN, { id: organizationId, after: `${cursor}A` }),
      await ask(CHILDREN, { id: organizationId, after: `${cursor}=` }),
      await ask(CHILDREN, { id: organizationId, after: cursor.slice(0, 10) }),
      await ask(CHILDREN, { id: organizationId, after: "" }),
      await ask(CHILDREN, { id: organizationId, after: "x".repeat(100_000) }),
    ]) {
      await expectError(reply, 400, "BAD_USER_INPUT");
    }
  });

  it("is refused in the same list in another order", async () => {
    const orders =
      "query($after: String, $order: OrganizationOrder) { organizations(first: 1, orderBy: $order, after: $after) { pageInfo { endCursor } } }";
    const { json } = await ask(orders, { order: "NAME_ASC" });
    const after = json.data.organizations.pageInfo.endCursor;

    await expectError(await ask(orders, { order: "CREATED_AT_DESC", after }), 400, "BAD_USER_INPUT");
  });
});

describe("a token", () => {
  const CHANGE = () =>
    `mutation { createOrganization(input: { parentId: "${organizationId}", name: "N", slug: "by-bad-token" }) { __typename } }`;
  const claims = { sub: "x", email: "ada@northwind.test", email_verified: true };
  const hour = () => Math.floor(Date.now() / 1000) + 3600;
  const signed = async (own: { issuer?: string; audience?: string } = {}) => {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA");
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "EdDSA", typ: "JWT", kid: (await exportJWK(publicKey)).x! })
      .setIssuer(own.issuer ?? DEVELOPMENT_ISSUER)
      .setAudience(own.audience ?? DEVELOPMENT_AUDIENCE)
      .setExpirationTime(hour())
      .sign(privateKey);
  };

  it.each<[string, () => Promise<string> | string]>([
    [
      "that has expired",
      () => mintToken(FOLDER, { email: "ada@northwind.test", ttlSeconds: 1, now: Date.now() - 3_600_000 }),
    ],
    [
      "that nobody signed",
      () => new UnsecuredJWT({ ...claims, iss: DEVELOPMENT_ISSUER, aud: DEVELOPMENT_AUDIENCE, exp: hour() }).encode(),
    ],
    ["for another audience", () => signed({ audience: "another" })],
    ["from another issuer", () => signed({ issuer: "https://issuer.example.com" })],
    ["signed with another key", () => signed()],
    ["that is none", () => "x.y.z"],
    ["that is empty", () => ""],
  ])("is refused with 401 before anything runs: %s", async (_what, token) => {
    const authorization = `Bearer ${await token()}`;

    let reply!: Reply;
    const statements = await gateway.database.statements(async () => {
      reply = await gateway.send({ headers: { ...headers, authorization }, body: { query: CHANGE() } });
    });

    expect(statements).toEqual([]);
    expect(reply.json.data).toBeUndefined();
    expect(reply.headers["www-authenticate"]).toBe('Bearer realm="tenantry", error="invalid_token"');
    await expectError(reply, 401, "UNAUTHENTICATED");
  });

  it("is not needed, and what needs a viewer is null without one", async () => {
    const { status, json } = await gateway.send({
      body: { query: '{ identity { id } viewer { id } organization(by: { slug: "north" }) { id } }' },
    });

    expect([status, json.data]).toEqual([200, { identity: null, viewer: null, organization: null }]);
    expect(json.errors[0].extensions.code).toBe("UNAUTHENTICATED");
  });
});
