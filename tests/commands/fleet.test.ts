import { ownFiles } from "../../src/tenancy/migrations/files.js";
import { type Checkout, checkout } from "../support/checkout.js";
import { command, jsonLines, run } from "../support/command.js";
import { later } from "../support/fleet.js";
import { type OwnServer, ownServer } from "../support/server.js";
import { until } from "../support/until.js";

// The second half of it waits wherever somebody reads the slugs, with the first half done.
const NEXT = later("add_mottos", "ALTER TABLE users ADD COLUMN motto text;\nALTER TABLE slugs ADD COLUMN motto text;");
const LAST = ownFiles().tenant.at(-1)!.name;

let server: OwnServer;
let version: Checkout;
let homes: string[];

beforeAll(async () => {
  server = await ownServer();
  version = checkout();
  for (const args of [["migrate"], ["seed"]]) {
    const { code, stderr } = await run(args, { env: server.owning });
    if (code !== 0) throw new Error(stderr);
  }
  const rows = await server.owner("select schema_name from tenantry.homes order by created_at, schema_name");
  homes = rows.map(({ schema_name }) => String(schema_name));
});
afterAll(async () => {
  await server.remove();
  version.remove();
});

const migrate = (...args: string[]) => run(["migrate", ...args], { env: server.owning, cwd: version.path });
const mottos = async (table: string) =>
  (
    await server.owner(
      `select n.nspname from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
       where a.attname = 'motto' and c.relname = $1 order by 1`,
      [table],
    )
  ).map(({ nspname }) => String(nspname));
const homeOf = async (slug: string) =>
  String((await server.owner("select schema_name from tenantry.tenants where slug = $1", [slug]))[0]!.schema_name);

describe("tenantry migrate", () => {
  it.each([
    [["--workers", "0"], "--workers must be a whole number from 1 to 32"],
    [["--workers", "many"], "--workers must be"],
    [["--until", "nothing"], `There are:\n- ${ownFiles().tenant[0]!.name}`],
    [["--canary", "northwind,nobody"], "There is no tenant nobody."],
    [["--dry-run", "--canary", "nobody"], "There is no tenant nobody."],
  ])("refuses %j", async (args, words) => {
    const { code, stdout, stderr } = await migrate(...args);

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(words);
  });

  it("compares every home with one made anew, when it is asked to check", async () => {
    expect(await migrate("--check")).toEqual({
      code: 0,
      stdout: `All is as this version makes it: the directory, and ${homes.length} homes.\n`,
      stderr: "",
    });
    await server.owner(`alter table ${homes[0]}.users add column shoe_size integer`);

    const { code, stdout, stderr } = await migrate("--check", "--json");
    const inWords = await migrate("--check");

    expect([code, stderr, inWords.code]).toEqual([1, "", 1]);
    const why = "column users.shoe_size is not of ours";
    expect(jsonLines(stdout)).toEqual([
      { drifted: expect.objectContaining({ schema: homes[0], why, version: LAST }) },
      { homes: homes.length, behind: 0, drifted: 1, unmade: 0 },
    ]);
    expect(inWords.stderr).toContain(`(${homes[0]} in main, at ${LAST}): ${why}`);
    await server.owner(`alter table ${homes[0]}.users drop column shoe_size`);
  });

  it("says what a new version would run, without running it", async () => {
    version.add(NEXT);

    const { code, stdout } = await migrate("--dry-run");

    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${NEXT.name}  would run in t_`));
    expect(await mottos("users")).toEqual([]);
    expect(jsonLines((await migrate("--dry-run", "--json")).stdout).at(-1)).toMatchObject({ applied: homes.length });
  });

  it("leaves a home as it was when it is killed in the middle of it, and brings it up when it is run again", async () => {
    const reader = server.owner(`begin; select from ${homes[0]}.slugs; select pg_sleep(60)`);
    reader.catch(() => {});
    await until(async () => (await backends("wait_event = 'PgSleep'")).length > 0);
    const killed = command(["migrate", "--workers", "2"], { env: server.owning, cwd: version.path });
    await until(async () => (await backends("wait_event_type = 'Lock'")).length > 0);

    killed.child.kill("SIGKILL");

    expect(await killed.ended).toBe("SIGKILL");
    await end("wait_event = 'PgSleep'");
    await until(
      async () => (await backends("application_name = 'tenantry owner' and pid <> pg_backend_pid()")).length === 0,
    );
    expect(await mottos("users")).not.toContain(homes[0]);
    const records = await server.owner(`select from ${homes[0]}.migrations where name = '${NEXT.name}'`);
    expect(records).toEqual([]);

    expect((await migrate("--json")).code).toBe(0);
    expect(await mottos("users")).toEqual([...homes].sort());
    expect(await mottos("slugs")).toEqual([...homes].sort());
  });

  it("goes on when a home fails, says who is behind and why, and exits 4", async () => {
    const next = { name: "99990102000000_add_shoes", sql: "ALTER TABLE users ADD COLUMN shoes text;" };
    version.add(next);
    const northwind = await homeOf("northwind");
    await server.owner(`alter table ${northwind}.users add column shoes text`);

    const { code, stdout, stderr } = await migrate();
    const again = await migrate("--json");

    expect(code).toBe(4);
    expect(stdout).toContain(`${next.name}  ran in `);
    // Before it stands how far the work was, on a slow machine.
    expect(stderr).toContain(
      `1 home of ${homes.length} left behind:\n- northwind (${northwind} in main, at ${NEXT.name}): ` +
        `${next.name} failed: column "shoes" of relation "users" already exists\n`,
    );
    expect(again.code).toBe(4);
    expect(jsonLines(again.stdout)).toEqual([
      { behind: expect.objectContaining({ tenants: ["northwind"], schema: northwind, version: NEXT.name }) },
      { homes: homes.length, applied: 0, behind: 1, unmade: 0, made: 0 },
    ]);
    await server.owner(`alter table ${northwind}.users drop column shoes`);
    expect(await migrate("--canary", "northwind")).toMatchObject({ code: 0 });
  });

  it("keeps as many empty homes ready as the settings want", async () => {
    const env = { ...server.owning, TENANTRY_STOCK: "2" };

    const { code, stdout } = await run(["migrate"], { env, cwd: version.path });

    expect(code).toBe(0);
    expect(stdout).toContain("Made 2 homes for the stock.\n");
    const ready = await server.owner("select from tenantry.homes where status = 'READY'");
    expect(ready).toHaveLength(2);
  });

  it("names a migration that comes too late, and one that it does not know", async () => {
    const late = { name: "20260101000000_come_late", sql: "select 1" };
    version.add(late);

    const first = await migrate();
    version.take(late.name);
    version.take(NEXT.name);
    const second = await migrate();

    expect([first.code, second.code]).toEqual([1, 1]);
    expect(first.stderr).toContain(`The migration ${late.name} is dated before`);
    expect(second.stderr).toContain(`it knows ${NEXT.name}, which is not here. Update Tenantry.`);
  });

  const backends = (where: string) =>
    server.owner(`select pid from pg_stat_activity where datname = current_database() and ${where}`);
  const end = (where: string) =>
    server.owner(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and ${where}`,
    );
});
