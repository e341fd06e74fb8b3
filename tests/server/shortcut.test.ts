import { createConnection } from "node:net";
import { TENANTRY } from "../../bench/peers/documents.mjs";
import { mintToken } from "../../src/identity/developmentToken.js";
import { FOLDER } from "../support/database.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { until } from "../support/until.js";
import { openWeb, type Web, type WebAnswer } from "../support/web.js";
import { type Planted, world } from "../support/world.js";

const PAGES = "https://app.example.com";

let gateway: TestGateway;
let acme: Planted;
let web: Web;
let token: string;
beforeAll(async () => {
  gateway = await openGateway({ leases: 1, origins: [PAGES] });
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {} } },
      people: { olga: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }], ole: [{ at: "north", roles: ["member"] }] },
    },
    other: { tree: { other: {} }, people: { olga: [{ at: "other", roles: ["owner"], reach: "SUBTREE" }] } },
  }));
  web = await openWeb(gateway);
  token = await mintToken(FOLDER, { email: "olga@acme.test" });
});
afterAll(async () => {
  await web.close();
  await gateway.close();
});

const ask = (headers: Record<string, string> = {}, body = JSON.stringify({ query: TENANTRY.Q1 })): Promise<WebAnswer> =>
  web.send(
    "POST",
    "/graphql",
    {
      host: "localhost",
      authorization: `Bearer ${token}`,
      "x-tenant": "acme",
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      ...headers,
    },
    body,
  );

/** Asks until it is answered the short way, and what it was answered by both. */
async function bothWays(headers?: Record<string, string>, body?: string) {
  const long = await ask(headers, body);
  const before = gateway.counts().short;
  let short = long;
  for (let n = 0; n < 12 && gateway.counts().short === before; n++) short = await ask(headers, body);
  return { long, short, isShort: gateway.counts().short > before };
}

const without = ({ status, headers: { date: _, "x-request-id": id, ...headers }, body }: WebAnswer) => ({
  status,
  headers,
  body,
  hasId: typeof id === "string",
});

