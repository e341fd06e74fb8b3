import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Owners } from "../../../src/tenancy/owners.js";
import { whileHolding } from "../../../src/tenancy/tenants/record.js";
import { command, run } from "../../support/command.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { homeOf } from "../../support/home.js";
import { recordOf } from "../../support/sessions.js";
import { owningSettings } from "../../support/settings.js";
import { until } from "../../support/until.js";

let database: TestDatabase;
let env: Record<string, string>;
let spare: string;
let folder: string;

beforeAll(async () => {
  database = await cloneDatabase();
  spare = await database.spare();
  env = await owningSettings(database, spare, "lumen");
  folder = mkdtempSync(join(tmpdir(), "export-"));
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const create = (slug: string, ...more: string[]) =>
  ["tenant", "create", slug, "--name", "Acme", "--owner", "zoe@acme.test", ...more] as const;

describe("tenantry tenant create", () => {
  it("makes a tenant whose owner can have a token at once", async () => {
    const made = await run(create("acme"), { env });
    const token = await run(["token", "--user", "zoe@acme.test", "--tenant", "acme"], { env });

    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining("Made acme: SCHEMA in main.") });
    expect(token.code).toBe(0);
  });

  it.each([
    [["Acme"], 2, "<slug> Acme will not do. A slug is made of lower-case letters"],
    [["api"], 2, "<slug> api is kept for the product's own addresses"],
    [["acme"], 2, "The slug acme is, or was, another tenant's."],
    [["beta", "--isolation", "own"], 2, "--isolation is shared, schema or database, and not own."],
    [["beta", "--database", "eu"], 2, "--database eu: the settings name no such one. There are: main, own1, lumen."],
    [["beta", "--isolation", "database", "--database", "main"], 3, "The database main has tenants already"],
    [["beta", "--owner-issuer", "https://id.example"], 2, "--owner-issuer and --owner-subject belong together"],
    [["beta", "--owner", "zoe"], 2, "--owner zoe is no e-mail address"],
  ] as const)("refuses %j with one clear error, and makes nothing", async ([slug, ...more], code, words) => {
    const refused = await run(create(slug, ...more), { env });

    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toContain(words);
    expect(await slugs()).not.toContain("beta");
  });

  it("says when nobody can sign in yet", async () => {
    const { stdout } = await run(create("mute"), { env: { ...env, TENANTRY_DEVELOPMENT: "off" } });

    expect(stdout).toContain("Nobody can sign in to it yet");
    expect(stdout).toContain("`tenantry tenant recover mute --owner zoe@acme.test --owner-issuer … --owner-subject …`");
  });

  it.each([
    ["before the record, in main", "main", "record", []],
    ["within the home, in main", "main", "home", []],
    ["before the record, in another database", "spare", "record", []],
    ["within the home, in another database", "spare", "home", ["tenants"]],
    ["before it is opened, in another database", "spare", "open", ["tenants"]],
  ] as const)("killed %s, leaves nothing, or what doctor finishes or removes", async (_, where, step, found) => {
    const place = where === "main" ? "main" : spare;
    const creating = command(create("cut", "--isolation", "schema", "--database", place), { env });
    const how = await killAt(creating, place, step);

    const before = await run(["doctor", "--json"], { env });
    const mended = await run(["doctor", "--fix"], { env });
    const after = await run(["doctor"], { env });

    expect(how).toBe("SIGKILL");
    expect(
      before.stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line).check),
    ).toEqual(found);
    expect(mended.code).toBe(0);
    expect(after).toMatchObject({ code: 0, stdout: "All is sound.\n" });
    expect((await slugs()).includes("cut")).toBe(step === "open");
    if (step === "open") expect((await run(["tenant", "erase", "cut", "--yes"], { env })).code).toBe(0);
  });
});

const slugs = async () => (await database.owner("select slug from tenantry.tenants")).map(({ slug }) => String(slug));

