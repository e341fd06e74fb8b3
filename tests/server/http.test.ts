import { mintToken } from "../../src/identity/developmentToken.js";
import { FOLDER } from "../support/database.js";
import { openGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { type ListeningGateway, listenGateway, type Reply, type Sending } from "../support/listening.js";
import { openPeople } from "../support/people.js";
import { ACCESS } from "../support/statements.js";

// On this machine, as the development issuer's tokens ask for.
const LISTED = "https://app.localhost:8443";

let gateway: ListeningGateway;
let ada: Record<string, string>;
beforeAll(async () => {
  gateway = await listenGateway({ origins: [LISTED] });
  const token = await mintToken(FOLDER, { email: "ada@northwind.test" });
  ada = { authorization: `Bearer ${token}`, "x-tenant": "northwind" };
});
afterAll(() => gateway.close());

const QUERY = "{ __typename }";
let made = 0;
/** A change that ada may make, under a slug that was never had. */
async function change(): Promise<{ query: string; slug: string }> {
  const { viewer } = await gateway.as("ada@northwind.test", "northwind").get("{ viewer { tenant { root { id } } } }");
  made += 1;
  const slug = `made-${made}`;
  const input = `{ parentId: "${viewer.tenant.root.id}", name: "Made", slug: "${slug}" }`;
  return { query: `mutation { createOrganization(input: ${input}) { __typename } }`, slug };
}

const found = async (slug: string) =>
  (await gateway.as("ada@northwind.test", "northwind").get(`{ organization(by: { slug: "${slug}" }) { slug } }`))
    .organization;

/** What every refusal looks like: a status, one error with a code and words, no data, an id, and nothing sent to the database. */
async function expectRefusal(sending: Sending, status: number, code: string): Promise<Reply> {
  let reply!: Reply;
  const statements = await gateway.database.statements(async () => {
    reply = await gateway.send(sending);
  });

  expect({ status: reply.status, ...reply.json }).toEqual({
    status,
    errors: [{ message: expect.stringMatching(/^[A-Z`].+\.$/), extensions: { code } }],
  });
  expect(reply.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(statements).toEqual([]);
  return reply;
}

describe("a request that a form or a page of another site can send", () => {
  const urlencoded = (query: string) => `query=${encodeURIComponent(query)}`;
  const multipart = (query: string) =>
    `--B\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${JSON.stringify({ query })}\r\n--B--\r\n`;

  it.each<[string, string | null, (query: string) => string]>([
    ["a form", "application/x-www-form-urlencoded", urlencoded],
    ["a form with files", "multipart/form-data; boundary=B", multipart],
    ["plain text", "text/plain", (query) => JSON.stringify({ query })],
    ["plain text that speaks of JSON", "text/plain; application/json", (query) => JSON.stringify({ query })],
    ["two media types", "application/json, text/plain", (query) => JSON.stringify({ query })],
    ["GraphQL as text", "application/graphql", (query) => query],
    ["no media type", null, (query) => JSON.stringify({ query })],
    ["JSON in another character set", "application/json; charset=latin1", (query) => JSON.stringify({ query })],
    ["JSON with a parameter that is none", "application/json; boundary=B", (query) => JSON.stringify({ query })],
  ])("is refused with 415 before it is read: %s", async (_what, type, bodyOf) => {
    const { query, slug } = await change();

    await expectRefusal(
      { headers: { ...ada, "content-type": type }, body: bodyOf(query) },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    );

    expect(await found(slug)).toBeNull();
  });

  it.each([
    ["another site's", "https://evil.example.com"],
    ["null", "null"],
    ["a listed one's with another scheme", "http://app.localhost:8443"],
    ["a listed one's with another port", "https://app.localhost"],
    ["a listed one's with a tail", "https://app.localhost:8443.evil.example.com"],
    ["empty", ""],
    ["two", `${LISTED}, https://evil.example.com`],
  ])("is refused with 403 when its Origin is %s", async (_what, origin) => {
    const { query, slug } = await change();

    const { headers } = await expectRefusal({ headers: { ...ada, origin }, body: { query } }, 403, "FORBIDDEN_ORIGIN");

    expect(await found(slug)).toBeNull();
    expect(headers).not.toHaveProperty("access-control-allow-origin");
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
  });

  it("may not change anything by a link", async () => {
    const { query, slug } = await change();
    const sending = { method: "GET", path: `/graphql?query=${encodeURIComponent(query)}`, headers: ada };

    const { headers } = await expectRefusal(sending, 405, "METHOD_NOT_ALLOWED");

    expect(headers.allow).toBe("POST");
    expect(await found(slug)).toBeNull();
  });

  it("is answered without a word that lets the page read it, when it only reads", async () => {
    const sending = {
      method: "GET",
      path: `/graphql?query=${encodeURIComponent(QUERY)}`,
      headers: { origin: "https://evil.example.com" },
    };

    const { status, headers } = await gateway.send(sending);

    expect(status).toBe(200);
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    expect(headers.vary).toBe("Origin");
  });
});

describe("a page of a listed origin", () => {
  it("asks beforehand, and is told what it may send, and never to send cookies", async () => {
    const headers = {
      origin: LISTED,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    };

    const reply = await gateway.send({ method: "OPTIONS", headers });

    expect(reply.status).toBe(204);
    expect(reply.headers).toMatchObject({
      "access-control-allow-origin": LISTED,
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization, content-type, x-tenant, x-tenantry-explain",
      vary: "Origin",
    });
    expect(reply.headers).not.toHaveProperty("access-control-allow-credentials");
  });

  it("may change things, and read the answer", async () => {
    const { query, slug } = await change();

    const reply = await gateway.send({ headers: { ...ada, origin: LISTED }, body: { query } });

    expect(reply.headers["access-control-allow-origin"]).toBe(LISTED);
    expect(reply.headers).not.toHaveProperty("access-control-allow-credentials");
    expect(await found(slug)).toEqual({ slug });
  });

  it("may read a refusal too", async () => {
    const { status, headers } = await gateway.send({ headers: { origin: LISTED }, body: "{" });

    expect([status, headers["access-control-allow-origin"]]).toEqual([400, LISTED]);
  });
});

describe("a method that is neither GET nor POST", () => {
  it.each(["PUT", "PATCH", "DELETE", "OPTIONS"])("is refused with 405 and Allow: %s", async (method) => {
    const { headers } = await expectRefusal(
      { method, headers: ada, body: { query: QUERY } },
      405,
      "METHOD_NOT_ALLOWED",
    );

    expect(headers.allow).toBe("GET, POST");
  });

  it("is refused without a body when it is HEAD", async () => {
    const { status, headers, text } = await gateway.send({ method: "HEAD" });

    expect([status, headers.allow, text]).toEqual([405, "GET, POST", ""]);
  });
});

describe("the header Accept", () => {
  it.each([
    ["application/json", "application/json"],
    ["application/graphql-response+json", "application/graphql-response+json"],
    ["application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json"],
    ["text/html, */*;q=0.8", "application/json"],
    ["application/*", "application/json"],
    ["application/json; charset=utf-8", "application/json"],
    ["text/event-stream, application/json", "application/json"],
  ])("chooses the media type of the answer: %s", async (accept, type) => {
    const { status, headers } = await gateway.send({ headers: { accept }, body: { query: QUERY } });

    expect([status, headers["content-type"]]).toEqual([200, `${type}; charset=utf-8`]);
  });

  it.each(["text/html", "text/event-stream", "multipart/mixed", "application/xml", "application/json;charset=latin1"])(
    "ends with 406, and with nothing done, where it takes no answer of ours: %s",
    async (accept) => {
      const { query, slug } = await change();

      await expectRefusal({ headers: { ...ada, accept }, body: { query } }, 406, "NOT_ACCEPTABLE");

      expect(await found(slug)).toBeNull();
    },
  );
});

describe("a body", () => {
  it("is refused with 413 when it says that it is too large", async () => {
    await expectRefusal({ body: `"${"x".repeat(2_000_000)}"` }, 413, "PAYLOAD_TOO_LARGE");
    await expectRefusal({ body: `"${"x".repeat(30_000_000)}"` }, 413, "PAYLOAD_TOO_LARGE");
  });

  it("is refused with 413 where it becomes too large, and the connection with it", async () => {
    const chunk = `${(100_000).toString(16)}\r\n${"x".repeat(100_000)}\r\n`;

    const answer = await gateway.sendBytes(
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(11)}`,
    );

    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(answer).toContain("PAYLOAD_TOO_LARGE");
  });

  it("is not unpacked", async () => {
    for (const encoding of ["gzip", "br", "deflate", "identity, gzip"]) {
      const sending = { headers: { "content-encoding": encoding }, body: { query: QUERY } };
      await expectRefusal(sending, 415, "UNSUPPORTED_MEDIA_TYPE");
    }
  });
});

describe("bytes that are no request for certain", () => {
  const post = (headers: string, body: string) =>
    gateway.sendBytes(
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n${headers}\r\n${body}`,
    );
  const body = JSON.stringify({ query: QUERY });

  it.each([
    ["two lengths", `content-length: ${body.length}\r\ncontent-length: 5\r\n`],
    ["a length and chunks", `content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n`],
    ["a length that is no number", "content-length: 0x10\r\n"],
    ["a negative length", "content-length: -1\r\n"],
    ["a header with a NUL", "x-tenant: north\0wind\r\n"],
    ["a header that breaks off", "x-tenant\r\n"],
  ])("are answered with 400 and a closed connection: %s", async (_what, headers) => {
    expect(await post(headers, body)).toMatch(/^HTTP\/1.1 400 /);
  });

  it("are answered with 431 when the headers are large", async () => {
    expect(await post(`authorization: Bearer ${"x".repeat(64_000)}\r\n`, body)).toMatch(/^HTTP\/1.1 431 /);
  });

  it("are an ordinary request otherwise", async () => {
    expect(await post(`content-length: ${body.length}\r\n`, body)).toContain('{"data":{"__typename":"Query"}}');
  });
});

describe("a connection", () => {
  it("goes on after refusals", async () => {
    const one = (body: string, headers = "") =>
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;

    const answer = await gateway.sendBytes(
      [
        one("{"),
        one(JSON.stringify({ query: "{" })),
        one(JSON.stringify({ query: QUERY }), "authorization: Bearer x\r\n"),
        one(JSON.stringify({ query: QUERY }), "origin: null\r\n"),
        one(JSON.stringify({ query: QUERY }), "connection: close\r\n"),
      ].join(""),
    );

    expect(answer.match(/HTTP\/1.1 (\d+)/g)).toEqual([400, 200, 401, 403, 200].map((status) => `HTTP/1.1 ${status}`));
    expect(answer).toMatch(/\{"data":\{"__typename":"Query"\}\}$/);
  });
});

describe("the tenant of a request", () => {
  it.each<[string, string | string[], string]>([
    ["named twice", ["northwind", "meridian"], "TENANT_CONFLICT"],
    ["named twice in one header", "northwind, meridian", "TENANT_CONFLICT"],
    ["no slug", "North Wind", "TENANT_NOT_FOUND"],
    ["a quote", "north'wind", "TENANT_NOT_FOUND"],
    ["empty", "", "TENANT_NOT_FOUND"],
  ])("is refused from its text alone: %s", async (_what, tenant, code) => {
    await expectRefusal({ headers: { ...ada, "x-tenant": tenant }, body: { query: "{ viewer { id } }" } }, 400, code);
  });

  it.each(["nowhere", "meridian"])("is not found with 400, whether it is not there or not theirs: %s", async (slug) => {
    const reply = await gateway.send({ headers: { ...ada, "x-tenant": slug }, body: { query: "{ viewer { id } }" } });

    expect([reply.status, reply.json.errors[0].extensions]).toEqual([400, { code: "TENANT_NOT_FOUND" }]);
    expect(reply.json.errors[0].message).toBe("There is no such tenant, or you are not in it.");
  });

  it.each([
    [null, "TENANT_REQUIRED"],
    ["nowhere", "TENANT_NOT_FOUND"],
  ])("keeps nobody from choosing one, where the request names %s", async (tenant, code) => {
    const token = await mintToken(FOLDER, { email: "dan@contractor.test" });
    const query = `query ($skip: Boolean!) {
      who: viewer { id } __typename identity { tenants { slug } } __schema { queryType { name } }
      organization(by: { slug: "north" }) { id } users @skip(if: $skip) { nodes { id } } who: viewer { id }
    }`;

    const { status, json } = await gateway.send({
      headers: { authorization: `Bearer ${token}`, "x-tenant": tenant },
      body: { query, variables: { skip: true } },
    });

    expect(status).toBe(200);
    expect(json.data).toEqual({
      who: null,
      __typename: "Query",
      identity: { tenants: [{ slug: "meridian" }, { slug: "northwind" }] },
      __schema: { queryType: { name: "Query" } },
      organization: null,
    });
    expect(Object.keys(json.data)).toEqual(["who", "__typename", "identity", "__schema", "organization"]);
    expect(json.errors.map((error: Record<string, unknown>) => [error.path, error.extensions])).toEqual([
      [["who"], { code }],
      [["organization"], { code }],
    ]);
  });

  it("has what may not be null refused whole, beside identity too", async () => {
    const query = "{ identity { subject } permissions { key } }";

    const { status, json } = await gateway.send({ headers: { ...ada, "x-tenant": "nowhere" }, body: { query } });

    expect([status, json.data, json.errors[0].extensions]).toEqual([400, undefined, { code: "TENANT_NOT_FOUND" }]);
  });

  it("takes the same statements to be refused, whether or not their issuer lists it, and whether or not it is there", async () => {
    const people = await openPeople(["northwind", "not-made-yet"]);
    const listing = await openGateway({ database: gateway.database, verifier: people.verifier });
    const pat = await people.tokenOf("pat");
    const refusal = async (slug: string) => {
      let answer: unknown;
      const statements = await gateway.database.statements(async () => {
        const { status, errors } = await listing.withToken(pat, slug).ask("{ viewer { id } }");
        answer = { status, errors };
      });
      return { answer, statements };
    };
    await refusal("northwind");

    const [listed, ...others] = [
      await refusal("northwind"),
      await refusal("not-made-yet"),
      await refusal("meridian"),
      await refusal("nowhere"),
    ];

    expect(listed).toMatchObject({ answer: { status: 400, errors: [{ extensions: { code: "TENANT_NOT_FOUND" } }] } });
    expect(listed!.statements).toHaveLength(1);
    for (const other of others) expect(other).toEqual(listed);
    await listing.close();
    await people.close();
  });

  it("is the only one of whoever asks that lets them in, wherever else they may knock", async () => {
    const knock = (email: string, tenant: string) =>
      gateway.database.owner(
        `insert into tenantry.identities (digest, tenant_id)
         select decode($1, 'hex'), id from tenantry.tenants where slug = $2 on conflict do nothing`,
        [email, tenant],
      );
    const [{ digest }] = (await homeOf(
      gateway,
      "northwind",
    )("select encode(identity, 'hex') as digest from users where email = 'ada@northwind.test'")) as [
      { digest: string },
    ];
    const adaOfNone = gateway.as("ada@northwind.test", null);
    const ask = () => adaOfNone.ask("{ identity { tenants { slug } } viewer { tenant { slug } } }");
    const theirs = { identity: { tenants: [{ slug: "northwind" }] }, viewer: { tenant: { slug: "northwind" } } };

    const alone = await gateway.database.statements(() => adaOfNone.get("{ viewer { id } }"));
    for (const tenant of ["lumen", "meridian"]) await knock(digest, tenant);

    expect(alone.filter((text) => text.startsWith(ACCESS))).toHaveLength(1);
    expect((await ask()).data).toEqual(theirs);
    await homeOf(gateway, "lumen")("update users set identity = decode($1, 'hex') where email = 'gus@lumen.test'", [
      digest,
    ]);
    expect(await ask()).toMatchObject({
      data: { viewer: null },
      errors: [{ path: ["viewer"], extensions: { code: "TENANT_REQUIRED" } }],
    });
  });

  it("is asked for with 400 when a change names none", async () => {
    const { query, slug } = await change();

    const { status, json } = await gateway.send({ headers: { ...ada, "x-tenant": null }, body: { query } });

    expect([status, json.errors[0].extensions.code]).toEqual([400, "TENANT_REQUIRED"]);
    expect(await found(slug)).toBeNull();
  });
});

describe("the id of a request", () => {
  it("is never the caller's own", async () => {
    const mine = "11111111-1111-4111-8111-111111111111";

    const { headers } = await gateway.send({ headers: { "x-request-id": mine }, body: { query: QUERY } });

    expect(headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers["x-request-id"]).not.toBe(mine);
  });
});

describe("an operation", () => {
  const named = "Say in `operationName` which operation of the document is meant:";
  const none = "The document holds no operation: add a query or a mutation.";
  it.each([
    ["one of many, and none is named", "query A { __typename } query B { __typename }", undefined, `${named} A, B.`],
    ["one that is not there", "query A { __typename }", "B", `${named} A.`],
    ["one by name where it has none", "{ __typename }", "B", /^Leave out `operationName`/],
    ["one of many that have no name", "{ __typename } { __typename }", undefined, /^Give each operation .* a name/],
    ["a document without one", "fragment F on Query { __typename }", undefined, none],
    ["a document of types", "type T { x: Int }", undefined, none],
  ])("must be meant for certain: %s", async (_what, query, operationName, message) => {
    const { json } = await expectRefusal({ body: { query, operationName } }, 400, "BAD_USER_INPUT");

    if (typeof message === "string") expect(json.errors[0].message).toBe(message);
    else expect(json.errors[0].message).toMatch(message);
  });

  it("that asks about the schema beside other things is answered like any other", async () => {
    const schema = "__schema { queryType { name } }";
    const beside = await gateway.send({ body: { query: `{ a: __typename ${schema} b: __typename }` } });
    const ids = Array.from({ length: 101 }, () => "x");
    const query = `query ($ids: [ID!]!) { ${schema} nodes(ids: $ids) { id } }`;
    const failed = await gateway.send({ body: { query, variables: { ids } } });

    expect(Object.keys(beside.json.data)).toEqual(["a", "__schema", "b"]);
    // What may not be null takes all of the answer with it.
    expect(failed.json.data).toBeNull();
    expect(failed.json.errors).toHaveLength(1);
  });

  it("cannot be of a kind that is not served", async () => {
    const { json } = await gateway.send({ body: { query: "subscription { x }" } });

    expect(json).toEqual({
      errors: [expect.objectContaining({ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } })],
    });
  });
});
