import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mintToken } from "../src/identity/developmentToken.js";
import type { TenantRecord } from "../src/tenancy/directory/directory.js";
import { FOLDER, type TestDatabase } from "./support/database.js";
import { type Answer, openGateway, type TestGateway } from "./support/gateway.js";
import { activity, recordOf, whileLocked } from "./support/sessions.js";
import { until } from "./support/until.js";
import { world } from "./support/world.js";

let database: TestDatabase;
let gateway: TestGateway;
let server: Server;
let port: number;
let northwind: TenantRecord;
beforeAll(async () => {
  gateway = await openGateway({ leases: 2 });
  database = gateway.database;
  // So that only what is tested here ends a wait for the lock.
  await database.owner(`alter role tenantry_serve in database ${database.name} set lock_timeout = '60s'`);
  northwind = await recordOf(database, "northwind");
  server = createServer(gateway.yoga);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await gateway.close();
});

const CREATE =
  'mutation($id: ID!, $slug: String!) { createOrganization(input: { parentId: $id, name: "N", slug: $slug }) { __typename } }';
const REVOKE = "mutation($id: ID!) { revokeGrant(input: { grantId: $id }) { __typename } }";
const FIND = "query($slug: String!) { organization(by: { slug: $slug }) { id } }";
const ada = () => gateway.as("ada@northwind.test", "northwind");
const eve = () => gateway.as("eve@meridian.test", "meridian");
const rootId = async () => (await ada().get("{ viewer { tenant { root { id } } } }")).viewer.tenant.root.id;
const waiting = () => activity(database, "advisory");

