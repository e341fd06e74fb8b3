import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyProblems } from "../../src/commands/key.js";
import { readSettings } from "../../src/config.js";
import { readMigrations } from "../../src/tenancy/migrations/files.js";
import { jsonLines, run } from "../support/command.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { homeOf } from "../support/home.js";
import { recordOf } from "../support/sessions.js";
import { owningSettings } from "../support/settings.js";

let database: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  database = await cloneDatabase();
  env = await owningSettings(database, "lumen");
});
afterAll(() => database.drop());

const doctor = (more: Record<string, string> = {}, ...options: string[]) =>
  run(["doctor", ...options], { env: { ...env, ...more } });
const findings = async (more: Record<string, string> = {}) => {
  const { code, stdout } = await doctor(more, "--json");
  return [code, jsonLines(stdout)];
};
const finding = (check: string, what: string, mend: string) => ({
  check,
  what,
  mend: expect.stringContaining(mend),
  isMended: false,
});
const nowhere = (url: string) => url.replace(/[^/]*$/, "nowhere");
const SOUND = { code: 0, stdout: "All is sound.\n" };

describe("tenantry doctor", () => {
  it("says that all is sound where it is", async () => {
    expect(await doctor()).toMatchObject(SOUND);
    expect(await findings()).toEqual([0, []]);
  });

  it("finds a tenant that nobody owns, and names the command that gives it an owner", async () => {
    await homeOf({ database }, "northwind")("delete from grants where role_key = 'owner'");

    const found = await findings();
    // The people of the development issuer are those of all tests.
    const recovering = { ...env, TENANTRY_DEVELOPMENT: "off" };
    const signIn = ["--owner-issuer", "https://id.example", "--owner-subject", "zoe"];
    await run(["tenant", "recover", "northwind", "--owner", "zoe@acme.test", ...signIn], { env: recovering });

    const what = "The tenant northwind has no owner: nobody there can give every right.";
    expect(found).toEqual([1, [finding("owners", what, "`tenantry tenant recover northwind --owner <email>`")]]);
    expect(await doctor()).toMatchObject(SOUND);
  });

  it("finds a directory and a home that lack a migration, and one that has another version's", async () => {
    const last = (of: "directory" | "tenant") => readMigrations(of).at(-1)!.name;
    const [northwind, lumen] = [await recordOf(database, "northwind"), await recordOf(database, "lumen")];
    const homeOfLumen = `${lumen.home.schemaName}.migrations`;
    const applied = (table: string, name: string, where = "main") =>
      database.owner(`insert into ${table} values ($1, clock_timestamp())`, [name], where);
    await database.owner("delete from tenantry.migrations where name = $1", [last("directory")]);
    await database.owner(`delete from ${northwind.home.schemaName}.migrations where name = $1`, [last("tenant")]);
    await applied(homeOfLumen, "99990101000000_later", lumen.home.database);

    const found = await findings();
    await applied("tenantry.migrations", last("directory"));
    await applied(`${northwind.home.schemaName}.migrations`, last("tenant"));
    await database.owner(`delete from ${homeOfLumen} where name ~ 'later'`, [], lumen.home.database);

    const behind = (what: string) => finding("migrations", `${what} is 1 migration behind.`, "Run `tenantry migrate`.");
    const another = `The home ${lumen.home.schemaName} in lumen is at another version.`;
    expect(found).toEqual([
      1,
      expect.arrayContaining([
        behind("The directory"),
        behind(`The home ${northwind.home.schemaName} in main`),
        finding("migrations", another, "it knows 99990101000000_later, which is not here. Update Tenantry."),
      ]),
    ]);
    expect(found[1]).toHaveLength(3);
    expect(await doctor()).toMatchObject(SOUND);
  });

  it.each([
    ["its serving login", { TENANTRY_DATABASES: true, TENANTRY_DATABASE_OWNERS: false }],
    ["the owner's login", { TENANTRY_DATABASES: false, TENANTRY_DATABASE_OWNERS: true }],
    ["its serving login", { TENANTRY_DATABASES: true, TENANTRY_DATABASE_OWNERS: true }],
  ] as const)("says that a database is away for %s, and looks at what is there: %j", async (login, isAway) => {
    const away = Object.fromEntries(
      Object.entries(isAway).map(([setting, is]) => {
        const { lumen } = JSON.parse(env[setting]!);
        return [setting, JSON.stringify({ lumen: is ? nowhere(lumen) : lumen })];
      }),
    );
    await database.owner("update tenantry.tenants set epoch = 7 where slug = 'northwind'");

    const found = await findings(away);
    const mended = await doctor(away, "--fix");

    const what = `The database lumen does not answer ${login}. Its tenants cannot be served; all others can.`;
    const differs = "The directory says that northwind is ACTIVE at epoch 7, and its home ACTIVE at epoch 1.";
    expect(found).toEqual([
      1,
      [finding("walls", what, "See that it runs"), finding("tenants", differs, "The home decides")],
    ]);
    expect(mended).toMatchObject({ code: 1, stdout: expect.stringContaining(`tenants: ${differs}\n  Mended.\n`) });
    expect(mended.stdout).not.toContain("All is sound.");
    expect(await doctor()).toMatchObject(SOUND);
  });

  it.each([
    ["DATABASE_URL", ["its serving login"]],
    // The login that reads the directory goes the owner's way, past a pooler.
    ["DATABASE_OWNER_URL", ["the login of DATABASE_DOOR_URL", "the owner's login"]],
  ])("says that the main database is away at %s, and leaves it at that", async (setting, logins) => {
    const { code, stdout, stderr } = await doctor({ [setting]: nowhere(env[setting]!) }, "--json");

    const away = (login: string) =>
      `The database main does not answer ${login}. Its tenants cannot be served; all others can.`;
    expect([code, stderr, jsonLines(stdout)]).toEqual([
      1,
      "",
      logins.map((login) => finding("walls", away(login), "See that it runs")),
    ]);
  });

  it("finds a database in which tenants live, and that the settings do not name", async () => {
    const what =
      "The tenant lumen lives in the database lumen, which the settings do not name, and nobody could look at.";

    expect(await findings({ TENANTRY_DATABASES: "{}", TENANTRY_DATABASE_OWNERS: "{}" })).toEqual([
      1,
      [finding("tenants", what, "Name it in TENANTRY_DATABASES")],
    ]);
  });

  it("finds that nobody is recognised any more, where another key has taken the place of the one that is lost", async () => {
    const other = { TENANTRY_KEY: randomBytes(32).toString("base64url") };
    const take = (more: Record<string, string>) => run(["migrate", "--new-key"], { env: { ...env, ...more } });
    const what =
      "Nobody of the development issuer is recognised: the key is not the one that their digests were made with.";

    await take(other);
    const found = await findings(other);
    await take({});

    expect(found).toEqual([1, [finding("key", what, "Restore the key from a backup.")]]);
  });

  it("finds another key than everything was made with, also where none was noted", async () => {
    const other = { TENANTRY_KEY: randomBytes(32).toString("base64url") };
    const noted = await findings(other);
    const [row] = await database.owner("delete from tenantry.installation returning key_mark");
    const unnoted = await findings(other);
    await database.owner("insert into tenantry.installation (key_mark) values ($1)", [row!.key_mark]);

    const found = (what: string, mend: string) => [1, [finding("key", what, mend)]];
    expect(noted).toEqual(
      found("TENANTRY_KEY is not the key that this installation was made with.", "Restore the key from a backup."),
    );
    expect(unnoted).toEqual(
      found(
        "Nobody has noted which TENANTRY_KEY is this installation's, so that no gateway starts.",
        "Run `tenantry migrate`.",
      ),
    );
  });
});

