import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../config.js";
import { type Cluster, startCluster } from "../database/embedded/cluster.js";
import { dataFolder } from "../database/embedded/folder.js";
import { askHolder, type FolderLock, lockFolder } from "../database/embedded/lock.js";
import {
  embeddedDatabase,
  type Login,
  type Logins,
  loginUrl,
  readLogins,
  servingUrl,
} from "../database/embedded/logins.js";
import { sqlState } from "../database/errors.js";
import { MAIN } from "../database/names.js";
import { loadKey } from "../identity/key.js";
import { NotMigratedError } from "../tenancy/directory/product.js";
import { loginOf } from "../tenancy/migrations/logins.js";
import { type Owners, type OwnersSettings, withOwners } from "../tenancy/owners.js";
import { EXIT, RefusedError, UsageError } from "./explain.js";
import { onStop } from "./signals.js";

const UNDEFINED_TABLE = "42P01";

/**
 * Runs an owner's command on the databases of the settings: real ones, or the embedded ones, which are started for the
 * command's length unless they run already.
 * @throws UsageError without DATABASE_OWNER_URL on a real database
 * @throws RefusedError while another command has the embedded one
 * @throws NotMigratedError when the directory lacks a table
 */
export async function withOwnersOf<T>(settings: Settings, given: (owners: Owners) => Promise<T>): Promise<T> {
  const reach = (owners: OwnersSettings): Promise<T> =>
    withOwners({ ...owners, statementTimeoutMs: settings.TENANTRY_STATEMENT_TIMEOUT_MS }, (reached) =>
      given(reached).catch(orUnmigrated),
    );
  const { DATABASE_URL, DATABASE_DOOR_URL, DATABASE_OWNER_URL, TENANTRY_DATA_DIR: folder } = settings;
  if (DATABASE_URL && DATABASE_DOOR_URL) {
    if (!DATABASE_OWNER_URL)
      throw new UsageError("This command needs DATABASE_OWNER_URL, the login that owns Tenantry's tables.");
    return reach(ownersOf(settings, DATABASE_OWNER_URL, DATABASE_URL, DATABASE_DOOR_URL));
  }
  const names = settings.TENANTRY_EMBEDDED_DATABASES;
  const holder = await askHolder(folder);
  if (holder) {
    // A gateway stays; another command would end the database under this one.
    if (!holder.port || !holder.url)
      throw new RefusedError(`${folder} is in use by process ${holder.pid} (${holder.what}). Try again in a moment.`);
    return reach(embeddedOwners(await readLogins(folder), holder.port, names));
  }
  const opening = openEmbedded(settings, "a command");
  const close = () => opening.then((database) => database.close());
  const goOn = onStop(() => void close().finally(() => process.exit(EXIT.failed)));
  try {
    const { cluster } = await opening;
    return await reach(embeddedOwners(cluster.logins, cluster.port, names));
  } finally {
    await close();
    goOn();
  }
}

function orUnmigrated(error: unknown): never {
  if (
    error instanceof NotMigratedError ||
    sqlState(error) !== UNDEFINED_TABLE ||
    !/relation "tenantry\./.test(inFull(error))
  )
    throw error;
  throw new NotMigratedError("The database is not at this version. Run `tenantry migrate` first.", { cause: error });
}

const inFull = (error: unknown): string => (error instanceof Error ? `${error.message} ${inFull(error.cause)}` : "");

function ownersOf(settings: Settings, owner: string, serve: string, door: string): OwnersSettings {
  const { TENANTRY_DATABASES, TENANTRY_DATABASE_OWNERS } = settings;
  const more = Object.entries(TENANTRY_DATABASE_OWNERS).map(([name, url]) => [
    name,
    { url, serve: loginOf(TENANTRY_DATABASES[name]!) },
  ]);
  return {
    door: loginOf(door),
    databases: { ...Object.fromEntries(more), [MAIN]: { url: owner, serve: loginOf(serve) } },
  };
}

