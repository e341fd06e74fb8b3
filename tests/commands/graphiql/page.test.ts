import { inline } from "../../../src/commands/graphiql/page.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { openWeb, type Web, type WebAnswer } from "../../support/web.js";

// What Chromium sends when somebody types the address.
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

let gateway: TestGateway;
let web: Web;

beforeAll(async () => {
  gateway = await openGateway();
  web = await openWeb(gateway);
});
afterAll(async () => {
  await web?.close();
  await gateway?.close();
});

const open = (headers: Record<string, string> = {}, from = web): Promise<WebAnswer> =>
  from.send("GET", "/graphql", { accept: BROWSER, ...headers });
const optionsOf = ({ body }: WebAnswer) =>
  JSON.parse(/<script type="application\/json" id="options">(.*)<\/script>/.exec(body)![1]!) as {
    hasViewers: boolean;
    tabs: { query: string }[];
  };
const directives = ({ headers }: WebAnswer) =>
  Object.fromEntries(
    (headers["content-security-policy"] as string).split("; ").map((directive) => {
      const [name, ...sources] = directive.split(" ");
      return [name, sources.join(" ")];
    }),
  );

describe("GET /graphql of a browser", () => {
  it("is a whole page: nothing in it names another host to load from", async () => {
    const { status, headers, body } = await open();

    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(Number(headers["content-length"])).toBe(Buffer.byteLength(body));
    expect(body).toMatch(/^<!doctype html>/);
    expect(body).toContain("YogaGraphiQL");
    const markup = body.replaceAll(/(<script\b[^>]*>).*?<\/script>/gs, "$1");
    expect(markup.length).toBeLessThan(1_000_000);
    expect(markup.match(/<\w+\b[^>]*\b(src|href)="(?!data:)/g)).toBeNull();
    expect(markup.match(/@import|\burl\((?!data:)/g)).toBeNull();
    expect(body).not.toMatch(/\{\{(styles|workers|graphiql|page|nonce|options)\}\}/);
  });

  it("lets run nothing but its own scripts, and lets no page frame it", async () => {
    const first = await open();
    const second = await open();

    const { "script-src": scripts, ...rest } = directives(first);
    expect(rest).toEqual({
      "default-src": "'none'",
      "style-src": "'unsafe-inline'",
      "worker-src": "blob:",
      "img-src": "'self' data:",
      "font-src": "data:",
      "connect-src": "'self'",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
    });
    expect(scripts).toMatch(/^'nonce-[\w-]{22}'$/);
    expect(directives(second)["script-src"]).not.toBe(scripts);
    const nonce = scripts!.slice("'nonce-".length, -1);
    expect(first.body.match(/<script\b[^>]*>/g)).toEqual(
      expect.arrayContaining([`<script nonce="${nonce}">`, `<script type="module" nonce="${nonce}">`]),
    );
  });

  it("is typed, kept by no cache, and tells nobody where one came from", async () => {
    const { headers } = await open();

    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      vary: "Accept, Host",
    });
  });

  it("holds no token", async () => {
    const { body } = await open();

    expect(body).not.toMatch(/\beyJ[\w-]+\.eyJ/);
  });

  it("offers viewers only where their tokens are given out: by the development issuer, on this machine", async () => {
    const production = await openWeb(gateway, { TENANTRY_DEVELOPMENT: "off" });

    expect(optionsOf(await open()).hasViewers).toBe(true);
    expect(optionsOf(await open({ host: "tenantry.example.com" })).hasViewers).toBe(false);
    expect(optionsOf(await open({}, production)).hasViewers).toBe(false);
    await production.close();
  });

  it("opens with changes only where they change the demo", async () => {
    const kinds = (answer: WebAnswer) =>
      optionsOf(answer).tabs.map(({ query }) => /^(query|mutation)/m.exec(query)![1]);

    expect(kinds(await open())).toContain("mutation");
    expect(new Set(kinds(await open({ host: "tenantry.example.com" })))).toEqual(new Set(["query"]));
  });

  it("is not there when TENANTRY_GRAPHIQL is off", async () => {
    const off = await openWeb(gateway, { TENANTRY_GRAPHIQL: "off" });

    const { status, body } = await open({}, off);

    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).not.toContain("<html");
    await off.close();
  });
});

describe("HEAD /graphql of a browser", () => {
  it("has the headers of the page, and no body", async () => {
    const page = await open();

    const { status, headers, body } = await web.send("HEAD", "/graphql", { accept: BROWSER });

    expect(status).toBe(200);
    expect(headers["content-length"]).toBe(page.headers["content-length"]);
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(body).toBe("");
  });
});

describe("/graphql of any other client", () => {
  const query = "/graphql?query=%7B__typename%7D";
  const json = { "content-type": "application/json" };

  it.each([
    ["accepts anything", "GET", query, { accept: "*/*" }],
    ["accepts JSON", "GET", query, { accept: "application/json" }],
    [
      "accepts GraphQL's JSON, and HTML as well",
      "GET",
      query,
      {
        accept: "application/graphql-response+json, application/json;q=0.9, text/html;q=0.5",
      },
    ],
    ["says nothing", "GET", query, {}],
    ["posts", "POST", "/graphql", { accept: "text/html, */*", ...json }],
  ])("is answered by the API when it %s", async (_, method, path, headers) => {
    const { status, body } = await web.send(method, path, headers, method === "POST" ? '{"query":"{__typename}"}' : "");

    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ data: { __typename: "Query" } });
  });
});

describe("inline", () => {
  it("keeps any text inside its script element, unchanged", () => {
    const hostile = { a: "</script><script>alert(1)</script>", b: "<!-- <script", c: "\u2028 & ' \"" };

    const text = inline(hostile);

    expect(text).not.toContain("<");
    expect(JSON.parse(text)).toEqual(hostile);
  });
});
