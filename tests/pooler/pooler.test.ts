import type { Leases } from "../../src/database/leases.js";
import type { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { startPooler } from "../support/pooler.mjs";
import { openLeases, recordOf, write, written } from "../support/sessions.js";

const CLIENTS = 200;
const STATEMENTS = 20_000;
const EACH = 10;
const TENANTS = ["northwind", "meridian", "lumen"];

let gateway: TestGateway;
let pooler: Awaited<ReturnType<typeof startPooler>>;
let databases: Record<string, string>;
let leases: Leases;
let tenants: TenantRecord[];
beforeAll(async () => {
  gateway = await openGateway({ leases: 32 });
  tenants = await Promise.all(TENANTS.map((slug) => recordOf(gateway.database, slug)));
  const urls = Object.entries(gateway.database.databases);
  const logins = urls.map(([, url]) => [new URL(url).username, new URL(url).password] as const);
  // Two sessions of the server for each login, whoever many ask.
  pooler = await startPooler({ port: Number(process.env.TENANTRY_TEST_PORT), poolSize: 2, logins });
  const through = (url: string) => Object.assign(new URL(url), { port: String(pooler.port) }).href;
  databases = Object.fromEntries(urls.map(([name, url]) => [name, through(url)]));
  leases = openLeases(databases, {
    size: CLIENTS,
    waitMs: 100_000,
    // A new client waits, too, until one of the few sessions is free.
    connectTimeoutMs: 100_000,
    prepare: false,
  });
});
afterAll(async () => {
  await leases.close();
  await pooler.stop();
  await gateway.close();
});

/** What PostgreSQL takes this session for, and the top of the tree that it sees. */
const WHO = `select current_setting('tenantry.tenant_id') as id, current_setting('search_path') as path,
  (select slug from organizations where parent_id is null) as root, (select count(*) from tenant)::int as tenants`;

describe("a pooler in transaction mode", () => {
  it("never shows one tenant to another, with 200 clients of two sessions each in turn", async () => {
    let [asked, at] = [0, 0];
    const client = async () => {
      while (asked < STATEMENTS) {
        const tenant = tenants[at++ % tenants.length]!;
        const session = await TenantSession.open(leases, tenant, at % 5 === 0 ? "change" : "read");
        asked += EACH;
        const rows = await Promise.all(Array.from({ length: EACH }, () => session.query(WHO, [])));
        await session.commit();
        for (const [row] of rows)
          expect(row).toEqual({
            id: tenant.id,
            path: `${tenant.home.schemaName}, pg_temp`,
            root: tenant.slug,
            tenants: 1,
          });
      }
    };

    await Promise.all(Array.from({ length: CLIENTS }, client));

    expect(asked).toBeGreaterThanOrEqual(STATEMENTS);
  });

  it("leaves nothing of a session to who comes after it", async () => {
    for (let at = 0; at < 40; at++) {
      const session = await TenantSession.open(leases, tenants[at % tenants.length]!, "read");
      await (at % 2 ? session.commit() : session.rollback());
      const lease = await leases.acquire("");
      const [row] = await lease.run(
        "select coalesce(current_setting('tenantry.tenant_id', true), '') as id, current_setting('search_path') as path",
      );
      lease.release();
      expect(row).toEqual({ id: "", path: '""' });
    }
  });

  it("is noticed where nobody says that it is there: nothing is prepared, and nobody fails", async () => {
    const noticing = openLeases(databases, { size: 8, waitMs: 100_000, connectTimeoutMs: 100_000, prepare: "auto" });
    const clients = Array.from({ length: 200 }, async (_, at) => {
      const tenant = tenants[at % tenants.length]!;
      const session = await TenantSession.open(noticing, tenant, "read");
      try {
        const [row] = await session.query(WHO, []);
        const kept = await session.query("select from pg_prepared_statements where name <> $1", [""]);
        await session.commit();
        return [row!.root, kept.length];
      } finally {
        await session.rollback();
      }
    });

    const outcomes = await Promise.all(clients);

    expect(outcomes).toEqual(outcomes.map((_, at) => [tenants[at % tenants.length]!.slug, 0]));
    await noticing.close();
  });

  it("keeps every acknowledged write, in its tenant and in no other", async () => {
    const made = await Promise.all(
      Array.from({ length: 300 }, async (_, at) => {
        const tenant = tenants[at % tenants.length]!;
        const session = await TenantSession.open(leases, tenant, "change");
        const id = await write(session);
        await session.commit();
        return { tenant, id };
      }),
    );

    for (const tenant of tenants) {
      const own = made.filter((one) => one.tenant === tenant).map(({ id }) => id);
      expect([...(await written(gateway.database, tenant))].sort()).toEqual(own.sort());
    }
  });

  it("lies before a whole gateway: 32 clients of three tenants get their own and nothing else", async () => {
    const askers = [
      gateway.as("ada@northwind.test", "northwind"),
      gateway.as("gus@lumen.test", "lumen"),
      gateway.as("eve@meridian.test", "meridian"),
    ];
    const roots = await Promise.all(askers.map((one) => one.ask("{ viewer { tenant { slug } user { email } } }")));
    const answers = await Promise.all(
      Array.from({ length: 32 }, async (_, client) => {
        const own = client % askers.length;
        for (let round = 0; round < 25; round++) {
          const { data, errors } = await askers[own]!.ask(
            "{ viewer { tenant { slug } user { email } } organizations(first: 5) { nodes { slug } } }",
          );
          expect(errors).toBeUndefined();
          expect(data.viewer).toEqual(roots[own]!.data.viewer);
        }
        return own;
      }),
    );

    expect(answers).toHaveLength(32);
    expect(new Set(roots.map(({ data }) => data.viewer.tenant.slug)).size).toBe(3);
  });
});
