import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { Requests } from "../../src/commands/metrics.js";
import { mintToken } from "../../src/identity/developmentToken.js";
import { FOLDER } from "../support/database.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { until } from "../support/until.js";
import { openWeb, type Web } from "../support/web.js";

let gateway: TestGateway;
let web: Web;
beforeAll(async () => {
  gateway = await openGateway({ leases: 3 });
  web = await openWeb(gateway);
});
afterAll(async () => {
  await web?.close();
  await gateway?.close();
});

const ask = (body: string, headers: Record<string, string> = {}) =>
  web.send("POST", "/graphql", { host: "localhost", "content-type": "application/json", ...headers }, body);
const query = (text: string) => JSON.stringify({ query: text });

/** What is told of, by its name and labels. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const { body } = await web.send("GET", "/metrics", { host: "localhost" });
  const lines = body.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

describe("/metrics", () => {
  it("is of a form that Prometheus reads: each name with its meaning and kind before its values", async () => {
    await ask(query("{ __typename }"));
    await ask("{");

    const { body } = await web.send("GET", "/metrics", { host: "localhost" });

    let name = "";
    for (const line of body.trimEnd().split("\n")) {
      const head = /^# (HELP|TYPE) (tenantry_[a-z_]+) (.+)$/.exec(line);
      if (head?.[1] === "HELP") name = head[2]!;
      else if (head) expect([head[2], head[3]]).toEqual([name, expect.stringMatching(/^(counter|gauge|histogram)$/)]);
      else
        expect(line).toMatch(
          new RegExp(`^${name}(_bucket|_sum|_count)?({[a-z]+="[^"]+"(,[a-z]+="[^"]+")*})? [0-9.e+-]+$`),
        );
    }
  });

  it("counts requests to /graphql by their status, and errors by their code, and nothing else", async () => {
    const before = await scrape();
    const more = (after: ReadonlyMap<string, number>, name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);

    await ask(query("{ __typename }"));
    await ask(query("{ a: __typename }"));
    await ask(query("{ viewer { id } }"), { authorization: "Bearer nonsense" });
    await ask("{");
    await web.send("GET", "/health/live", { host: "localhost" });
    const after = await scrape();

    expect(more(after, 'tenantry_requests_total{status="200"}')).toBe(2);
    expect(more(after, 'tenantry_requests_total{status="400"}')).toBe(1);
    expect(more(after, 'tenantry_requests_total{status="401"}')).toBe(1);
    expect(more(after, 'tenantry_errors_total{code="UNAUTHENTICATED"}')).toBe(1);
    expect(more(after, 'tenantry_errors_total{code="BAD_USER_INPUT"}')).toBe(1);
    expect(more(after, "tenantry_request_seconds_count")).toBe(4);
    expect(more(after, 'tenantry_request_seconds_bucket{le="+Inf"}')).toBe(4);
  });

  it("tells callers who hung up from those who were answered", async () => {
    const leases = await Promise.all([1, 2, 3].map(() => gateway.serve.acquire("")));
    const token = await mintToken(FOLDER, { email: "dan@contractor.test" });
    const before = await scrape();
    const body = query("{ viewer { id } }");
    const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\nx-tenant: northwind\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    const socket = createConnection(web.port, "127.0.0.1");
    socket.write(head + body);
    await until(() => gateway.serve.counts.waiting === 1);
    socket.destroy();
    await until(() => gateway.serve.counts.waiting === 0);
    for (const lease of leases) lease.release();

    const gone = 'tenantry_requests_total{status="499"}';
    await until(async () => ((await scrape()).get(gone) ?? 0) === (before.get(gone) ?? 0) + 1);
  });

  it("says how many connections there are, busy and idle, and who waits for one", async () => {
    await gateway.settled();
    const leases = await Promise.all([1, 2, 3].map(() => gateway.serve.acquire("")));
    const waiting = gateway.serve.acquire("");

    const told = await scrape();
    for (const lease of leases) lease.release();
    (await waiting).release();

    expect(told.get('tenantry_connections{pool="serve",state="busy"}')).toBe(3);
    expect(told.get('tenantry_connections{pool="serve",state="idle"}')).toBe(0);
    expect(told.get('tenantry_connection_waiters{pool="serve"}')).toBe(1);
    expect(told.get('tenantry_connection_waiters{pool="door"}')).toBe(0);
  });
});

describe("what is told of", () => {
  it("is explained, all of it, where one reads how to run the gateway", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/running.md"), "utf8");
    const { body } = await web.send("GET", "/metrics", { host: "localhost" });

    const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);

    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
  });
});

describe("how long requests took", () => {
  it("stands in each bucket that it fits into, with its sum and count", () => {
    const requests = new Requests();
    for (const ms of [0.5, 1, 7, 60_000]) requests.count(200, ms);

    const told = Object.fromEntries([...requests.samples()].map(([name, { le = "" }, value]) => [name + le, value]));

    expect(told).toMatchObject({
      "_bucket0.001": 2,
      "_bucket0.005": 2,
      "_bucket0.01": 3,
      _bucket10: 3,
      "_bucket+Inf": 4,
    });
    expect([told._count, told._sum]).toEqual([4, expect.closeTo(60.0085)]);
  });
});