/** Has the command wait at a step, on a lock, and kills it there; then its sessions, as a server does that misses it. Says how it ended. */
async function killAt(creating: ReturnType<typeof command>, place: string, step: "record" | "home" | "open") {
  const holders = new Owners(database.owning);
  const hold = async (name: string, ...texts: string[]) => {
    const { lease, connection } = await holders.connect(name);
    for (const text of ["begin", ...texts]) await lease.run(text);
    return async () => {
      lease.release();
      await connection.close();
    };
  };
  const waits = async (name: string) => (await database.owner(WAITING, [], name)).length > 0;
  const free: (() => Promise<void>)[] = [];
  try {
    if (step === "record") free.push(await hold("main", "lock table tenantry.homes in exclusive mode"));
    else free.push(await hold(place, "lock table pg_catalog.pg_namespace in share mode"));
    await until(() => waits(step === "record" ? "main" : place));
    if (step === "open") {
      free.push(await hold("main", "lock table tenantry.tenants in share mode"));
      await free.shift()!();
      await until(() => waits("main"));
    }
    creating.child.kill("SIGKILL");
    const how = await creating.ended;
    for (const name of ["main", place])
      await database.owner(`select pg_terminate_backend(pid) from (${WAITING}) waiting`, [], name);
    return how;
  } finally {
    for (const end of free) await end();
  }
}

const WAITING = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
  and application_name = 'tenantry owner' and pid <> pg_backend_pid()`;

describe("tenantry tenant export", () => {
  const exported = (file: string) => run(["tenant", "export", "northwind", file], { env });

  it("writes a file that is its owner's alone, and none that is there already", async () => {
    const file = join(folder, "northwind.tgz");

    expect(await exported(file)).toMatchObject({ code: 0, stdout: expect.stringContaining("Exported northwind") });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await exported(file)).toMatchObject({ code: 2, stderr: expect.stringContaining("is there already") });
  });

  it("goes through no file that somebody has laid where it writes", async () => {
    const [file, elsewhere] = [join(folder, "laid.tgz"), join(folder, "elsewhere")];
    symlinkSync(elsewhere, `${file}.part`);

    const { code, stderr } = await exported(file);

    expect([code, stderr]).toEqual([2, expect.stringContaining(`${file}.part is there: remove it`)]);
    expect([existsSync(elsewhere), existsSync(file)]).toEqual([false, false]);
  });

  it("says where it cannot write", async () => {
    const { code, stderr } = await exported(join(folder, "nowhere", "northwind.tgz"));

    expect([code, stderr]).toEqual([2, expect.stringMatching(/cannot be written\.\n {2}because: ENOENT/)]);
  });
});

describe("tenantry tenant rename", () => {
  const named = (name: string) => run(["tenant", "rename", "northwind", "--name", name], { env });

  it("writes another name into the tenant's audit, once", async () => {
    const twice = [await named("North & Wind"), await named("North & Wind")];

    expect(twice.map(({ code }) => code)).toEqual([0, 0]);
    const { home } = await recordOf(database, "northwind");
    expect(
      await database.owner(
        `select actor_type, actor_id, changes from ${home.schemaName}.audit_events where action = $1`,
        ["organization.updated"],
      ),
    ).toEqual([
      {
        actor_type: "OPERATOR",
        actor_id: null,
        changes: { before: { name: "Northwind" }, after: { name: "North & Wind" } },
      },
    ]);
  });

  it("gives no name to a tenant that somebody moves, for it might be lost", async () => {
    const { id } = await recordOf(database, "northwind");

    const refused = await database.owners(async (owners) => whileHolding(await owners.main, id, () => named("Lost")));

    expect(refused).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("Try again shortly") });
  });

  it("says so when there is nothing to change", async () => {
    expect(await run(["tenant", "rename", "northwind", "northwind"], { env })).toMatchObject({
      code: 0,
      stdout: "northwind is called so already.\n",
    });
  });

  it("writes another slug into the tenant's audit", async () => {
    const { code } = await run(["tenant", "rename", "northwind", "northwind-corp"], { env });

    const events = await homeOf(
      { database },
      "northwind-corp",
    )(
      `select actor_id, target_type, e.target_id = o.id as of_root, changes
       from audit_events e join organizations o on o.parent_id is null where action = 'tenant.renamed'`,
    );
    expect(code).toBe(0);
    expect(events).toEqual([
      {
        actor_id: null,
        target_type: "Organization",
        of_root: true,
        changes: { before: { slug: "northwind" }, after: { slug: "northwind-corp" } },
      },
    ]);
  });
});
