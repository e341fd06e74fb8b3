import { randomBytes } from "node:crypto";
import pino from "pino";
import { SealKey } from "../../../src/features/audit/chain.js";
import { pruneAudit } from "../../../src/features/audit/prune.js";
import { SEALED, Sealer } from "../../../src/features/audit/sealer.js";
import { takeInEvents } from "../../../src/features/audit/takeIn.js";
import { loadKey } from "../../../src/identity/key.js";
import { findWitness, noteWitness } from "../../../src/tenancy/directory/witness.js";
import { sealNow, verifyIn } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { FOLDER } from "../../support/database.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, ownerInHome } from "../../support/home.js";
import { until } from "../../support/until.js";
import { openWeb } from "../../support/web.js";
import { type Planted, world } from "../../support/world.js";

const OLGA = <At extends string>(at: At) => ({ olga: [{ at, roles: ["owner"], reach: "SUBTREE" as const }] });

let gateway: TestGateway;
let sealer: Sealer;
let shop: Planted;
let lines: Record<string, unknown>[];
beforeAll(async () => {
  gateway = await openGateway({ onChange: ({ id }) => sealer.changed(id) });
  ({ shop } = await world(gateway, {
    shop: { tree: { shop: {} }, people: OLGA("shop") },
  }));
});
beforeEach(async () => {
  lines = [];
  await openSealer();
});
afterAll(() => gateway.close());

async function openSealer(): Promise<Sealer> {
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  sealer = new Sealer({ ...gateway, key: await loadKey({ dataDir: FOLDER }), log });
  return sealer;
}
const rename = (name: string, tenant = shop, slug = "shop") =>
  change(
    tenant.as("olga"),
    "updateOrganization",
    { organizationId: tenant.id("Organization", slug), name },
    "organization { id }",
  );
const told = () => lines.filter(({ msg }) => msg === SEALED);
const newest = async (slug = "shop") => {
  const [row] = await homeOf(
    gateway,
    slug,
  )("select number, encode(mac, 'hex') as mac from audit_seals order by number desc limit 1");
  return row as { number: number; mac: string };
};
const witness = ({ tenantId }: Planted = shop) =>
  gateway.database.owners(async (owners) => findWitness(await owners.main, tenantId));

