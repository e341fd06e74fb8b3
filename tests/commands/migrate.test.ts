import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { askHolder } from "../../src/database/embedded/lock.js";
import { withOwner } from "../../src/database/owner.js";
import { alone } from "../../src/tenancy/migrations/directory.js";
import { readMigrations } from "../../src/tenancy/migrations/files.js";
import { command, jsonLines, processesOf, run } from "../support/command.js";
import { type OwnServer, ownServer } from "../support/server.js";
import { until } from "../support/until.js";

const DIRECTORY = readMigrations("directory").map(({ name }) => ({ schema: "tenantry", migration: name }));
let server: OwnServer;
const summary = (told: Record<string, number>) => ({ homes: 0, applied: 0, behind: 0, unmade: 0, made: 0, ...told });

beforeAll(async () => {
  server = await ownServer();
});
afterAll(() => server.remove());

describe("tenantry migrate", () => {
  it("prints the SQL that makes the logins, changes nothing, and shows no password", async () => {
    const { code, stdout, stderr } = await run(["migrate", "--print-sql"], { env: server.serving });

    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`CREATE ROLE "${server.serve}" LOGIN NOSUPERUSER`);
    expect(stdout).toContain(`CREATE ROLE "${server.door}" LOGIN NOSUPERUSER`);
    expect(stdout).not.toContain("serve-it");
    expect(await roles()).toEqual([]);
  });

  it("is asked for by whatever needs the directory", async () => {
    const { code, stdout, stderr } = await run(["tenant", "list"], { env: server.owning });

    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain("tenantry: The database is not at this version. Run `tenantry migrate` first.");
  });

  it("is asked for once, whatever is missing", async () => {
    const { stderr } = await run(["product", "plan"], { env: server.owning });

    expect(stderr.match(/tenantry migrate/g)).toHaveLength(1);
  });

  it("says on an empty database what it would make, and makes nothing", async () => {
    const { code, stdout, stderr } = await run(["migrate", "--dry-run", "--json"], { env: server.owning });

    expect([code, stderr]).toEqual([0, ""]);
    expect(jsonLines(stdout)).toEqual([...DIRECTORY, summary({ applied: DIRECTORY.length })]);
    expect(await roles()).toEqual([]);
    expect(await server.owner("select to_regnamespace('tenantry') is null as gone")).toEqual([{ gone: true }]);
  });

  it("says on an empty database what it lacks, and makes nothing", async () => {
    const { code, stdout, stderr } = await run(["migrate", "--check"], { env: server.owning });

    expect([code, stderr]).toEqual([1, ""]);
    expect(stdout).toContain(`The directory lacks ${DIRECTORY[0]!.migration}`);
    expect(await roles()).toEqual([]);
  });

  it("is asked for by the doctor, too, who looks at nothing else there", async () => {
    const { code, stdout, stderr } = await run(["doctor", "--json"], { env: server.owning });

    expect([code, stderr]).toEqual([1, ""]);
    expect(jsonLines(stdout)).toEqual([
      {
        check: "migrations",
        what: "There is nothing of Tenantry in the database yet.",
        mend: "Run `tenantry migrate`, which makes all that it needs.",
        isMended: false,
      },
    ]);
  });

  it("makes nothing where a canary is nobody", async () => {
    const { code, stderr } = await run(["migrate", "--canary", "nobody"], { env: server.owning });

    expect([code, stderr]).toEqual([2, expect.stringContaining("There is no tenant nobody.")]);
    expect(await server.owner("select to_regnamespace('tenantry') is null as gone")).toEqual([{ gone: true }]);
  });

  it.each([
    ["--check", "--all"],
    ["--print-sql", "--dry-run"],
  ])("says that %s takes no other option", async (option, other) => {
    const { code, stdout, stderr } = await run(["migrate", option, other], { env: server.owning });

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`${option} takes no other option: leave out ${other}.`);
  });

  it("makes the logins and the directory, and says as JSON what it did", async () => {
    const { code, stdout, stderr } = await run(["migrate", "--json"], { env: server.owning });

    expect([code, stderr]).toEqual([0, ""]);
    expect(jsonLines(stdout)).toEqual([...DIRECTORY, summary({ applied: DIRECTORY.length })]);
    expect(await roles()).toEqual([server.door, server.serve]);
  });

  it("sets at the serving logins how long a statement may take, and keeps what the settings say", async () => {
    const timeouts = async () =>
      (
        await server.owner(
          `select c from pg_roles r, unnest(r.rolconfig) c
           where r.rolname in ($1, $2) and starts_with(c, 'statement_timeout=') order by r.rolname`,
          [server.door, server.serve],
        )
      ).map(({ c }) => c);
    const before = await timeouts();
    const env = { ...server.owning, TENANTRY_STATEMENT_TIMEOUT_MS: "7000" };

    expect(await run(["migrate"], { env })).toMatchObject({ code: 0 });

    expect([before, await timeouts()]).toEqual(
      ["5000ms", "7000ms"].map((ms) => Array(2).fill(`statement_timeout=${ms}`)),
    );
    expect((await run(["migrate", "--print-sql"], { env })).stdout).toContain("statement_timeout = '7000ms'");
  });

  it("takes the product's file for applied, where there is nobody who could lose by it", async () => {
    expect(await server.owner("select kind, key from tenantry.product order by kind, key")).toEqual([
      { kind: "PERMISSION", key: "invoices:approve" },
      { kind: "PERMISSION", key: "invoices:read" },
      { kind: "ROLE", key: "accountant" },
    ]);
  });

  it("finds nothing to do the next time", async () => {
    expect(await run(["migrate"], { env: server.owning })).toEqual({
      code: 0,
      stdout: "Everything is at this version: the directory, and 0 homes.\n",
      stderr: "",
    });
  });

  it("needs the owner's login on a database of one's own, and only there", async () => {
    const { code, stdout, stderr } = await run(["migrate"], { env: server.serving });

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe("tenantry: This command needs DATABASE_OWNER_URL, the login that owns Tenantry's tables.\n");
  });

  it("prints SQL for a database of one's own only", async () => {
    const { code, stderr } = await run(["migrate", "--print-sql"]);

    expect([code, stderr]).toEqual([2, expect.stringContaining("--print-sql is for a real database")]);
  });

  const roles = () => rolesOf(server);
});

