import { mkdtempSync, readFileSync } from "node:fs";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedOwners } from "../../src/commands/database.js";
import { prepareBinaries } from "../../src/database/embedded/binaries.js";
import { type Cluster, startCluster } from "../../src/database/embedded/cluster.js";
import { servingUrl } from "../../src/database/embedded/logins.js";
import { type Server, startServer } from "../../src/database/embedded/server.js";
import { withOwner } from "../../src/database/owner.js";
import { ensureLogins, loginOf } from "../../src/tenancy/migrations/logins.js";
import { migrate } from "../../src/tenancy/migrations/migrate.js";
import { ensureAllLogins, withOwners } from "../../src/tenancy/owners.js";
import { cloneDatabase, statementsIn, type TestDatabase } from "./database.js";
import { until } from "./until.js";
import { openWay, type Way } from "./way.js";

/** A database on a server of its own, and a streaming replica of that server. */
export interface Pair {
  /** On the primary. */
  readonly database: TestDatabase;
  /** Leads to the replica, for those who come by `url`. */
  readonly way: Way;
  /** The same on the replica: what a URL of the primary's is there. */
  url(url: string): string;
  /** A statement of the owner's on the replica. */
  replica(text: string, params?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** What the serving logins sent to the replica while `work` ran. */
  statements(work: () => Promise<unknown>): Promise<string[]>;
  /** What the replica has written into its log. */
  log(): string;
  /** Returns when the replica has replayed all that has been committed. */
  caughtUp(): Promise<void>;
  /** Ends the replica as a power cut does. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const SETTINGS = { fsync: "off", log_statement: "all", log_line_prefix: "%m [%p] db=%d user=%u " };

/** Starts both. The replica is made from a copy of the running primary, before there is anything in it. */
export async function startPair(): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-primary-"));
  const copy = mkdtempSync(join(tmpdir(), "tenantry-replica-"));
  const cluster = await startCluster({ folder, settings: SETTINGS });
  await copyRunning(cluster, folder, copy);
  let standby = await startStandby(copy, cluster.url("tenantry_owner", "postgres"));
  const way = await openWay(standby.port);
  await withOwners(embeddedOwners(cluster.logins, cluster.port, []), async (owners) => {
    await ensureAllLogins(owners);
    await migrate(owners);
  });
  const spare = ["more"];
  await withOwner(cluster.url("tenantry_owner", "postgres"), (owner) =>
    ensureLogins(owner, [loginOf(servingUrl(cluster.logins, "more", cluster.port))]),
  );
  const database = await cloneDatabase({ folder, port: cluster.port, own: [], spare });

  const replica: Pair["replica"] = (text, params) => {
    const url = Object.assign(new URL(database.url("tenantry_owner")), { port: String(standby.port) });
    return withOwner(url.href, async (owner) => [...(await owner.run(text, params))]);
  };
  const pair: Pair = {
    database,
    way,
    url: way.url,
    replica,
    statements: (work) => statementsIn(join(copy, "postgres.log"), database.name, work),
    log: () => readFileSync(join(copy, "postgres.log"), "utf8"),
    async caughtUp() {
      // What nobody committed, such as a lock, is not sent before the log is flushed.
      const [row] = await database.owner("select pg_logical_emit_message(false, 'test', '', true)::text as lsn");
      await until(async () => {
        const [is] = await replica("select pg_last_wal_replay_lsn() >= $1::pg_lsn as there", [row!.lsn]).catch(
          () => [],
        );
        return is?.there === true;
      });
    },
    async kill() {
      process.kill(standby.pid, "SIGKILL");
      await standby.exited;
    },
    async start() {
      standby = await startStandby(copy, cluster.url("tenantry_owner", "postgres"));
      way.open(standby.port);
    },
    async close() {
      await way.close();
      await standby.stop();
      await cluster.stop();
      await Promise.all([folder, copy].map((path) => rm(path, { recursive: true, force: true })));
    },
  };
  await pair.caughtUp();
  return pair;
}

/** PostgreSQL's own way to copy a server that runs. The programs that come with it have no pg_basebackup. */
async function copyRunning(cluster: Cluster, folder: string, copy: string): Promise<void> {
  const data = join(copy, "postgres");
  await mkdir(data, { mode: 0o700 });
  await withOwner(cluster.url("tenantry_owner", "postgres"), async (owner) => {
    await owner.run("select pg_backup_start('replica', fast => true)");
    await cp(join(folder, "postgres"), data, {
      recursive: true,
      filter: (path) => !path.endsWith("postmaster.pid") && !path.endsWith("postmaster.opts"),
    });
    const [backup] = await owner.run("select labelfile from pg_backup_stop()");
    await writeFile(join(data, "backup_label"), String(backup!.labelfile));
  });
  await writeFile(join(data, "standby.signal"), "");
}

/** On a port that was free; another one each time. */
async function startStandby(folder: string, primary: string): Promise<Server> {
  const { hostname, port, username, password } = new URL(primary);
  return startServer(folder, await prepareBinaries(folder), {
    ...SETTINGS,
    primary_conninfo: `host=${hostname} port=${port} user=${username} password=${password}`,
    // A query in the way of what comes from the primary is broken off at once.
    max_standby_streaming_delay: "0",
    wal_retrieve_retry_interval: "100ms",
  });
}
