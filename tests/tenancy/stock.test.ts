import { digestsOf } from "../../src/tenancy/migrations/shape.js";
import { keepStock } from "../../src/tenancy/stock.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { emptyTenants } from "../support/fleet.js";

let database: TestDatabase;
beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(() => database.drop());

const ready = async () =>
  (await database.owner("select schema_name from tenantry.homes where status = 'READY' order by 1")).map((row) =>
    String(row.schema_name),
  );

describe("keepStock", () => {
  it("makes as many empty homes as are missing, built like every other", async () => {
    const made = await database.owners(async (owners) => [await keepStock(owners, 2), await keepStock(owners, 2)]);

    expect(made).toEqual([2, 0]);
    const homes = await ready();
    const digests = await digestsOf((text, params) => database.owner(text, params), homes);
    expect([homes.length, digests.size, new Set(digests.values()).size]).toEqual([2, 2, 1]);
  });

  it("gives each of two tenants that come at once a home of its own, and makes none for them", async () => {
    const stock = await ready();

    const tenants = (await Promise.all([emptyTenants(database, 1), emptyTenants(database, 1)])).flat();

    expect(tenants.map(({ schema }) => schema).sort()).toEqual(stock);
    expect(await ready()).toEqual([]);
  });

  it("passes over a home that an older version made", async () => {
    await database.owners((owners) => keepStock(owners, 1));
    const [old] = await ready();
    await database.owner("update tenantry.homes set lineage = 'older' where schema_name = $1", [old]);

    const [tenant] = await emptyTenants(database, 1);

    expect(tenant!.schema).not.toBe(old);
    expect(await ready()).toEqual([old]);
  });
});
