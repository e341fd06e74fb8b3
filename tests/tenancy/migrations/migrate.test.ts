import { randomBytes } from "node:crypto";
import { withOwner } from "../../../src/database/owner.js";
import { readMigrations } from "../../../src/tenancy/migrations/files.js";
import { migrate } from "../../../src/tenancy/migrations/migrate.js";
import { withOwners } from "../../../src/tenancy/owners.js";
import { cloneDatabase, owningOf, type TestDatabase } from "../../support/database.js";
import { until } from "../../support/until.js";

let server: TestDatabase;
beforeAll(async () => {
  server = await cloneDatabase();
});
afterAll(() => server.drop());

/** An empty database, for as long as `work` takes. */
async function inEmpty<T>(work: (url: string) => Promise<T>): Promise<T> {
  const name = `empty_${randomBytes(4).toString("hex")}`;
  await server.owner(`create database ${name}`);
  const url = new URL(server.url("tenantry_owner"));
  url.pathname = `/${name}`;
  try {
    return await work(url.href);
  } finally {
    await server.owner(`drop database ${name} with (force)`);
  }
}
const run = (url: string) => withOwners(owningOf(url, "tenantry_door", "tenantry_serve"), (owners) => migrate(owners));

describe("migrate", () => {
  it("applies everything once, of two runs at once", async () => {
    const [one, other] = await inEmpty((url) => Promise.all([run(url), run(url)]));

    const applied = [...one.applied, ...other.applied].map(({ migration }) => migration);
    expect(applied.sort()).toEqual(readMigrations("directory").map(({ name }) => name));
  });

  it("keeps nothing of a run that is broken off, and is simply run again", async () => {
    await inEmpty(async (url) => {
      // It waits for this lock in the middle of its transaction, and is killed there.
      await withOwner(url, async (owner) => {
        await owner.run("begin");
        await owner.run("create schema tenantry");
        const broken = run(url);
        broken.catch(() => {});
        await until(async () => {
          const [row] = await server.owner(
            `select count(pg_terminate_backend(pid))::int as killed from pg_stat_activity
             where datname = $1 and wait_event_type = 'Lock'`,
            [new URL(url).pathname.slice(1)],
          );
          return Number(row!.killed) > 0;
        });
        await expect(broken).rejects.toThrow();
        await owner.run("rollback");
        const [left] = await owner.run("select to_regnamespace('tenantry') is null as gone");
        expect(left).toEqual({ gone: true });
      });

      expect((await run(url)).applied).toHaveLength(readMigrations("directory").length);
    });
  });

  it("brings homes that are behind to this version, and has nothing to do after that", async () => {
    const [home] = await server.owner("select schema_name from tenantry.tenants where slug = 'northwind'");
    const last = readMigrations("tenant").at(-1)!.name;
    await server.owner(`delete from ${home!.schema_name}.migrations where name = $1`, [last]);

    const first = await server.owners((owners) => migrate(owners));
    const second = await server.owners((owners) => migrate(owners));

    expect(first).toEqual({ homes: 3, applied: [{ schema: home!.schema_name, migration: last }] });
    expect(second).toEqual({ homes: 3, applied: [] });
  });

  it("keeps nothing of what would leave a hole in a home's walls, and names the hole", async () => {
    const [home] = await server.owner("select schema_name from tenantry.tenants where slug = 'northwind'");
    const last = readMigrations("tenant").at(-1)!.name;
    await server.owner(`delete from ${home!.schema_name}.migrations where name = $1`, [last]);
    await server.owner(`alter table ${home!.schema_name}.users disable row level security`);

    const refused = server.owners((owners) => migrate(owners));

    await expect(refused).rejects.toThrow(`would leave ${home!.schema_name} open, so none of them was kept`);
    await expect(refused).rejects.toThrow(`${home!.schema_name}.users`);
    expect(await server.owner(`select name from ${home!.schema_name}.migrations where name = $1`, [last])).toEqual([]);
    await server.owner(`alter table ${home!.schema_name}.users enable row level security`);
    expect((await server.owners((owners) => migrate(owners))).applied).toHaveLength(1);
  });
});
