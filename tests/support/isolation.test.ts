import { openGateway, type TestGateway } from "./gateway.js";
import { recordOf } from "./sessions.js";
import { world } from "./world.js";

const ISOLATION = process.env.TENANTRY_TEST_ISOLATION ?? "SCHEMA";
const IS_POOLED = process.env.TENANTRY_TEST_POOLER !== undefined;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
  const sketch = (slug: string) => ({ tree: { [slug]: {} }, people: { ada: [{ at: slug, roles: ["guest"] }] } });
  await world(gateway, { acme: sketch("acme"), globex: sketch("globex") });
});
afterAll(() => gateway.close());

describe(`a run of the tests on ${ISOLATION}${IS_POOLED ? ", through a pooler" : ""}`, () => {
  it("plants tenants that are kept apart so", async () => {
    const rows = await gateway.database.owner(
      "select isolation from tenantry.tenants where slug in ('acme', 'globex') order by slug",
    );
    const [acme, globex] = [await recordOf(gateway.database, "acme"), await recordOf(gateway.database, "globex")];

    expect(rows).toEqual(Array(2).fill({ isolation: ISOLATION }));
    expect(acme.home.database === globex.home.database).toBe(ISOLATION !== "DATABASE");
    expect(acme.home.schemaName === globex.home.schemaName && acme.home.database === globex.home.database).toBe(
      ISOLATION === "SHARED",
    );
  });

  it("asks the server by the way that it is called by", () => {
    const ports = [...Object.values(gateway.database.databases), gateway.database.url("tenantry_door")].map(
      (url) => new URL(url).port,
    );
    const { TENANTRY_TEST_PORT: server, TENANTRY_TEST_POOLER_PORT: pooler } = process.env;

    expect(new Set(ports)).toEqual(new Set([IS_POOLED ? pooler : server]));
    expect(pooler === undefined || pooler === server).toBe(!IS_POOLED);
    expect(new URL(gateway.database.url("tenantry_owner")).port).toBe(server);
  });
});