describe("tenantry doctor, without the owner's login", () => {
  const serving = () => {
    const { DATABASE_OWNER_URL: _, TENANTRY_DATABASE_OWNERS: __, ...rest } = env;
    return rest;
  };
  const looking = (...options: string[]) => run(["doctor", ...options], { env: serving() });

  it("says that it looked at the walls alone, and of nothing else that it is sound", async () => {
    expect(await looking()).toEqual({
      code: 0,
      stdout: "Without DATABASE_OWNER_URL only the walls were looked at.\nThe walls are sound.\n",
      stderr: "",
    });
  });

  it("says for scripts what it did not look at", async () => {
    const { code, stdout } = await looking("--json");

    const checks = ["migrations", "moves", "tenants", "homes", "owners", "key"];
    expect([code, jsonLines(stdout)]).toEqual([
      0,
      checks.map((check) => ({ check, notLookedAt: "DATABASE_OWNER_URL is not set." })),
    ]);
  });

  it("finds a wall that is open all the same", async () => {
    const { home } = await recordOf(database, "northwind");
    const security = (is: string) => database.owner(`alter table ${home.schemaName}.users ${is} row level security`);
    await security("disable");

    const { code, stdout } = await looking();
    await security("enable");

    expect([code, stdout]).toEqual([1, expect.stringMatching(new RegExp(`^walls: .*${home.schemaName}.*users`))]);
    expect(stdout).not.toContain("sound");
  });
});

describe("keyProblems", () => {
  it("finds the key of the data folder lost while people are known by it, and makes none", async () => {
    const folder = mkdtempSync(join(tmpdir(), "no-key-"));
    mkdirSync(join(folder, "postgres"));
    writeFileSync(join(folder, "postgres", "PG_VERSION"), "18\n");
    const settings = readSettings({ TENANTRY_DATA_DIR: folder });
    const look = () => database.owners(async (owners) => keyProblems(settings, await owners.main));

    const twice = [await look(), await look()];

    const [row] = await database.owner("select count(*)::int as count from tenantry.identities");
    const what = `${join(folder, "key")} is lost, and ${row!.count} identities are known by digests that were made with it.`;
    const lost = [{ what, mend: expect.stringContaining("Restore the key from a backup.") }];
    expect(row!.count).toBeGreaterThan(0);
    expect(twice).toEqual([lost, lost]);
    rmSync(folder, { recursive: true });
  });
});
