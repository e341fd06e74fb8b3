import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { get } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { ask, command, jsonLines, run, stopCommands } from "../support/command.js";
import { type OwnServer, ownServer } from "../support/server.js";
import { until } from "../support/until.js";

/** Where there is a program that gives another one a terminal. */
const onLinux = process.platform === "linux" ? it : it.skip;

let server: OwnServer;

beforeAll(async () => {
  server = await ownServer();
});
afterEach(stopCommands);
afterAll(() => server.remove());

describe("tenantry serve", () => {
  it("says that `migrate` comes first, where there are no serving logins yet", async () => {
    const { code, stdout, stderr } = await run(["serve"], { env: server.serving });

    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain("tenantry: The database does not let the serving logins in. Run `tenantry migrate` first");
    expect(stderr).not.toContain("serve-it");
  });

  it("says that `migrate` comes first, where the logins are and nothing else", async () => {
    const { stdout: sql } = await run(["migrate", "--print-sql"], { env: server.serving });
    for (const statement of sql.split(";\n").filter(Boolean)) {
      await server.owner(statement);
    }

    const { code, stderr } = await run(["serve"], { env: server.serving });

    expect(code).toBe(3);
    expect(stderr).toContain("- There is no directory of tenants in this database.\n  Run `tenantry migrate`");
  });

  it("answers a migrated and seeded database's people", async () => {
    expect(await run(["migrate"], { env: server.owning })).toMatchObject({ code: 0 });
    expect(await run(["seed"], { env: server.owning })).toMatchObject({
      code: 0,
      stdout: "Made northwind, meridian, lumen.\n",
    });
    const { stdout: token } = await run(["token", "--user", "gus@lumen.test"], { env: server.serving });

    const gateway = command(["serve"], { env: server.serving });
    const url = await gateway.ready;

    expect(await ask(url, token.trim(), "lumen", "{ viewer { user { displayName } } }")).toEqual({
      status: 200,
      data: { viewer: { user: { displayName: "Gus Hartmann" } } },
    });
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect(gateway.stdout()).toBe(`tenantry ready on ${url}\n`);
    gateway.child.kill("SIGTERM");
    expect(await gateway.ended).toBe(0);
  });

  onLinux("ends where its terminal is closed, though nothing can be written there any more", async () => {
    const program = ["script", "-qefc", `exec "${process.execPath}" tenantry.mjs serve`, "/dev/null"] as const;
    const terminal = command([], { env: { ...server.serving, SHELL: "/bin/sh" }, program: [...program] });
    await until(() => terminal.stdout().includes("tenantry ready on "));
    const sessions = async () => {
      const theirs = "select from pg_stat_activity where usename in ($1, $2)";
      return (await server.owner(theirs, [server.serve, server.door])).length;
    };
    expect(await sessions()).toBeGreaterThan(0);

    terminal.child.kill("SIGKILL");

    await until(async () => (await sessions()) === 0);
  });

  it("refuses another key than the one that the installation was made with, and so does every command that uses it", async () => {
    const TENANTRY_KEY = randomBytes(32).toString("base64url");
    const strange = { ...server.owning, TENANTRY_KEY };

    const refused = [
      await run(["serve"], { env: { ...server.serving, TENANTRY_KEY } }),
      await run(["work", "--once"], { env: strange }),
      await run(["migrate"], { env: strange }),
      await run(["audit", "verify", "--tenant", "lumen"], { env: strange }),
      await run(["tenant", "create", "acme", "--name", "Acme", "--owner", "ada@northwind.test"], { env: strange }),
    ];
    const doctor = await run(["doctor", "--json"], { env: strange });

    for (const { code, stdout, stderr } of refused) {
      expect([code, stdout]).toEqual([3, ""]);
      expect(stderr).toContain("tenantry: TENANTRY_KEY is not the key that this installation was made with");
    }
    expect([doctor.code, jsonLines(doctor.stdout)]).toEqual([
      1,
      [expect.objectContaining({ check: "key", isMended: false, what: expect.stringContaining("not the key") })],
    ]);
  });

  it("takes a new key that `migrate` was told to take, and then no more the one before", async () => {
    const TENANTRY_KEY = randomBytes(32).toString("base64url");
    const taken = await run(["migrate", "--new-key"], { env: { ...server.owning, TENANTRY_KEY } });
    const refused = await run(["serve"], { env: server.serving });
    const gateway = command(["serve"], { env: { ...server.serving, TENANTRY_KEY } });
    await gateway.ready;
    gateway.child.kill("SIGTERM");

    const back = await run(["migrate", "--new-key"], { env: server.owning });

    expect([taken.code, refused.code, await gateway.ended, back.code]).toEqual([0, 3, 0, 0]);
    expect(taken.stderr).toContain("nobody is recognised who was known by it");
  });

  it("says that `migrate` comes first, where nobody has noted a key", async () => {
    await server.owner("delete from tenantry.installation");

    const refused = await run(["serve"], { env: server.serving });

    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("Run `tenantry migrate`") });
    expect(await run(["migrate"], { env: server.owning })).toMatchObject({ code: 0 });
  });

  it.each([
    ["a superuser", "alter role {serve} superuser", "has the attribute SUPERUSER", "ALTER ROLE {serve} NOSUPERUSER;"],
    [
      "past row security",
      "alter role {door} bypassrls",
      "has the attribute BYPASSRLS",
      "ALTER ROLE {door} NOBYPASSRLS;",
    ],
    [
      "a member of the owner",
      "grant tenantry_owner to {serve}",
      "is a member of tenantry_owner",
      "REVOKE tenantry_owner FROM {serve}",
    ],
    [
      "an owner of something",
      "create schema mine authorization {serve}",
      "owns schema mine",
      "REASSIGN OWNED BY {serve}",
    ],
    ["able to make things", "grant create on schema public to {door}", "public", "REVOKE"],
  ])("refuses a login that is %s, says which, and how to mend it", async (_, fault, what, mend) => {
    const named = (text: string) => text.replace("{serve}", server.serve).replace("{door}", server.door);
    await server.owner(named(fault));

    const { code, stdout, stderr } = await run(["serve"], { env: server.serving });

    for (const undo of [
      "alter role {serve} nosuperuser",
      "alter role {door} nobypassrls",
      "revoke tenantry_owner from {serve}",
      "drop schema if exists mine",
      "revoke create on schema public from {door}",
    ])
      await server.owner(named(undo));
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^tenantry: The database is not fit to keep tenants apart:\n- The login /);
    expect(stderr).toContain(what);
    expect(stderr).toContain(named(mend));
  });

  it("refuses to serve as the owner", async () => {
    const env = { ...server.serving, DATABASE_URL: server.owning.DATABASE_OWNER_URL! };

    const { code, stderr } = await run(["serve"], { env });

    expect(code).toBe(3);
    expect(stderr).toContain("The login tenantry_owner has the attribute SUPERUSER");
    expect(stderr).toContain("URL names the wrong login");
  });

  it("starts when all of it is mended", async () => {
    const gateway = command(["serve"], { env: server.serving });

    expect(await gateway.ready).toMatch(/^http:/);
    gateway.child.kill("SIGTERM");
    expect(await gateway.ended).toBe(0);
  });

  it("answers who is not signed in, and has no development issuer unless it is asked for", async () => {
    const gateway = command(["serve"], { env: { ...server.serving, TENANTRY_DEVELOPMENT: "off" } });
    const url = await gateway.ready;

    const answer = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"query":"{ identity { id } viewer { id } }"}',
    });
    const viewers = await fetch(`${url}/dev/viewers`);

    expect(await answer.json()).toEqual({ data: { identity: null, viewer: null } });
    expect(viewers.status).toBe(404);
  });

  it("listens for operators at an address of its own, where the settings name some", async () => {
    const operators = [{ issuer: "https://id.example", audience: "operators", subjects: ["olga"] }];
    const env = {
      ...server.serving,
      TENANTRY_OPERATORS: JSON.stringify(operators),
      TENANTRY_OPERATORS_PORT: "0",
    };
    const gateway = command(["serve"], { env });
    const url = await gateway.ready;
    const [, theirs] = /^tenantry for operators on (\S+)\n/.exec(gateway.stdout()) ?? [];
    const post = (address: string, query: string) =>
      fetch(`${address}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }),
      });

    const [atTheirs, atPublic] = [await post(theirs!, "{ operator }"), await post(url, "{ operator }")];
    const { port } = new URL(theirs!);
    const [strange] = await once(get({ port, path: "/graphql", headers: { host: "[" } }).end(), "response");
    const refused = await run(["serve"], { env: { ...env, TENANTRY_OPERATORS_PORT: port } });

    expect([new URL(theirs!).hostname, atTheirs.status]).toEqual(["127.0.0.1", 401]);
    expect(strange.statusCode).toBe(400);
    expect(await atPublic.json()).toMatchObject({ errors: [{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] });
    expect(refused).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`Port ${port} is in use. Stop what uses it, or set TENANTRY_OPERATORS_PORT`),
    });
    gateway.child.kill("SIGTERM");
    expect(await gateway.ended).toBe(0);
  });

  it("ends at SIGTERM with 0, and soon, whoever is connected and asks nothing, or half of something", async () => {
    const gateway = command(["serve"], {
      env: {
        ...server.serving,
        TENANTRY_OPERATORS: '[{"issuer":"https://id.example","audience":"operators","subjects":["olga"]}]',
        TENANTRY_OPERATORS_PORT: "0",
      },
    });
    const url = await gateway.ready;
    const [, theirs] = /^tenantry for operators on (\S+)\n/.exec(gateway.stdout()) ?? [];
    const sockets = [url, theirs!].flatMap((at) =>
      ["", "POST /graphql HTTP/1.1\r\nhost: loc"].map((bytes) => {
        const socket = connect(Number(new URL(at).port), "127.0.0.1");
        socket.write(bytes);
        return socket;
      }),
    );
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    // Whoever came before this one was taken in before it, too.
    for (const at of [url, theirs!]) await (await fetch(`${at}/graphql`)).text();

    const asked = performance.now();
    gateway.child.kill("SIGTERM");

    expect(await gateway.ended).toBe(0);
    expect(performance.now() - asked).toBeLessThan(2000);
    for (const socket of sockets) socket.destroy();
  });

  // PM2 and others start what they supervise with a channel to it.
  it("takes a supervisor with a channel to it for no `tenantry start`", async () => {
    const gateway = command(["serve"], { env: server.serving, hasChannel: true });
    const url = await gateway.ready;

    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    gateway.child.kill("SIGTERM");
    expect(await gateway.ended).toBe(0);
  });

  it("refuses to hold the owner's login", async () => {
    const { code, stderr } = await run(["serve"], { env: server.owning });

    expect([code, stderr]).toEqual([2, expect.stringContaining("DATABASE_OWNER_URL must not be set")]);
  });

  it("refuses a port in use", async () => {
    const stranger = createServer().listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const { port } = stranger.address() as AddressInfo;

    const refused = await run(["serve"], { env: { ...server.serving, PORT: `${port}` } });

    stranger.close();
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining(`Port ${port} is in use.`) });
  });

  it("says that the database is away, and ends", async () => {
    const away = (url: string) => url.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1");
    const { DATABASE_URL, DATABASE_DOOR_URL } = server.serving;

    const { code, stderr } = await run(["serve"], {
      env: { ...server.serving, DATABASE_URL: away(DATABASE_URL!), DATABASE_DOOR_URL: away(DATABASE_DOOR_URL!) },
    });

    expect(code).toBe(1);
    expect(stderr).toMatch(/^tenantry: The database does not answer\.\n {2}because: .*ECONNREFUSED/);
  });

  it("is for a real database: without one it names `start`", async () => {
    const { code, stderr } = await run(["serve"]);

    expect([code, stderr]).toEqual([2, expect.stringContaining("For the embedded database use `start`.")]);
  });
});
