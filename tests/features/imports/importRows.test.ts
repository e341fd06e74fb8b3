import { randomUUID } from "node:crypto";
import type { Leases } from "../../../src/database/leases.js";
import { Importer, type RowOutcome } from "../../../src/features/imports/importRows.js";
import { readRow } from "../../../src/features/imports/row.js";
import { PRODUCT_FILE, readProduct } from "../../../src/product.js";
import { TenantSession } from "../../../src/tenancy/session.js";
import { change } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, inHome } from "../../support/home.js";
import { importerOf } from "../../support/importing.js";
import { openLeases, recordOf } from "../../support/sessions.js";
import { until } from "../../support/until.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let acme: Planted;
let serve: Leases;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: { store: {}, n1: {} }, south: {} } },
      roles: { clerk: { at: "north", permissions: ["organizations:read"] } },
      people: { ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }] },
    },
  }));
  serve = openLeases(gateway.database.databases);
});
afterAll(async () => {
  await serve.close();
  await gateway.close();
});

describe("readRow", () => {
  it.each([
    ...["soon", "1", "admin 5", "12.10.2026", "12/10/2026", "10 Dec 2026"],
    ...["2026-12", "2026-1-1", "2026-02-30", "2026-12-31 ", "2026-02-30T00:00:00Z"],
    ...["2026-12-31T00:00", "2026-12-31T00:00:00", "2026-12-31 00:00:00Z"],
    ...["0000-01-01", "12026-01-01", "+012026-01-01T00:00:00Z", "-000001-01-01T00:00:00Z"],
  ])("refuses %s for an end, before anything is tried", (expires_at) => {
    const read = () => readRow(2, { external_id: "u-1", organization: "north", expires_at });

    expect(read).toThrow("expires_at: is no instant, such as 2026-12-31T00:00:00Z, and no day, such as 2026-12-31");
  });

  it.each([
    ["2026-12-31", "2026-12-31T00:00:00.000Z"],
    ["2026-12-31T10:00:00Z", "2026-12-31T10:00:00.000Z"],
    ["2026-12-31T10:00:00.5+02:00", "2026-12-31T08:00:00.500Z"],
  ])("takes %s for an end, wherever it is read", (expires_at, instant) => {
    const { expiresAt } = readRow(2, { external_id: "u-1", organization: "north", expires_at });

    expect(expiresAt!.toISOString()).toBe(instant);
  });
});

describe("Importer.take", () => {
  const make = (slug: string, parent = "store") =>
    readRow(2, { organization: `o-${slug}`, organization_name: slug, organization_slug: slug, parent });

  it("goes by what the tenant is at the time of each batch, whatever was moved, taken or removed between two", async () => {
    const importer = await importerOf(gateway, serve, "acme");
    const ada = acme.as("ada");
    const by = (slug: string) => acme.id("Organization", slug);
    await importer.take([make("till-1")]);

    await change(ada, "moveOrganization", { organizationId: by("store"), parentId: by("south") }, "__typename");
    await change(ada, "createOrganization", { parentId: by("acme"), name: "Taken", slug: "till-2" }, "__typename");
    await change(ada, "deleteRole", { roleId: acme.id("Role", "clerk") }, "__typename");
    const outcomes = await importer.take([
      make("till-2"),
      make("till-3"),
      readRow(3, { external_id: "u-1", organization: "north", roles: "clerk" }),
    ]);

    expect(outcomes).toMatchObject([
      { refused: "organization_slug: till-2 is, or was, another's." },
      { did: ["organization till-3 made"] },
      { refused: "roles: there is no role clerk that is usable there." },
    ]);
    const [made] = await homeOf(gateway, "acme")("select path from organizations where slug = 'till-3'");
    expect(made!.path).toEqual(["acme", "south", "store"].map((slug) => acme.organizations[slug]));
  });

  it("brings people into what is suspended, for the day when it is resumed", async () => {
    const input = { organizationId: acme.id("Organization", "south") };
    await change(acme.as("ada"), "suspendOrganization", input, "__typename");

    const importer = await importerOf(gateway, serve, "acme");
    const done = await importer.take([readRow(2, { external_id: "u-resting", organization: "south" })]);

    await change(acme.as("ada"), "resumeOrganization", input, "__typename");
    expect(done).toMatchObject([{ did: ["person made", "member of south"] }]);
  });

  it.each(["archiveOrganization", "deleteOrganization"])(
    "brings nothing into what somebody put away by %s, or below it, until it is restored",
    async (putAway) => {
      const [north, store] = [acme.id("Organization", "north"), `till-of-${putAway.toLowerCase()}`];
      const ada = acme.as("ada");
      const importer = await importerOf(gateway, serve, "acme");
      await importer.take([make(`of-${putAway.toLowerCase()}`, "south")]);
      const rows = [
        readRow(2, { organization: "north", organization_name: "Put away" }),
        readRow(3, { external_id: `u-${putAway}`, organization: "n1", roles: "member" }),
        make(store, "n1"),
        readRow(5, { external_id: `u-${putAway}` }),
      ];

      await change(ada, putAway, { organizationId: north }, "__typename");
      const refused = await importer.take(rows);
      await change(ada, "restoreOrganization", { organizationId: north }, "__typename");

      const why = (called: string) => `${called} is archived or deleted, or one above it is. Restore it first.`;
      expect(refused).toMatchObject([
        { refused: why("organization: north") },
        { refused: why("organization: n1") },
        { refused: why("parent: n1") },
        { did: ["person made"] },
      ]);
      const done = await importer.take(rows.slice(1, 3));
      expect(done).toMatchObject([{ did: ["member of n1", "given member"] }, { did: [`organization ${store} made`] }]);
    },
  );

  it.each<[what: string, hold: (work: () => Promise<void>) => Promise<void>]>([
    [
      "the tenant",
      async (work) => {
        const session = await TenantSession.open(serve, await recordOf(gateway.database, "acme"), "change");
        await session.query("select 1", []);
        await work();
        await session.commit();
      },
    ],
    [
      "what it is to change, after more of it was planned",
      (work) =>
        inHome(gateway, "acme", async (sql) => {
          await sql("begin");
          await sql("select from organizations where slug = 'south' for update");
          await work();
          await sql("commit");
        }),
    ],
  ])("is tried again while somebody else holds %s, and then does all of it, once", async (_what, hold) => {
    const record = await recordOf(gateway.database, "acme");
    let tries = 0;
    const open = () => {
      tries += 1;
      return TenantSession.open(serve, record, "withdraw");
    };
    const catalogue = readProduct(PRODUCT_FILE);
    const importer = new Importer({ open, catalogue, runId: randomUUID(), dryRun: false });
    const slug = `late-${randomUUID()}`;
    await importer.take([make(`${slug}-0`)]);
    const rename = readRow(3, { organization: "south", organization_name: slug });

    tries = 0;
    let outcomes: Promise<readonly RowOutcome[]> | undefined;
    await hold(async () => {
      outcomes = importer.take([make(slug), rename]);
      await until(() => tries > 1);
    });

    expect(await outcomes).toMatchObject([
      { did: [`organization ${slug} made`] },
      { did: ["organization south renamed"] },
    ]);
    const noted = await homeOf(gateway, "acme")(
      "select action from audit_events where changes ->> 'slug' = $1 or changes -> 'after' ->> 'name' = $1 order by action",
      [slug],
    );
    expect(noted).toEqual([{ action: "organization.created" }, { action: "organization.updated" }]);
  });
});