describe("a request that was sent before, byte for byte", () => {
  it.each<[string, Record<string, string>]>([
    ["as it is", {}],
    ["from a page of this host", { origin: "http://localhost" }],
    ["for GraphQL's own kind of answer", { accept: "application/graphql-response+json" }],
    ["for JSON before all", { accept: "application/json, application/graphql-response+json;q=0.5" }],
    ["in UTF-8, as it says", { "content-type": "application/json; charset=utf-8" }],
  ])("is answered the same with the same headers, %s", async (_what, headers) => {
    const { long, short, isShort } = await bothWays(headers);

    expect(isShort).toBe(true);
    expect(without(short)).toEqual(without(long));
    expect(short.headers["x-request-id"]).not.toBe(long.headers["x-request-id"]);
    expect(JSON.parse(short.body).data.viewer.memberships.nodes).toHaveLength(1);
  });

  it("is each person's own, in each tenant", async () => {
    const ole = { authorization: `Bearer ${await mintToken(FOLDER, { email: "ole@acme.test" })}` };
    const other = {
      authorization: `Bearer ${await mintToken(FOLDER, { email: "olga@other.test" })}`,
      "x-tenant": "other",
    };
    const [{ short: one }, { short: two, isShort }, { short: three }] = [
      await bothWays(),
      await bothWays(ole),
      await bothWays(other),
    ];

    expect(isShort).toBe(true);
    expect(new Set([one.body, two.body, three.body]).size).toBe(3);
    expect(await Promise.all([ask(), ask(ole), ask(other)]).then((all) => all.map(({ body }) => body))).toEqual([
      one.body,
      two.body,
      three.body,
    ]);
  });

  it("is refused where whoever asks may not, in the words of everybody else", async () => {
    await bothWays();
    const refused = async (headers: Record<string, string>) => {
      const { status, body } = await ask(headers);
      return [status, JSON.parse(body).errors[0].extensions.code];
    };

    expect(await refused({ authorization: "Bearer a.b.c" })).toEqual([401, "UNAUTHENTICATED"]);
    expect(await refused({ "x-tenant": "northwind" })).toEqual([400, "TENANT_NOT_FOUND"]);
    expect(await refused({ "x-tenant": "acme, other" })).toEqual([400, "TENANT_CONFLICT"]);
    expect(await refused({ origin: "https://elsewhere.example" })).toEqual([403, "FORBIDDEN_ORIGIN"]);
    expect(await refused({ origin: "" })).toEqual([403, "FORBIDDEN_ORIGIN"]);
    expect(await refused({ accept: "text/html" })).toEqual([406, "NOT_ACCEPTABLE"]);
    expect(await refused({ "content-type": "text/plain" })).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
    expect(await refused({ "content-encoding": "gzip" })).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
  });

  it("tells at once what has changed, and who is not let in any more", async () => {
    const sql = homeOf(gateway, "acme");
    await bothWays();

    await sql("update organizations set name = 'Another' where slug = 'acme'");
    const renamed = await ask();
    await sql("update users set status = 'SUSPENDED' where display_name like 'olga%'");
    const { status } = await ask();
    await sql("update users set status = 'ACTIVE' where display_name like 'olga%'");

    expect(renamed.body).toContain('"Another"');
    expect(status).toBe(400);
    expect((await bothWays()).isShort).toBe(true);
  });

  it("is soon answered the short way again when something else had to be asked", async () => {
    const sql = homeOf(gateway, "acme");
    const body = JSON.stringify({ query: TENANTRY.Q3 });
    await bothWays({}, body);

    await sql(
      `insert into memberships (tenant_id, id, organization_id, user_id, status, created_at, updated_at)
       select o.tenant_id, md5('one more')::uuid, o.id, u.id, 'ACTIVE', now(), now() from organizations o, users u
       where o.slug = 'acme' and u.display_name like 'ole%'`,
    );
    const { long, short, isShort } = await bothWays({}, body);

    expect([isShort, short.body]).toEqual([true, long.body]);
    expect(short.body).toContain('"ole"');
  });

  it("is known of whoever sent it alone: others take for it what they would take for any other", async () => {
    const question = (name: string) =>
      JSON.stringify({ query: `{ viewer { user { displayName } } ${name}: __typename }` });
    await bothWays({}, question("merger"));
    const ole = await mintToken(FOLDER, { email: "ole@acme.test" });
    const asOle = async (name: string) => {
      const body = question(name);
      const headers = {
        host: "localhost",
        authorization: `Bearer ${ole}`,
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(body)),
      };
      await gateway.settled();
      // No tenant is named: the directory is asked each time.
      return gateway.database.statements(async () => {
        await web.send("POST", "/graphql", headers, body);
        await gateway.settled();
      });
    };
    await asOle("first");

    const [asked, unheard] = [await asOle("merger"), await asOle("picnic")];

    expect(asked.length).toBeGreaterThan(2);
    expect(asked).toEqual(unheard);
  });

  it("is answered with the reasons where they are asked for", async () => {
    await bothWays();
    const { repeated, short } = gateway.counts();

    await ask({ "x-tenantry-explain": "1" });
    await ask({ "x-tenantry-explain": "1" });

    expect(gateway.counts()).toMatchObject({ repeated, short });
  });

  it("changes something each time it is sent", async () => {
    const body = JSON.stringify({
      query:
        "mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { ... on UpdateOrganizationPayload { organization { name } } } }",
      variables: { input: { organizationId: acme.id("Organization", "north"), name: "North" } },
    });
    const { repeated, short } = gateway.counts();
    for (let n = 0; n < 5; n++) expect((await ask({}, body)).body).toContain('"North"');

    expect(gateway.counts()).toMatchObject({ repeated, short });
  });

  it("leaves nothing behind when its caller has gone", async () => {
    await bothWays();
    const { port } = web;
    const body = JSON.stringify({ query: TENANTRY.Q1 });
    const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\nx-tenant: acme\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    for (const part of [head, head + body.slice(0, 20), head + body]) {
      const socket = createConnection(port, "127.0.0.1");
      await new Promise<void>((sent) => socket.write(part, () => sent()));
      socket.destroy();
    }

    await until(() => gateway.serve.counts.open === gateway.serve.counts.idle);
    expect((await ask()).status).toBe(200);
  });

  it("says in the metrics how often", async () => {
    await bothWays();
    const { repeated, short } = gateway.counts();

    const { body } = await web.send("GET", "/metrics", { host: "localhost" });

    expect(body).toContain(`\ntenantry_repeated_answers_total ${repeated}\n`);
    expect(body).toContain(`\ntenantry_short_answers_total ${short}\n`);
    expect(short).toBeGreaterThan(5);
  });
});
