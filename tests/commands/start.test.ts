import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { askHolder, lockFolder } from "../../src/database/embedded/lock.js";
import { loginUrl, readLogins } from "../../src/database/embedded/logins.js";
import { withOwner } from "../../src/database/owner.js";
import {
  ask,
  asOwner,
  type Command,
  command,
  killProcessesOf,
  processesOf,
  REPOSITORY,
  run,
  stopCommands,
} from "../support/command.js";
import { until } from "../support/until.js";

const base = realpathSync(mkdtempSync(join(tmpdir(), "start-")));
/** The data folder that the first test makes and the others go on with. */
const folder = join(base, "data");
const settings = (more: Record<string, string> = {}) => ({ PORT: "0", TENANTRY_DATA_DIR: folder, ...more });

const start = (more?: Record<string, string>): Command => command(["start"], { env: settings(more) });

/** The whole start is ready; `as` is the token that it printed for somebody. */
async function started(more?: Record<string, string>) {
  const gateway = start(more);
  const url = await gateway.ready;
  const as = (email: string) =>
    new RegExp(`  ${email}: .*\n  X-Tenant: (\\S+)\n  Authorization: Bearer (\\S+)\n`).exec(gateway.stdout())!;
  const get = (email: string, query: string) => {
    const [, tenant, token] = as(email);
    return ask(url, token!, tenant!, query);
  };
  return { ...gateway, url, get };
}

const VIEWER = "{ viewer { user { displayName } } }";
const ADA = { status: 200, data: { viewer: { user: { displayName: "Ada Lindqvist" } } } };

/** The processes of a start, by what they are. */
function parts() {
  const find = (pattern: RegExp) => processesOf(folder).find(({ line }) => pattern.test(line))!.pid;
  return { parent: find(/tenantry\.mjs start/), gateway: find(/main\.js serve/), postmaster: find(/postgres -D/) };
}

async function stop({ child, ended }: Command): Promise<void> {
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
}

/** Who may be tried: a test that runs as an ordinary user can only be itself. */
const asRoot = (users: number[]): number[] => (process.getuid?.() === 0 ? users : [process.getuid!()]);

const WAITING = "select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock'";

/** Keeps every tenant's users from being read until what it returns is called. */
async function lockUsers(): Promise<() => Promise<void>> {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const [holder, logins] = [await askHolder(folder), await readLogins(folder)];
  const url = loginUrl(logins, "tenantry_owner", holder!.port!, "tenantry");
  return new Promise((locked) => {
    const done = withOwner(url, async (owner) => {
      const homes = await owner.run("select schema_name from tenantry.homes where database = 'main'");
      await owner.run("begin");
      for (const { schema_name } of homes) await owner.run(`lock table ${schema_name}.users`);
      locked(async () => {
        release();
        await done;
      });
      await released;
      await owner.run("rollback");
    });
  });
}

const isClosed = (url: string): Promise<boolean> =>
  fetch(`${url}/health/live`, { headers: { connection: "close" } }).then(
    () => false,
    () => true,
  );

afterEach(stopCommands);

afterAll(() => {
  rmSync(base, { recursive: true, force: true, maxRetries: 5 });
});

/** What the whole start left running, when it has ended. */
const left = () => processesOf(folder).map(({ line }) => line);

