import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureDevelopmentIssuer } from "../../src/identity/development.js";
import { change } from "../support/change.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { tokenFor } from "../support/letters.js";
import { openPeople, type People } from "../support/people.js";
import { recordOf } from "../support/sessions.js";
import { openWeb, type Web } from "../support/web.js";

let gateway: TestGateway;
let people: People;
let web: Web;
let northwind: string;

beforeAll(async () => {
  people = await openPeople();
  gateway = await openGateway({ verifier: people.verifier });
  web = await openWeb(gateway);
  const { organization } = await gateway
    .as("ada@northwind.test", "northwind")
    .get('{ organization(by: { slug: "northwind" }) { id } }');
  northwind = organization.id;
});
afterAll(async () => {
  await web?.close();
  await gateway?.close();
  await people?.close();
});

describe("a Host that is none", () => {
  const REFUSED = '{"error":"The header Host must name one host, and be there once."}';
  const question = JSON.stringify({ query: "{ __typename }" });
  const ask = (host: string, path: string) =>
    web.send("POST", path, { host, "content-type": "application/json" }, question);

  it.each(["[", "a b", "a:99999999", "%00", "a/graphql/schema#", "a?", "me@a", "a\\b"])(
    "%s is refused in one sentence, without a word of what is behind it",
    async (host) => {
      for (const path of ["/graphql", "/members.csv?organization=northwind", "/health/live"])
        expect(await ask(host, path)).toMatchObject({
          status: 400,
          body: REFUSED,
        });
    },
  );

  it("that is there twice is refused, whoever each of them names", async () => {
    const twice = ["host", "localhost", "Host", "acme.app.example", "content-type", "application/json"];

    expect(await web.send("POST", "/graphql", twice, question)).toMatchObject({ status: 400, body: REFUSED });
  });

  it.each(["localhost", "localhost:4000", "[::1]:4000", "acme.app.example", "ACME.example.", "xn--bcher-kva.example"])(
    "%s is not",
    async (host) => {
      expect(await ask(host, "/graphql")).toMatchObject({ status: 200, body: '{"data":{"__typename":"Query"}}' });
    },
  );
});