describe("Sealer.round", () => {
  it("seals what was changed here, tells the log, and notes it in the directory", async () => {
    await rename("One");
    await until(() => sealer.unsealedMs > 0);

    await sealer.round();

    expect(sealer.unsealedMs).toBe(0);
    expect(sealer.made).toBe(1);
    const seal = await newest();
    expect(told()).toMatchObject([{ tenant: shop.tenantId, seal: seal.number, mac: seal.mac }]);
    expect(await witness()).toEqual(seal);
    await sealer.round();
    expect(told()).toHaveLength(1);
  });

  it("finds what another process left unsealed, or left untold", async () => {
    await rename("Two");
    const other = sealer;
    sealer = new Sealer({ ...gateway, key: await loadKey({ dataDir: FOLDER }), log: pino({ enabled: false }) });
    await gateway.database.owner("delete from tenantry.audit_witnesses");

    await sealer.round();
    await gateway.database.owner("delete from tenantry.audit_witnesses");
    await other.round();

    expect(sealer.made).toBe(1);
    expect(other.made).toBe(0);
    expect(await witness()).toEqual(await newest());
  });

  it("goes on to wait where a home is closed, and lets the witness never go back", async () => {
    const sql = homeOf(gateway, "shop");
    const before = await newest();
    await rename("Three");
    await sql("update tenant set status = 'FENCED'");

    await sealer.round();
    const closed = await newest();
    await sql("update tenant set status = 'ACTIVE'");
    await sealer.round();

    expect(closed).toEqual(before);
    expect((await newest()).number).toBe(before.number + 1);
    expect(sealer.unsealedMs).toBe(0);
  });

  it("waits for what an older version wrote until it is taken in, or the tenant is erased", async () => {
    const sql = homeOf(gateway, "shop");
    await rename("Old");
    // As an older version writes it: nowhere, and waiting for no seal.
    await ownerInHome(gateway, "shop", async (run) => {
      await run("update audit_events set path = null where id in (select event_id from audit_unsealed)");
      await run("delete from audit_unsealed");
    });
    await sealer.round();
    const behind = sealer.unsealedMs;
    const [{ status }] = (await gateway.database.owner("select status from tenantry.tenants where slug = 'shop'")) as [
      { status: string },
    ];

    await gateway.database.owner("update tenantry.tenants set status = 'ERASING' where slug = 'shop'");
    await sealer.round();
    const erased = sealer.unsealedMs;
    await gateway.database.owner("update tenantry.tenants set status = $1 where slug = 'shop'", [status]);
    await ownerInHome(gateway, "shop", (run) => takeInEvents(run as never, shop.tenantId));
    await sealer.round();

    expect(behind).toBeGreaterThan(0);
    expect(erased).toBe(0);
    expect(sealer.unsealedMs).toBe(0);
    expect(await sql("select from audit_unsealed")).toEqual([]);
  });

  it("shows in the metrics how long events have waited", async () => {
    const web = await openWeb(gateway as never, {}, () => true, { unsealedMs: 61_500, made: 7 });

    const { status, headers, body } = await web.send("GET", "/metrics");
    await web.close();

    expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(body).toContain("\ntenantry_audit_unsealed_seconds 61.5\n");
    expect(body).toContain("\ntenantry_audit_seals_total 7\n");
  });

  it("says so where what is known of a tenant was cut and sealed anew, and keeps what was known", async () => {
    const { market } = await world(gateway, { market: { tree: { market: {} }, people: OLGA("market") } });
    const sql = homeOf(gateway, "market");
    const alarms = () => lines.filter(({ level, tenant }) => level === 50 && tenant === market.tenantId);
    const sealed = async (name: string) => {
      await rename(name, market, "market");
      await sealer.round();
    };
    for (const name of ["One", "Two", "Three"]) await sealed(name);
    const known = await witness(market);
    const before = alarms();

    await ownerInHome(gateway, "market", async (run) => {
      const own = (text: string) => run(text, [market.tenantId]);
      await own(
        "delete from audit_events where id in (select unnest(events) from audit_seals where tenant_id = $1 and number > 1)",
      );
      await own("delete from audit_seals where tenant_id = $1 and number > 1");
    });
    await sealer.round();
    const cut = alarms();
    // Whoever begins to serve now knows only what the directory does.
    await openSealer();
    for (const name of ["Four", "Five", "Six", "Seven"]) await sealed(name);

    const [newest] = await sql("select number from audit_seals order by number desc limit 1");
    const logged = told().flatMap(({ tenant, seal, mac }) =>
      tenant === market.tenantId ? [{ number: Number(seal), mac: String(mac) }] : [],
    );
    const { broken } = await ownerInHome(gateway, "market", (run) => verifyIn(run, market.tenantId, logged));
    expect([known!.number, newest!.number]).toEqual([3, 5]);
    expect(await witness(market)).toEqual(known);
    expect([before.length, cut.length, alarms().length]).toEqual([0, 1, 5]);
    expect(alarms().at(-1)).toMatchObject({
      slug: "market",
      seal: 3,
      msg: expect.stringContaining("run `tenantry audit verify`"),
    });
    expect(logged.map(({ number }) => number)).toEqual([1, 2, 3, 1, 2, 3, 4, 5]);
    expect(broken).toBe("Seal 2 is another than the one that is known outside of the tenant.");
  });

  it("notes no seal over one that another noted meanwhile, which it was not held against", async () => {
    await rename("Noted");
    await sealer.round();
    const known = (await witness())!;
    const later = { number: known.number + 1, mac: known.mac };
    const before = [null, { ...known, number: known.number - 1 }, { ...known, mac: "00".repeat(32) }];

    const noted = await Promise.all(before.map((one) => noteWitness(gateway.door, shop.tenantId, later, one)));

    expect(noted).toEqual([false, false, false]);
    expect(await witness()).toEqual(known);
  });

  it("finds nothing wrong where several seal at once, nor where what is known was removed behind a checkpoint", async () => {
    const { fair } = await world(gateway, { fair: { tree: { fair: {} }, people: OLGA("fair") } });
    const sealers = [sealer, await openSealer(), await openSealer(), await openSealer()];
    const key = new SealKey(await loadKey({ dataDir: FOLDER }), fair.tenantId);

    for (let n = 0; n < 5; n++) {
      const changes = Array.from({ length: 3 }, (_, m) => rename(`Fair ${n} ${m}`, fair, "fair"));
      await Promise.all([...sealers.map((one) => one.round()), ...changes]);
    }
    await Promise.all(sealers.map((one) => one.round()));
    for (const one of sealers) await one.round();
    const together = await witness(fair);
    const all = await newest("fair");
    await sealNow(gateway, "fair");
    for (const name of ["Late", "Later"]) {
      await rename(name, fair, "fair");
      await sealNow(gateway, "fair");
    }
    const [row] = await homeOf(gateway, "fair")("select clock_timestamp()::text as now");
    await ownerInHome(gateway, "fair", (run) =>
      pruneAudit(run as never, fair.tenantId, key, new Date(String(row!.now))),
    );
    await sealer.round();

    expect(together).toEqual(all);
    expect(await witness(fair)).toEqual(await newest("fair"));
    expect(lines.filter(({ level, tenant }) => level === 50 && tenant === fair.tenantId)).toEqual([]);
  });

  it("seals nothing behind a seal of another key, and says so once", async () => {
    const { lost } = await world(gateway, { lost: { tree: { lost: {} }, people: OLGA("lost") } });
    await rename("Before", lost, "lost");
    const { newest: before } = await sealNow(gateway, "lost");
    const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    sealer = new Sealer({ ...gateway, key: randomBytes(32), log });
    await rename("After", lost, "lost");

    await sealer.round();
    await sealer.round();

    expect(await newest("lost")).toEqual(before);
    expect(sealer.unsealedMs).toBeGreaterThan(0);
    expect(lines.filter(({ level, tenant }) => level === 50 && tenant === lost.tenantId)).toMatchObject([
      { slug: "lost", msg: expect.stringContaining("was sealed with another TENANTRY_KEY") },
    ]);
    await (await openSealer()).round();
    expect(await newest("lost")).toMatchObject({ number: before!.number + 1 });
    const found = await ownerInHome(gateway, "lost", (sql) => verifyIn(sql, lost.tenantId));
    expect(found).toMatchObject({ unsealed: 0, broken: null });
  });

  it("lets nobody cut the audit in the tenant's home unnoticed", async () => {
    await rename("Four");
    await sealer.round();
    const { number } = await newest();
    const known = (await witness())!;

    const broken = await ownerInHome(gateway, "shop", async (sql) => {
      await sql("delete from audit_events where id in (select unnest(events) from audit_seals where number = $1)", [
        number,
      ]);
      await sql("delete from audit_seals where number = $1", [number]);
      return (await verifyIn(sql, shop.tenantId, [known])).broken;
    });

    expect(broken).toBe(
      `The audit was cut after seal ${number - 1}: seal ${number} is missing, and outside of the tenant seal ${number} is known.`,
    );
  });
});