describe("tenantry start", () => {
  it("makes, migrates and seeds a database in an empty folder, and says where to go and who one can be", async () => {
    const gateway = await started();

    const answer = await gateway.get("ada@northwind.test", VIEWER);
    const printed = gateway.stdout().replaceAll(/Bearer \S+/g, "Bearer …");
    await stop(gateway);

    expect(answer).toEqual(ADA);
    expect(printed).toBe(`
  GraphiQL: ${gateway.url}/graphql
  Mail that would be sent: ${gateway.url}/dev/mail

  Who you can be, each with the two headers to send; a token is good for 8 hours:

  ada@northwind.test: Ada Lindqvist, owner of Northwind and everything below
  X-Tenant: northwind
  Authorization: Bearer …

  ben@northwind.test: Ben Okafor, admin of the region North
  X-Tenant: northwind
  Authorization: Bearer …

  cleo@northwind.test: Cleo Marchetti, member of one store, North 1
  X-Tenant: northwind
  Authorization: Bearer …

  eve@meridian.test: Eve Thorne, owner of Meridian and its clients
  X-Tenant: meridian
  Authorization: Bearer …

  gus@lumen.test: Gus Hartmann, owner of a platform, its customers and theirs
  X-Tenant: lumen
  Authorization: Bearer …

  Anybody else: npm run -s tenantry -- token --tenant northwind --user finn@northwind.test

tenantry ready on ${gateway.url}
`);
    expect(gateway.stderr()).toContain(
      `tenantry: Making a database in ${folder} …\ntenantry: Making the demo tenants …\n`,
    );
  });

  it("starts again with what is there, and seeds nothing", async () => {
    const first = await started();
    const tenants = "select id, schema_name from tenantry.tenants order by id";
    const before = await asOwner(folder, tenants);
    const root = await first.get("ada@northwind.test", `{ organization(by: { slug: "northwind" }) { id } }`);
    const { data } = await first.get(
      "ada@northwind.test",
      `mutation { createOrganization(input: { parentId: "${root.data.organization.id}", slug: "kept", name: "Kept" }) { __typename } }`,
    );
    await stop(first);

    const second = await started();

    expect(data).toEqual({ createOrganization: { __typename: "CreateOrganizationPayload" } });
    expect(await second.get("ada@northwind.test", `{ organization(by: { slug: "kept" }) { name } }`)).toMatchObject({
      data: { organization: { name: "Kept" } },
    });
    expect(await asOwner(folder, tenants)).toEqual(before);
    expect(second.stderr()).not.toContain("Making");
    await stop(second);
  });

  it("says what makes those who can be tried where their issuer is gone, and to start again then", async () => {
    rmSync(join(folder, "development-issuer.json"));
    const without = await started();
    const seeding = await run(["seed"], { env: { TENANTRY_DATA_DIR: folder } });
    await stop(without);

    const again = await started();

    expect(without.stdout()).toContain(
      "There is nobody to try it as yet: npm run -s tenantry -- seed, then start again\n",
    );
    expect(seeding).toMatchObject({ code: 0, stdout: "The demo tenants are all there.\n" });
    expect(await again.get("ada@northwind.test", VIEWER)).toEqual(ADA);
    await stop(again);
  });

  it("keeps the owner's login from the process that answers requests, and has another make who signs up a tenant", async () => {
    const gateway = await started({ TENANTRY_SIGNUP: "verified-email" });
    const change = 'mutation { createTenant(input: { slug: "cleo", name: "Cleo" }) { __typename } }';
    const made = "{ identity { signUps { slug status } } }";
    const { tenantry_owner: password } = await readLogins(folder);

    const settingsOf = (pid: number) => readFileSync(`/proc/${pid}/environ`, "utf8");

    expect(settingsOf(parts().gateway)).toContain("TENANTRY_DATA_DIR");
    expect(settingsOf(parts().gateway)).not.toContain(password);
    expect((await gateway.get("cleo@northwind.test", change)).data).toEqual({
      createTenant: { __typename: "CreateTenantPayload" },
    });
    await until(async () => {
      const { data } = await gateway.get("cleo@northwind.test", made);
      return data.identity.signUps[0].status === "READY";
    });
    await stop(gateway);
    expect(left()).toEqual([]);
  });

  // As a supervisor sends it to the one process, and as a terminal sends it to all of them.
  it.each([
    ["SIGTERM", "the process"],
    ["SIGINT", "the group"],
  ] as const)("at %s to %s finishes what runs, ends everything, exits 0", async (signal, whom) => {
    const gateway = await started();
    const release = await lockUsers();
    const answer = gateway.get("ada@northwind.test", VIEWER);
    await until(async () => (await asOwner(folder, WAITING))[0]?.waiting === 1);

    process.kill(whom === "the group" ? -gateway.pid : gateway.pid, signal);
    await until(() => isClosed(gateway.url));
    await release();

    expect(await answer).toEqual(ADA);
    expect(await gateway.ended).toBe(0);
    expect(left()).toEqual([]);
    expect(await askHolder(folder)).toBeNull();
  });

  it("outlives a terminal that it is not at, as `nohup` has it", async () => {
    const gateway = await started();

    process.kill(-gateway.pid, "SIGHUP");

    expect(await gateway.get("ada@northwind.test", VIEWER)).toEqual(ADA);
    await stop(gateway);
  });

  // npm asks the shell that it runs the script in; where the shell has become the gateway, the gateway hears it.
  it("ends as well when it is npm that is asked to", async () => {
    const gateway = command([], { env: settings(), program: ["npm", "start"] });
    await gateway.ready;

    gateway.child.kill("SIGTERM");

    expect(await gateway.ended).toBe(0);
    expect(left()).toEqual([]);
  });

  it.each(["Making a database", "Making the demo tenants"])(
    "is called off at any moment, and the next start goes on: %s",
    async (moment) => {
      const env = settings({ TENANTRY_DATA_DIR: join(base, moment.replaceAll(" ", "-")) });
      const first = command(["start"], { env });
      await until(() => first.stderr().includes(moment));

      process.kill(-first.pid, "SIGINT");

      expect(await first.ended).toBe(0);
      expect(first.stdout()).toBe("");
      expect(processesOf(env.TENANTRY_DATA_DIR)).toEqual([]);
      const second = command(["start"], { env });
      await second.ready;
      expect(second.stdout().match(/\S+(?=:.*\n {2}X-Tenant)/g)).toHaveLength(5);
      expect(await asOwner(env.TENANTRY_DATA_DIR, "select count(*)::int as tenants from tenantry.tenants")).toEqual([
        { tenants: 3 },
      ]);
      await stop(second);
    },
  );

  it.each(["gateway", "postmaster"] as const)(
    "ends and says so when its %s is killed, and starts again",
    async (part) => {
      const first = await started();
      expect(await first.get("ada@northwind.test", VIEWER)).toEqual(ADA);

      process.kill(parts()[part], "SIGKILL");

      expect(await first.ended).toBe(1);
      expect(first.stderr()).toMatch(/^tenantry: .* (ended by itself|ended unasked) \(.*start again to go on\.$/m);
      expect(left()).toEqual([]);
    },
  );

  it("starts again at once, on the same port, after the process that holds all together was killed", async () => {
    const first = await started();
    const { parent, postmaster } = parts();
    const { port: PORT } = new URL(first.url);

    process.kill(parent, "SIGKILL");

    const second = await started({ PORT });
    expect(parts().postmaster).not.toBe(postmaster);
    expect(await second.get("ada@northwind.test", VIEWER)).toEqual(ADA);
    await stop(second);
  });

  it("starts again when all of it was killed at once", async () => {
    const first = await started();

    killProcessesOf(folder);

    await first.ended;
    const second = await started();
    expect(await second.get("ada@northwind.test", VIEWER)).toEqual(ADA);
    await stop(second);
  });

  it("refuses a folder in use, and says by whom", async () => {
    const first = await started();

    const second = await run(["start"], { env: settings() });

    expect(second).toEqual({
      code: 3,
      stdout: "",
      stderr: `tenantry: ${folder} is already in use by process ${first.pid} (tenantry at ${first.url}). Stop it first, or set TENANTRY_DATA_DIR to another folder.\n`,
    });
    expect(await first.get("ada@northwind.test", VIEWER)).toEqual(ADA);
    await stop(first);
  });

  it("lets no command share the database of another, which would end it on the way", async () => {
    const lock = await lockFolder(folder, "a command");
    lock.announce({ port: 1 });

    const refused = await run(["tenant", "list"], { env: settings() });

    await lock.release();
    expect(refused).toEqual({
      code: 3,
      stdout: "",
      stderr: `tenantry: ${folder} is in use by process ${process.pid} (a command). Try again in a moment.\n`,
    });
  });

  it("refuses a port in use, and leaves nothing running", async () => {
    const stranger = createServer().listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const { port } = stranger.address() as AddressInfo;

    const refused = await run(["start"], { env: settings({ PORT: `${port}` }) });

    stranger.close();
    expect(refused).toMatchObject({ code: 3, stdout: "" });
    expect(refused.stderr.split("tenantry: ").at(-1)).toBe(
      `Port ${port} is in use. Stop what uses it, or set PORT to another one; 0 takes a free one.\n`,
    );
    expect(left()).toEqual([]);
  });

  it("makes no key in place of one that is lost, unless it is told to", async () => {
    const [path, aside] = [join(folder, "key"), join(folder, "kept")];
    renameSync(path, aside);
    const refused = [await run(["start"], { env: settings() }), await run(["seed"], { env: settings() })];
    const isMade = existsSync(path);

    const taken = await run(["migrate", "--new-key"], { env: settings() });

    const isNew = !readFileSync(path).equals(readFileSync(aside));
    renameSync(aside, path);
    const strange = await run(["start"], { env: settings() });
    expect(await run(["migrate", "--new-key"], { env: settings() })).toMatchObject({ code: 0 });
    expect([isMade, taken.code, isNew]).toEqual([false, 0, true]);
    for (const { code, stderr } of refused)
      expect([code, stderr]).toEqual([3, expect.stringContaining(`${path} is lost, and what is in the database`)]);
    expect(strange).toMatchObject({ code: 3, stderr: expect.stringContaining("TENANTRY_KEY is not the key") });
  });

  it("names every wrong setting in one message, and opens nothing", async () => {
    const nowhere = join(base, "nowhere");
    const product = join(base, "product.json");
    writeFileSync(product, `{ "permissions": [{ "key": "read", "description": "" }] }`);

    const { code, stdout, stderr } = await run(["start"], {
      env: {
        PORT: "70000",
        HOST: "0.0.0.0",
        DATABASE_OWNER_URL: "postgres://owner:sesame@db/product",
        TENANTRY_DATA_DIR: nowhere,
        TENANTRY_KEY: "sesame",
        TENANTRY_PRODUCT: product,
        TENANTRY_MAX_DEPTH: "deep",
        TENANTRY_LEASE: "10",
      },
    });

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.split("\n")).toEqual([
      "tenantry: 7 settings are wrong:",
      "- PORT must be a whole number from 0 to 65535",
      expect.stringMatching(/^- TENANTRY_KEY must be 32 random bytes in base64url/),
      expect.stringMatching(
        /^- TENANTRY_PRODUCT names a file that will not do\. .*permissions\.0\.key must read noun:verb/,
      ),
      "- TENANTRY_MAX_DEPTH must be a whole number from 1 to 10000000",
      "- TENANTRY_LEASE is not a setting. Check its spelling.",
      expect.stringMatching(/^- DATABASE_OWNER_URL must not be set where requests are answered/),
      expect.stringMatching(/^- HOST is 0\.0\.0\.0, and the development issuer serves loopback only/),
      "",
    ]);
    expect(stderr).not.toContain("sesame");
    expect(existsSync(nowhere)).toBe(false);
  });
});