describe("tenantry migrate, beside another run", () => {
  let own: OwnServer;
  beforeAll(async () => {
    own = await ownServer();
  });
  afterAll(() => own.remove());
  const env = () => ({ ...own.owning, TENANTRY_STOCK: "2" });

  it("makes no login before that has ended", async () => {
    const migrating = () => command(["migrate"], { env: env() });
    const [waiting, logins] = await withOwner(own.owning.DATABASE_OWNER_URL!, (owner) =>
      alone(owner, undefined, async () => {
        const second = migrating();
        await until(() => second.stderr().includes("Another run is under way"));
        return [second, await rolesOf(own)] as const;
      }),
    );

    expect(await waiting.ended).toBe(0);
    expect([logins, await rolesOf(own)]).toEqual([[], [own.door, own.serve]]);
    expect(waiting.stderr().match(/Another run/g)).toHaveLength(1);
  });

  it("fills the stock once", async () => {
    await own.owner("update tenantry.homes set status = 'LEFT'");

    const both = await withOwner(own.owning.DATABASE_OWNER_URL!, async (owner) => {
      // Whoever has counted the stock waits to add to it.
      await owner.run("begin");
      await owner.run("lock table tenantry.homes in share mode");
      const running = Promise.all([1, 2].map(() => run(["migrate", "--json"], { env: env() })));
      await until(async () => {
        const [row] = await own.owner(
          "select count(distinct l.pid) as waiting from pg_locks l join pg_stat_activity a using (pid) where not granted and datname = current_database()",
        );
        return Number(row!.waiting) === 2;
      });
      await owner.run("commit");
      return running;
    });

    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const made = both.map(({ stdout }) => (jsonLines(stdout).at(-1) as { made: number }).made);
    expect(made.sort()).toEqual([0, 2]);
  });
});

/** Which of its serving logins there are. */
const rolesOf = async ({ owner, door, serve }: OwnServer) =>
  (await owner("select rolname from pg_roles where rolname in ($1, $2) order by rolname", [door, serve])).map(
    ({ rolname }) => rolname,
  );

describe("tenantry seed", () => {
  it("makes the demo tenants once", async () => {
    // What it says of its progress depends on how long it takes.
    expect(await run(["seed", "--json"], { env: server.owning })).toMatchObject({
      code: 0,
      stdout: `${JSON.stringify({ made: ["northwind", "meridian", "lumen"] })}\n`,
    });
    expect(await run(["seed"], { env: server.owning })).toEqual({
      code: 0,
      stdout: "The demo tenants are all there.\n",
      stderr: "",
    });
  });

  it("leaves the product to `product apply` once there are tenants", async () => {
    const product = join(mkdtempSync(join(tmpdir(), "product-")), "product.json");
    writeFileSync(product, "{}");

    expect(await run(["migrate"], { env: { ...server.owning, TENANTRY_PRODUCT: product } })).toMatchObject({ code: 0 });

    expect(await server.owner("select count(*)::int as entries from tenantry.product")).toEqual([{ entries: 3 }]);
    rmSync(dirname(product), { recursive: true });
  });

  it("refuses where demo people could not sign in", async () => {
    const { code, stderr } = await run(["seed"], { env: { ...server.owning, TENANTRY_DEVELOPMENT: "off" } });

    expect([code, stderr]).toEqual([2, expect.stringContaining("set TENANTRY_DEVELOPMENT=on to seed them")]);
  });
});

describe("on the embedded database", () => {
  it("an owner's command starts it, does its work, and stops it", async () => {
    const folder = join(realpathSync(mkdtempSync(join(tmpdir(), "migrate-"))), "data");
    const env = { TENANTRY_DATA_DIR: folder };

    const { code, stdout } = await run(["migrate", "--json"], { env });

    expect(code).toBe(0);
    expect(jsonLines(stdout)).toEqual([...DIRECTORY, summary({ applied: DIRECTORY.length })]);
    expect(await askHolder(folder)).toBeNull();
    expect(processesOf(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});