describe("/graphql/schema", () => {
  it("answers with the schema as text, to a browser too", async () => {
    const { status, body } = await web.send("GET", "/graphql/schema", { accept: "text/html" });

    expect(status).toBe(200);
    expect(body).toMatch(/^type Query \{/m);
  });
});

describe("/graphql", () => {
  it("has the audit note the address of whoever connects, or what a proxy of ours heard", async () => {
    const proxied = await openWeb(gateway, { TENANTRY_PROXIES: "1", TENANTRY_DEVELOPMENT: "off" });
    const ada = gateway.as("ada@northwind.test", "northwind");
    // What a proxy passes on is no development.
    const grants = [{ role: { key: "admin" } }];
    await change(ada, "inviteMember", { organizationId: northwind, email: "pia@people.test", grants }, "__typename");
    const { id: tenantId } = await recordOf(gateway.database, "northwind");
    const letter = await tokenFor(gateway.database, { slug: "northwind", tenantId }, "pia@people.test");
    const token = await people.tokenOf("pia");
    await change(gateway.withToken(token, null), "acceptInvitation", { token: letter }, "__typename");
    const headers = {
      authorization: `Bearer ${token}`,
      "x-tenant": "northwind",
      "x-forwarded-for": "6.6.6.6, 198.51.100.1",
      "content-type": "application/json",
    };
    const rename = (name: string) =>
      JSON.stringify({
        query: `mutation { updateOrganization(input: { organizationId: "${northwind}", name: "${name}" }) { __typename } }`,
      });

    await web.send("POST", "/graphql", headers, rename("Northwind directly"));
    await proxied.send("POST", "/graphql", headers, rename("Northwind through a proxy"));

    const { organization } = await ada.get(
      '{ organization(by: { slug: "northwind" }) { auditEvents(first: 2) { nodes { address } } } }',
    );
    expect(organization.auditEvents.nodes).toEqual([{ address: "198.51.100.1" }, { address: "127.0.0.1" }]);
    await proxied.close();
  });
});

describe("/dev/viewers", () => {
  it("answers with the demo's viewers, tenant by tenant, and a token that makes one of them", async () => {
    const { status, headers, body } = await web.send("GET", "/dev/viewers");

    const viewers = JSON.parse(body) as { tenant: string; email: string; token: string }[];
    expect(status).toBe(200);
    expect(headers["cache-control"]).toBe("no-store");
    expect(viewers.map(({ tenant, email }) => `${tenant} ${email.split("@")[0]}`)).toEqual([
      "northwind ada",
      "northwind ben",
      "northwind cleo",
      "northwind dan",
      "northwind finn",
      "meridian eve",
      "meridian dan",
      "lumen gus",
    ]);
    for (const { tenant, email, token } of viewers) {
      const { identity, viewer } = await gateway
        .withToken(token, tenant)
        .get("{ identity { email } viewer { tenant { slug } } }");
      expect(identity).toEqual({ email });
      expect(viewer).toEqual({ tenant: { slug: tenant } });
    }
  });

  it.each([
    ["a Host of another machine", { host: "tenantry.example.com" }],
    ["a Host that a foreign name resolves to", { host: "rebound.example.com:4000" }],
    ["a page of a foreign origin", { origin: "https://evil.example.com" }],
    ["a page without an origin", { origin: "null" }],
    ["a request that a proxy passes on", { "x-forwarded-for": "198.51.100.1" }],
  ])("is not there for %s", async (_, headers) => {
    const { status, body } = await web.send("GET", "/dev/viewers", headers);

    expect(status).toBe(404);
    expect(body).not.toContain("token");
  });

  it("is not there without the development issuer", async () => {
    const production = await openWeb(gateway, { TENANTRY_DEVELOPMENT: "off" });

    const { status } = await production.send("GET", "/dev/viewers");

    expect(status).toBe(404);
    await production.close();
  });
});

describe("/dev/mail", () => {
  const ada = () => gateway.as("ada@northwind.test", "northwind");
  const invite = (email: string) =>
    change(ada(), "inviteMember", { organizationId: northwind, email, grants: [] }, "__typename");

  it("shows what would be sent, newest first, as text of which nothing runs", async () => {
    await invite("first@people.test");
    await change(
      ada(),
      "updateOrganization",
      { organizationId: northwind, name: "<img src=x onerror='alert(1)'>&\n\"Northwind\"" },
      "__typename",
    );
    await invite("second@people.test");

    const { status, headers, body } = await web.send("GET", "/dev/mail");

    expect([status, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(body.indexOf("second@people.test")).toBeLessThan(body.indexOf("first@people.test"));
    expect(body).toContain("&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp; &quot;Northwind&quot;");
    expect(body).not.toMatch(/<img|<script/i);
    expect(body).toMatch(/with this code:\n\n[\w-]{80}\n/);
  });

  it.each([
    ["a Host of another machine", {}, { host: "tenantry.example.com" }],
    ["a page of a foreign origin", {}, { origin: "https://evil.example.com" }],
    ["a request that a proxy passes on", {}, { via: "1.1 front.example.com" }],
    ["anybody without the development issuer", { TENANTRY_DEVELOPMENT: "off" }, {}],
  ])("is not there for %s", async (_, env, headers) => {
    const other = await openWeb(gateway, env);

    const { status, body } = await other.send("GET", "/dev/mail", headers as Record<string, string>);

    expect([status, body.includes("people.test")]).toEqual([404, false]);
    await other.close();
  });
});

describe("routes", () => {
  it("lead from the root to GraphiQL, also behind a proxy that takes a path from before them", async () => {
    const { status, headers } = await web.send("GET", "/");

    const pages = ["http://localhost/", "https://example.com/tenantry/"].map(
      (at) => new URL(headers.location!, at).href,
    );
    expect(status).toBe(302);
    expect(pages).toEqual(["http://localhost/graphql", "https://example.com/tenantry/graphql"]);
  });

  it("answers 500, without a word of the cause, when something breaks, and serves on", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tenantry-routes-"));
    await ensureDevelopmentIssuer(folder);
    const broken = await openWeb(gateway, { TENANTRY_DATA_DIR: folder });
    await writeFile(join(folder, "development-issuer.json"), "{}");

    const { status, body } = await broken.send("GET", "/dev/viewers");
    const next = await broken.send("GET", "/health/live");

    expect(status).toBe(500);
    expect(body).not.toContain(folder);
    expect(broken.log()).toContain("is damaged");
    expect(next.status).toBe(200);
    await broken.close();
    await rm(folder, { recursive: true });
  });
});
