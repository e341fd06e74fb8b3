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
});
