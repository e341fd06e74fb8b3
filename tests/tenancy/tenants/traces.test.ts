import { eraseTenant } from "../../../src/tenancy/tenants/erase.js";
import { getTenant } from "../../../src/tenancy/tenants/record.js";
import { findTraces } from "../../../src/tenancy/tenants/traces.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { emptyTenants } from "../../support/fleet.js";
import { until } from "../../support/until.js";

let database: TestDatabase;
beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(() => database.drop());

const tenantOf = (slug: string) => database.owners(async (owners) => getTenant(await owners.main, slug));

/** Drops a schema, and does it for good when somebody waits for one of its tables: they have read that it is there. */
async function droppedMeanwhile<T>(schema: string, work: () => Promise<T>): Promise<T> {
  return database.session("main", async (owner) => {
    await owner.run("begin");
    await owner.run(`drop schema ${schema} cascade`);
    const working = work();
    working.catch(() => {});
    await until(async () => {
      const [row] = await database.owner(
        "select count(*) as waiting from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'",
        [database.name],
      );
      return Number(row!.waiting) > 0;
    });
    await owner.run("commit");
    return working;
  });
}

describe("findTraces", () => {
  it("finds what is left in other tables when a home goes while they are asked", async () => {
    const [going] = await emptyTenants(database, 1);
    const { id } = await tenantOf("northwind");
    const before = await database.owners((owners) => findTraces(owners, id));

    const during = await droppedMeanwhile(going!.schema, () => database.owners((owners) => findTraces(owners, id)));

    expect(during.found).toEqual(before.found);
    expect(during.found.length).toBeGreaterThan(0);
  });
});

describe("eraseTenant", () => {
  it("tells that nothing is left when another home goes while it searches", async () => {
    const [going, erased] = await emptyTenants(database, 2);
    const { id } = await tenantOf(erased!.slug);

    const traces = await droppedMeanwhile(going!.schema, () =>
      database.owners((owners) => eraseTenant(owners, { id })),
    );

    expect(traces.found).toEqual([]);
  });
});
