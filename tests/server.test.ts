import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { withOwner } from "../src/database/owner.js";
import { mintToken } from "../src/identity/developmentToken.js";
import { lockOf } from "../src/tenancy/session.js";
import { FOLDER } from "./support/database.js";
import { openGateway, type TestGateway } from "./support/gateway.js";

let gateway: TestGateway;
let server: Server;
let port: number;
beforeAll(async () => {
  gateway = await openGateway({ leases: 2, requestTimeoutMs: 1500 });
  server = createServer(gateway.yoga);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await gateway.close();
});

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("It did not come to pass within 10 s.");
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** Runs `work` while the owner holds a tenant's lock, so that every change in it waits. */
async function whileLocked<T>(slug: string, work: () => Promise<T>): Promise<T> {
  const [{ id }] = (await gateway.database.owner("select id from tenantry.tenants where slug = $1", [slug])) as [
    { id: never },
  ];
  return withOwner(gateway.database.url("tenantry_owner"), async (owner) => {
    await owner.run("select pg_advisory_lock($1::bigint)", [lockOf(id)]);
    return work();
  });
}

const CREATE =
  'mutation($id: ID!) { createOrganization(input: { parentId: $id, name: "N", slug: "gone" }) { __typename } }';
const rootId = async () =>
  (await gateway.as("ada@northwind.test", "northwind").get("{ viewer { tenant { root { id } } } }")).viewer.tenant.root
    .id;
const sessions = async () =>
  Number(
    (
      await gateway.database.owner(
        "select count(*) from pg_stat_activity where usename = 'tenantry_serve' and datname = current_database() and wait_event = 'advisory'",
      )
    )[0]!.count,
  );

describe("a caller who has gone", () => {
  it("leaves no session, no lock and no change behind", async () => {
    const [token, id] = [await mintToken(FOLDER, { email: "ada@northwind.test" }), await rootId()];

    await whileLocked("northwind", async () => {
      const call = request({
        port,
        host: "127.0.0.1",
        path: "/graphql",
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}`, "x-tenant": "northwind" },
      });
      call.on("error", () => {});
      call.end(JSON.stringify({ query: CREATE, variables: { id } }));
      await until(async () => (await sessions()) === 1);
      call.destroy();

      await until(async () => (await sessions()) === 0);
    });

    await until(() => gateway.serve.counts.open === gateway.serve.counts.idle);
    expect(
      await gateway.as("ada@northwind.test", "northwind").get('{ organization(by: { slug: "gone" }) { id } }'),
    ).toEqual({ organization: null });
  });
});

describe("a request that takes too long", () => {
  it("is ended with 503 and Retry-After, changes nothing, and the next one works", async () => {
    const ada = gateway.as("ada@northwind.test", "northwind");
    const id = await rootId();

    const answer = await whileLocked("northwind", () => ada.ask(CREATE, { id }));

    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.errors?.[0]?.extensions.code).toBe("UNAVAILABLE");
    expect((await ada.get(CREATE, { id })).createOrganization.__typename).toBe("CreateOrganizationPayload");
  });
});

describe("more callers than connections", () => {
  it("are all served while they fit into the wait, and told to come back when they do not", async () => {
    const ada = gateway.as("ada@northwind.test", "northwind");
    const eve = gateway.as("eve@meridian.test", "meridian");
    const id = await rootId();

    const crowd = await Promise.all(Array.from({ length: 50 }, () => eve.ask("{ viewer { id } }")));
    expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([200]));

    await whileLocked("northwind", async () => {
      const stuck = [ada.ask(CREATE, { id }), ada.ask(CREATE, { id })];
      await until(async () => (await sessions()) === 2);
      const turnedAway = await eve.ask("{ viewer { id } }");
      expect([turnedAway.status, turnedAway.errors?.[0]?.extensions.code]).toEqual([503, "UNAVAILABLE"]);
      await Promise.all(stuck);
    });
    expect((await eve.ask("{ viewer { id } }")).status).toBe(200);
  });
});
