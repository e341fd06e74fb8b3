import pino from "pino";
import { SEALED, Sealer } from "../../../src/features/audit/sealer.js";
import { loadKey } from "../../../src/identity/key.js";
import { findWitness } from "../../../src/tenancy/directory/witness.js";
import { verifyIn } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { FOLDER } from "../../support/database.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, ownerInHome } from "../../support/home.js";
import { openWeb } from "../../support/web.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let sealer: Sealer;
let shop: Planted;
let lines: Record<string, unknown>[];
beforeAll(async () => {
  gateway = await openGateway({ onChange: ({ id }) => sealer.changed(id) });
  ({ shop } = await world(gateway, {
    shop: { tree: { shop: {} }, people: { olga: [{ at: "shop", roles: ["owner"], reach: "SUBTREE" }] } },
  }));
});
beforeEach(async () => {
  lines = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  sealer = new Sealer({ ...gateway, key: await loadKey({ dataDir: FOLDER }), log });
});
afterAll(() => gateway.close());

const rename = (name: string) =>
  change(
    shop.as("olga"),
    "updateOrganization",
    { organizationId: shop.id("Organization", "shop"), name },
    "organization { id }",
  );
const told = () => lines.filter(({ msg }) => msg === SEALED);
const newest = async () => {
  const [row] = await homeOf(
    gateway,
    "shop",
  )("select number, encode(mac, 'hex') as mac from audit_seals order by number desc limit 1");
  return row as { number: number; mac: string };
};
const witness = () => gateway.database.owners(async (owners) => findWitness(await owners.main, shop.tenantId));

describe("Sealer.round", () => {
  it("seals what was changed here, tells the log, and notes it in the directory", async () => {
    await rename("One");
    const waited = sealer.unsealedMs;

    await sealer.round();

    expect(waited).toBeGreaterThanOrEqual(0);
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

  it("shows in the metrics how long events have waited", async () => {
    const web = await openWeb(gateway as never, {}, () => true, { unsealedMs: 61_500, made: 7 });

    const { status, headers, body } = await web.send("GET", "/metrics");
    await web.close();

    expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(body).toContain("\ntenantry_audit_unsealed_seconds 61.5\n");
    expect(body).toContain("\ntenantry_audit_seals_total 7\n");
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
