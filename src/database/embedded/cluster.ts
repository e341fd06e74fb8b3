import postgres from "postgres";
import { prepareBinaries } from "./binaries.js";
import { EmbeddedDatabaseError, reason } from "./failure.js";
import { dataFolder, openFolder } from "./folder.js";
import { hasDatabase, makeDatabase, syncDatabase } from "./initdb.js";
import { embeddedDatabase, ensureLogins, type Login, type Logins, loginUrl } from "./logins.js";
import { stopLeftover } from "./postmaster.js";
import { type Server, type ServerSettings, startServer } from "./server.js";

export type ClusterOptions = {
  /** The data folder; made if missing. The caller holds its lock (`lockFolder`) as long as the cluster runs. */
  readonly folder: string;
  /** Settings as in postgresql.conf, before ours. `fsync: "off"` also spares a new database the way to disk. */
  readonly settings?: ServerSettings;
  /** Names of databases to have beside the first one; made if missing. */
  readonly databases?: readonly string[];
};

/** A PostgreSQL server on a data folder, child of this process; a database `tenantry`, and those asked for, are in it. */
export type Cluster = Server & {
  readonly logins: Logins;
  /** The URL of `database` for `login`, `tenantry` unless named. Holds the password. */
  url(login: Login, database?: string): string;
};

const DATABASE = "tenantry";

/**
 * Starts PostgreSQL on the data folder and returns when the database `tenantry` answers. An empty folder gets a database
 * first; what a killed predecessor left behind is stopped, removed or recovered. The process does not end by itself while
 * the cluster runs, and the cluster does not end with the process: call `stop`.
 * @throws EmbeddedDatabaseError  with PostgreSQL's own words; nothing is left running
 */
export async function startCluster({ folder, settings = {}, databases = [] }: ClusterOptions): Promise<Cluster> {
  const root = await openFolder(folder);
  try {
    return await startOn(root, settings, databases);
  } catch (error) {
    if (error instanceof EmbeddedDatabaseError) throw error;
    throw new EmbeddedDatabaseError(`PostgreSQL could not be started in ${root}: ${(error as Error).message}`);
  }
}

async function startOn(root: string, settings: ServerSettings, databases: readonly string[]): Promise<Cluster> {
  const [logins, binaries] = await Promise.all([ensureLogins(root), prepareBinaries(root)]);
  await stopLeftover(dataFolder(root));
  if (!(await hasDatabase(root))) await makeDatabase(root, binaries, logins.tenantry_owner);

  // Beside the server's start: of a new database there are a thousand files to bring to disk.
  const synced = syncDatabase(root, binaries, settings.fsync !== "off");
  synced.catch(() => {});
  const server = await startServer(root, binaries, settings);
  const url = (login: Login, database = DATABASE) => loginUrl(logins, login, server.port, database);
  try {
    const names = databases.map((name) => embeddedDatabase(name).database);
    await ensureDatabases(url("tenantry_owner", "postgres"), root, [DATABASE, ...names]);
    await synced;
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { ...server, logins, url };
}

async function ensureDatabases(url: string, root: string, names: readonly string[]): Promise<void> {
  const sql = postgres(url, { max: 1, fetch_types: false, connect_timeout: 30, connection: { TimeZone: "UTC" } });
  try {
    const there = new Set((await sql`select datname from pg_database`).map(({ datname }) => datname));
    for (const name of names) if (!there.has(name)) await sql`create database ${sql(name)}`;
  } catch (error) {
    if (reason(error) === "28P01") {
      throw new EmbeddedDatabaseError(`The passwords in ${root}/logins.json are not those of the database beside it.`);
    }
    throw error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
