import pino from "pino";
import { Sealer } from "../../../src/features/audit/sealer.js";
import { takeInEvents } from "../../../src/features/audit/takeIn.js";
import { encodeId } from "../../../src/graphql/nodeId.js";
import { loadKey } from "../../../src/identity/key.js";
import { newId } from "../../../src/ids.js";
import { TenantSession } from "../../../src/tenancy/session.js";
import { sealNow, verifyIn } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { FOLDER } from "../../support/database.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, ownerInHome, type Sql } from "../../support/home.js";
import { recordOf } from "../../support/sessions.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let shop: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  ({ shop } = await world(gateway, {
    shop: {
      tree: { shop: { till: {} } },
      people: {
        olga: [{ at: "shop", roles: ["owner"], reach: "SUBTREE" }],
        tina: [{ at: "till", roles: ["admin"] }],
        gone: [],
        pat: [{ at: "till", roles: ["member"] }],
      },
    },
  }));
  sql = homeOf(gateway, "shop");
  await sealNow(gateway, "shop");
});
afterAll(() => gateway.close());

/** Writes an event as a gateway of the version before did: with the login that serves, and without a path. */
async function write(action: string, organization: string | null, type: string, target: string, changes: object) {
  const session = await TenantSession.open(gateway.serve, await recordOf(gateway.database, "shop"), "change");
  const id = newId<never>();
  await session.query(
    `insert into audit_events (tenant_id, id, at, action, actor_type, actor_id, organization_id, target_type, target_id, changes,
       request_id)
     values ($1, $2, '2026-02-01T00:00:00Z', $3, 'USER', $4, $5, $6, $7, $8::text::jsonb, 'r')`,
    [shop.tenantId, id, action, shop.users.olga, organization, type, target, JSON.stringify(changes)],
  );
  await session.commit();
  return encodeId("AuditEvent", id);
}
const shownTo = async (who: string, id: string) =>
  (await shop.as(who).get(`{ node(id: "${id}") { ... on AuditEvent { action organization { slug } changes } } }`)).node;
const verify = () => ownerInHome(gateway, "shop", (run) => verifyIn(run, shop.tenantId));
const takeIn = () => ownerInHome(gateway, "shop", (run) => takeInEvents(run as never, shop.tenantId));

describe("what a gateway of the version before wrote", () => {
  let inTill: string;
  let ofPat: string;
  beforeAll(async () => {
    const [till, root] = [shop.organizations.till!, shop.organizations.shop!];
    inTill = await write("old.done", till, "Organization", till, { before: { name: "A" }, after: { name: "B" } });
    ofPat = await write("old.said", root, "User", shop.users.pat!, { after: { displayName: "Old Pat" } });
    await write("old.said", root, "User", shop.users.gone!, { after: { displayName: "Old Gone" } });
    await write("old.lost", newId<never>(), "Organization", newId<never>(), {});
    await write("old.none", null, "Organization", root, {});
  });

  it("is read by whoever may read all of the audit, and by nobody below the root through what is above", async () => {
    const seen = await Promise.all([shownTo("olga", inTill), shownTo("tina", ofPat)]);

    expect(seen).toMatchObject([{ action: "old.done", organization: { slug: "till" } }, null]);
  });

  it("is in no seal, is told of, and breaks nothing", async () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const sealer = new Sealer({ ...gateway, key: await loadKey({ dataDir: FOLDER }), log });

    await sealer.round();

    expect(sealer.made).toBe(0);
    expect(sealer.unsealedMs).toBeGreaterThan(Date.now() - Date.parse("2026-02-02T00:00:00Z"));
    expect(lines.join("")).toContain(
      `"tenants":["${shop.tenantId}"],"msg":"events of an older version wait: run \`tenantry audit take-in\`"`,
    );
    expect(await verify()).toMatchObject({ unsealed: 0, notTakenIn: 5, broken: null });
  });

  it("is taken in once: it stands where its organization does, waits for a seal, and keeps what it said", async () => {
    await change(shop.as("olga"), "eraseUser", { userId: shop.id("User", "gone") }, "user { id }");

    const taken = await takeIn();

    expect(taken).toBe(5);
    expect(await takeIn()).toBe(0);
    const rows = await sql(
      `select action, cardinality(path) as depth, path[1] as top, organization_id is null as is_nowhere from audit_events
       where action like 'old.%' order by id`,
    );
    const at = (depth: number) => ({ depth, top: depth === 0 ? null : shop.organizations.shop, is_nowhere: false });
    expect(rows).toEqual([
      { action: "old.done", ...at(1) },
      { action: "old.said", ...at(0) },
      { action: "old.said", ...at(0) },
      { action: "old.lost", ...at(1) },
      { action: "old.none", ...at(0) },
    ]);
    expect(await shownTo("olga", ofPat)).toMatchObject({ changes: { after: { displayName: "Old Pat" } } });
    await sealNow(gateway, "shop");
    expect(await verify()).toMatchObject({ unsealed: 0, notTakenIn: 0, broken: null });
  });

  it("says nothing any more of a person who was erased before or is erased after", async () => {
    const said = async () => (await sql("select string_agg(t::text, '') as text from audit_events t"))[0]!.text;
    const apart = async () => (await sql("select string_agg(value, '') as text from audit_values"))[0]!.text;
    const before = await apart();

    await change(shop.as("olga"), "eraseUser", { userId: shop.id("User", "pat") }, "user { id }");

    expect(before).toContain("Old Pat");
    expect(before).not.toContain("Old Gone");
    expect([await said(), await apart()].join()).not.toMatch(/Old (Pat|Gone)/);
    await sealNow(gateway, "shop");
    expect(await verify()).toMatchObject({ unsealed: 0, broken: null });
  });
});