/** What owners' commands need of the embedded databases. */
export function embeddedOwners(logins: Logins, port: number, names: readonly string[]): OwnersSettings {
  const url = (login: Login, database = "tenantry") => loginUrl(logins, login, port, database);
  const more = names.map((name) => [
    name,
    { url: url("tenantry_owner", embeddedDatabase(name).database), serve: loginOf(servingUrl(logins, name, port)) },
  ]);
  return {
    door: loginOf(url("tenantry_door")),
    databases: {
      ...Object.fromEntries(more),
      [MAIN]: { url: url("tenantry_owner"), serve: loginOf(url("tenantry_serve")) },
    },
  };
}

/** The settings by which other processes reach the embedded databases: those of a real one. */
export function embeddedSettings(logins: Logins, port: number, names: readonly string[]) {
  const url = (login: Login) => loginUrl(logins, login, port, "tenantry");
  const owners = names.map((name) => [name, loginUrl(logins, "tenantry_owner", port, embeddedDatabase(name).database)]);
  return {
    serving: {
      DATABASE_URL: url("tenantry_serve"),
      DATABASE_DOOR_URL: url("tenantry_door"),
      TENANTRY_DATABASES: JSON.stringify(
        Object.fromEntries(names.map((name) => [name, servingUrl(logins, name, port)])),
      ),
    },
    owning: {
      DATABASE_OWNER_URL: url("tenantry_owner"),
      TENANTRY_DATABASE_OWNERS: JSON.stringify(Object.fromEntries(owners)),
    },
  };
}

/** The embedded database, in a data folder that this process holds. */
export interface EmbeddedDatabase {
  readonly cluster: Cluster;
  readonly lock: FolderLock;
  /** Ends the server, then gives the folder free. */
  close(): Promise<void>;
}

/** Takes the data folder for this process, and starts the database in it. A new one has its key before there is anything to lose. */
export async function openEmbedded(settings: Settings, what: string): Promise<EmbeddedDatabase> {
  const { TENANTRY_DATA_DIR: folder, TENANTRY_EMBEDDED_DATABASES: databases } = settings;
  const lock = await lockFolder(folder, what);
  try {
    if (!isMade(folder)) await keyOf(settings);
    const cluster = await startCluster({ folder, databases });
    lock.announce({ port: cluster.port });
    const close = async () => {
      await cluster.stop();
      await lock.release();
    };
    return { cluster, lock, close };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * The installation key: of the settings, or of the data folder, which has had one since before its database.
 * @param isNew whether one is made where it is lost
 * @throws RefusedError where it is lost
 */
export async function keyOf(settings: Settings, isNew = false): Promise<Buffer> {
  if (!isNew) refuseLostKey(settings);
  const { TENANTRY_KEY, DATABASE_URL, TENANTRY_DATA_DIR: folder } = settings;
  return TENANTRY_KEY ?? loadKey({ dataDir: DATABASE_URL ? null : folder });
}

/** @throws RefusedError where there is an embedded database, and not the key that is in its folder */
export function refuseLostKey(settings: Settings): void {
  const lost = lostKey(settings);
  if (lost) throw new RefusedError(`${lost} is lost, and what is in the database was made with it. ${RESTORE_KEY}`);
}

/** Where the key of the embedded database would be; null where it is there, or is not needed. */
export function lostKey({ TENANTRY_KEY, DATABASE_URL, TENANTRY_DATA_DIR: folder }: Settings): string | null {
  const path = join(folder, "key");
  return !TENANTRY_KEY && !DATABASE_URL && isMade(folder) && !existsSync(path) ? path : null;
}

export const RESTORE_KEY =
  "Restore the key from a backup. Without it, who signs in is nobody whom a tenant knows, every cursor is void, and no audit can be verified. Where there is none, `tenantry migrate --new-key` goes on with another.";

/** Whether there is an embedded database. */
const isMade = (folder: string): boolean => existsSync(join(dataFolder(folder), "PG_VERSION"));