describe("a checkout", () => {
  /** A copy of this checkout, in a folder that only `owner` may enter. */
  function checkout(owner: number): string {
    const copy = join(mkdtempSync(join(owner === 0 ? base : tmpdir(), "clone-")), "tenantry");
    const parts = ["src", "dist", "drizzle", "build.mjs", "tenantry.mjs", "package.json", "tenantry.product.json"];
    for (const name of [...parts, "tsconfig.json", "tsconfig.build.json"])
      cpSync(join(REPOSITORY, name), join(copy, name), { recursive: true, preserveTimestamps: true });
    // Folders are as new as their copy, and would be compiled again.
    utimesSync(join(copy, "dist", ".built"), new Date(), new Date());
    if (owner !== 0) execFileSync("chown", ["-R", `${owner}:${owner}`, dirname(copy)]);
    // Hard links where they can be made: nothing is written to the packages.
    const from = [`${realpathSync(join(REPOSITORY, "node_modules"))}/.`, join(copy, "node_modules")];
    try {
      execFileSync("cp", ["-al", ...from], { stdio: "ignore" });
    } catch {
      execFileSync("cp", ["-a", ...from]);
    }
    return copy;
  }

  it.each(asRoot([0, 65534]))(
    "below a folder closed to all but user %i starts for that user, with its data in it",
    async (uid) => {
      const cwd = checkout(uid);

      const gateway = command(["start"], { cwd, uid, env: { PORT: "0" } });
      await gateway.ready;

      expect(statSync(dirname(cwd)).mode & 0o777).toBe(0o700);
      expect(statSync(join(cwd, ".tenantry", "postgres")).uid).toBe(uid);
      await stop(gateway);
      expect(processesOf(cwd)).toEqual([]);
      rmSync(dirname(cwd), { recursive: true });
    },
  );

  it("is compiled anew when its packages are others, and says in one sentence when those that compile it are not there", async () => {
    const cwd = mkdtempSync(join(base, "bare-"));
    const [made, changed] = [new Date(1_800_000_000_000), new Date(1_800_000_001_000)];
    for (const name of ["tenantry.mjs", "build.mjs", "package.json", "package-lock.json", "tsconfig.json"])
      cpSync(join(REPOSITORY, name), join(cwd, name));
    cpSync(join(REPOSITORY, "tsconfig.build.json"), join(cwd, "tsconfig.build.json"));
    for (const name of ["src", "dist"]) mkdirSync(join(cwd, name));
    writeFileSync(join(cwd, "dist", "main.js"), 'process.stdout.write("what was made before\\n");');
    writeFileSync(join(cwd, "dist", ".built"), "");
    for (const name of readdirSync(cwd)) utimesSync(join(cwd, name), made, made);
    utimesSync(join(cwd, "dist", ".built"), made, made);

    const before = await run([], { cwd });
    utimesSync(join(cwd, "package-lock.json"), changed, changed);
    const after = await run([], { cwd });

    expect(before).toEqual({ code: 0, stdout: "what was made before\n", stderr: "" });
    expect(after).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^tenantry: TypeScript, .* is not installed\. Run `npm ci --include=dev`.*\n$/),
    });
  });
});