describe("a caller who has gone", () => {
  it("leaves no session, no lock and no change behind", async () => {
    const [token, id] = [await mintToken(FOLDER, { email: "ada@northwind.test" }), await rootId()];

    await whileLocked(database, northwind, async () => {
      const call = request({
        port,
        host: "127.0.0.1",
        path: "/graphql",
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}`, "x-tenant": "northwind" },
      });
      call.on("error", () => {});
      call.end(JSON.stringify({ query: CREATE, variables: { id, slug: "gone" } }));
      await until(async () => (await waiting()) === 1);
      call.destroy();

      await until(async () => (await waiting()) === 0);
      expect(gateway.serve.counts).toMatchObject({ waiting: 0 });
    });

    await until(() => gateway.serve.counts.open === gateway.serve.counts.idle);
    expect(await ada().get(FIND, { slug: "gone" })).toEqual({ organization: null });
  });
});

describe("a request that takes too long", () => {
  it("is ended with 503 and Retry-After, changes nothing, and the next one works", async () => {
    const hasty = await openGateway({ leases: 2, requestTimeoutMs: 1000 });
    const caller = hasty.as("ada@northwind.test", "northwind");
    const { viewer } = await caller.get("{ viewer { tenant { root { id } } } }");
    const change = { id: viewer.tenant.root.id, slug: "late" };

    const answer = await whileLocked(hasty.database, northwind, () => caller.ask(CREATE, change));

    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.errors?.[0]?.extensions.code).toBe("UNAVAILABLE");
    expect((await caller.get(CREATE, change)).createOrganization.__typename).toBe("CreateOrganizationPayload");
    await hasty.close();
  });
});

describe("more callers than connections", () => {
  it("are all served while they fit into the wait, and told to come back when they do not", async () => {
    const id = await rootId();

    const crowd = await Promise.all(Array.from({ length: 50 }, () => eve().ask("{ viewer { id } }")));
    expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([200]));

    const stuck = await whileLocked(database, northwind, async () => {
      const changes = ["one", "two"].map((slug) => ada().ask(CREATE, { id, slug }));
      await until(async () => (await waiting()) === 2);
      const turnedAway = eve().ask("{ viewer { id } }");
      await until(() => gateway.serve.counts.waiting === 1);
      await until(() => gateway.serve.counts.waiting === 0);
      return { changes, turnedAway };
    });
    for (const { status } of await Promise.all(stuck.changes)) expect(status).toBe(200);
    const { status, errors, headers } = await stuck.turnedAway;
    expect([status, errors?.[0]?.extensions.code]).toEqual([503, "UNAVAILABLE"]);
    expect(headers.get("retry-after")).toBe("1");
    expect((await eve().ask("{ viewer { id } }")).status).toBe(200);
  });
});

describe("requests that look into a tenant and into all that the person may enter", () => {
  it("wait for no connection while they hold one, however many there are at once", async () => {
    const document = "{ identity { tenants { slug } } viewer { user { email } } }";

    const answers = await Promise.all(Array.from({ length: 20 }, () => eve().ask(document)));

    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    for (const { data } of answers) expect(data.identity.tenants).toEqual([{ slug: "meridian" }]);
    expect(gateway.serve.counts).toMatchObject({ open: 2, idle: 2, waiting: 0 });
  });
});

describe("a tenant of somebody whose database is away", () => {
  it("is missed by who asks for all of theirs, and by nobody else", async () => {
    const both = { "zoe@both.test": [{ at: "", roles: ["owner"], reach: "SUBTREE" }] };
    const sketch = (slug: string) => ({
      tree: { [slug]: {} },
      people: { "zoe@both.test": [{ ...both["zoe@both.test"][0]!, at: slug }] },
    });
    await world(gateway, { here: sketch("here"), gone: sketch("gone") } as never);
    await gateway.database.owner(
      `insert into tenantry.homes (database, schema_name, isolation, status, created_at)
       select 'nowhere', h.schema_name, h.isolation, h.status, h.created_at from tenantry.homes h
       join tenantry.tenants t using (database, schema_name) where t.slug = 'gone'`,
    );
    await gateway.database.owner("update tenantry.tenants set database = 'nowhere' where slug = 'gone'");
    const zoe = gateway.as("zoe@both.test", "here");

    const one = await zoe.ask("{ identity { email } viewer { user { email } } }");
    const all = await zoe.ask("{ identity { tenants { slug } } viewer { user { email } } }");

    const viewer = { user: { email: "zoe@both.test" } };
    expect(one).toMatchObject({
      status: 200,
      data: { identity: { email: "zoe@both.test" }, viewer },
    });
    expect(one.errors).toBeUndefined();
    expect(all).toMatchObject({ status: 200, data: { identity: null, viewer } });
    expect(all.errors!.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [["identity", "tenants"], "UNAVAILABLE"],
    ]);
  });
});

describe("a change and a withdrawal of the right to it, at once", () => {
  it.each([
    { first: "change", made: "CreateOrganizationPayload", refused: undefined },
    { first: "withdrawal", made: undefined, refused: "FORBIDDEN" },
  ])("are judged in the order of their locks: the $first comes first", async ({ first, made, refused }) => {
    const slug = `${first}-first`;
    const { [slug]: tenant } = await world(gateway, {
      [slug]: {
        tree: { top: {} },
        people: {
          ada: [{ at: "top", roles: ["owner"], reach: "SUBTREE" }],
          ben: [{ at: "top", can: ["organizations:read", "organizations:create"], reach: "SUBTREE" }],
        },
      },
    });
    const { as, id } = tenant!;
    const change = () => as("ben").ask(CREATE, { id: id("Organization", "top"), slug: "made" });
    const withdraw = () => as("ada").ask(REVOKE, { id: id("Grant", "ben@top") });

    const answers = await whileLocked(database, await recordOf(database, slug), async () => {
      const sent: Promise<Answer>[] = [];
      for (const send of first === "change" ? [change, withdraw] : [withdraw, change]) {
        sent.push(send());
        await until(async () => (await waiting()) === sent.length);
      }
      return sent;
    });
    const inOrder = await Promise.all(answers);

    const [created, revoked] = first === "change" ? inOrder : inOrder.reverse();
    expect(revoked!.data.revokeGrant.__typename).toBe("RevokeGrantPayload");
    expect(created!.data.createOrganization?.__typename).toBe(made);
    expect(created!.errors?.[0]?.extensions.code).toBe(refused);
    const { organization } = await as("ada").get(FIND, { slug: "made" });
    expect(organization !== null).toBe(first === "change");
  });
});
