import { randomBytes } from "node:crypto";
import { withOwner } from "../../src/database/owner.js";
import { command, run, stopCommands } from "../support/command.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";

// Logins of this file's own: roles are the whole server's, and other files use it meanwhile.
const suffix = randomBytes(4).toString("hex");
const [SERVE, DOOR] = [`serve_${suffix}`, `door_${suffix}`];
const DATABASE = `real_${suffix}`;

let server: TestDatabase;
let env: Record<string, string>;
let ownerUrl: string;
beforeAll(async () => {
  server = await cloneDatabase();
  await server.owner(`create database ${DATABASE}`);
  const url = (login: string) => {
    const own = new URL(server.url("tenantry_owner"));
    own.pathname = `/${DATABASE}`;
    if (login) Object.assign(own, { username: login, password: "secret-word" });
    return own.href;
  };
  ownerUrl = url("");
  env = {
    DATABASE_URL: url(SERVE),
    DATABASE_DOOR_URL: url(DOOR),
    TENANTRY_KEY: randomBytes(32).toString("base64url"),
    PORT: "0",
  };
});
afterAll(async () => {
  await stopCommands();
  await server.owner(`drop database if exists ${DATABASE} with (force)`);
  for (const role of [SERVE, DOOR]) await server.owner(`drop role if exists ${role}`);
  await server.drop();
});

const owner = (text: string) => withOwner(ownerUrl, (lease) => lease.run(text));
const serve = () => run(["serve"], { env });

describe("on a PostgreSQL of one's own", () => {
  it("serve says what to do before migrate has run", async () => {
    const { code, stderr } = await serve();

    expect(code).toBe(3);
    expect(stderr).toContain("Run `tenantry migrate` first");
    expect(stderr).not.toContain("secret-word");
  });

  it("migrate --print-sql prints what an administrator runs, without a password in clear", async () => {
    const { code, stdout } = await run(["migrate", "--print-sql"], { env });

    expect(code).toBe(0);
    for (const role of [SERVE, DOOR]) expect(stdout).toContain(`CREATE ROLE "${role}"`);
    expect(stdout).toContain("SCRAM-SHA-256$");
    expect(stdout).not.toContain("secret-word");
  });

  it("migrate makes the logins and the directory, and has nothing to do the second time", async () => {
    const first = await run(["migrate", "--json"], { env: { ...env, DATABASE_OWNER_URL: ownerUrl } });
    const second = await run(["migrate", "--json"], { env: { ...env, DATABASE_OWNER_URL: ownerUrl } });

    expect([first.code, JSON.parse(first.stdout).homes]).toEqual([0, 0]);
    expect(JSON.parse(first.stdout).applied.length).toBeGreaterThan(0);
    expect(JSON.parse(second.stdout)).toEqual({ homes: 0, applied: [] });
  });

  it("serve answers, without any development issuer, and ends when it is asked to", async () => {
    const gateway = command(["serve"], { env });
    const url = await gateway.ready;

    const ready = await fetch(`${url}/health/ready`);
    const answer = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"query":"{ identity { id } viewer { id } }"}',
    });
    const viewers = await fetch(`${url}/dev/viewers`);
    gateway.child.kill("SIGTERM");

    expect(ready.status).toBe(200);
    expect(await answer.json()).toEqual({ data: { identity: null, viewer: null } });
    expect(viewers.status).toBe(404);
    expect(await gateway.ended).toBe(0);
  });

  it("serve refuses to hold the owner's login", async () => {
    const { code, stderr } = await run(["serve"], { env: { ...env, DATABASE_OWNER_URL: ownerUrl } });

    expect([code, stderr]).toEqual([2, expect.stringContaining("DATABASE_OWNER_URL must not be set")]);
  });

  it.each([
    ["is a superuser", `alter role ${SERVE} superuser`, `alter role ${SERVE} nosuperuser`, SERVE],
    ["is past row security", `alter role ${SERVE} bypassrls`, `alter role ${SERVE} nobypassrls`, SERVE],
    ["can become the owner", `grant tenantry_owner to ${DOOR}`, `revoke tenantry_owner from ${DOOR}`, DOOR],
    [
      "owns something",
      `alter table tenantry.tenants owner to ${SERVE}`,
      "alter table tenantry.tenants owner to tenantry_owner",
      SERVE,
    ],
    [
      "can make things",
      `grant create on database ${DATABASE} to ${DOOR}`,
      `revoke create on database ${DATABASE} from ${DOOR}`,
      DOOR,
    ],
  ])("serve refuses a login that %s, and says which and how to mend it", async (_what, open, close, login) => {
    await owner(open);

    const { code, stdout, stderr } = await serve();

    await owner(close);
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain("The database does not keep tenants apart as it must:");
    expect(stderr).toContain(login);
  });

  it("serve starts again when all of it is mended", async () => {
    const gateway = command(["serve"], { env });

    expect(await gateway.ready).toMatch(/^http:/);
    gateway.child.kill("SIGTERM");
    expect(await gateway.ended).toBe(0);
  });
});
