import type { Settings } from "../config.js";
import { type Cluster, startCluster } from "../database/embedded/cluster.js";
import { askHolder, type FolderLock, lockFolder } from "../database/embedded/lock.js";
import { loginUrl, readLogins } from "../database/embedded/logins.js";
import { loadKey } from "../identity/key.js";
import type { Login } from "../tenancy/migrations/logins.js";
import { loginOf } from "../tenancy/migrations/logins.js";
import { EXIT, RefusedError, UsageError } from "./explain.js";
import { onStop } from "./signals.js";

/** A database with all that an owner's command needs of it. */
export interface OwnersDatabase {
  readonly ownerUrl: string;
  readonly serve: Login;
  readonly door: Login;
}

/**
 * Runs an owner's command on the database of the settings: a real one, or the embedded one, which is started for the
 * command's length unless it runs already.
 * @throws UsageError without DATABASE_OWNER_URL on a real database
 */
export async function withOwnersDatabase<T>(
  settings: Settings,
  work: (database: OwnersDatabase) => Promise<T>,
): Promise<T> {
  const { DATABASE_URL, DATABASE_DOOR_URL, DATABASE_OWNER_URL, TENANTRY_DATA_DIR: folder } = settings;
  if (DATABASE_URL && DATABASE_DOOR_URL) {
    if (!DATABASE_OWNER_URL)
      throw new UsageError("This command needs DATABASE_OWNER_URL, the login that owns Tenantry's tables.");
    return work({ ownerUrl: DATABASE_OWNER_URL, serve: loginOf(DATABASE_URL), door: loginOf(DATABASE_DOOR_URL) });
  }
  const holder = await askHolder(folder);
  if (holder) {
    if (!holder.port)
      throw new RefusedError(`${folder} is being opened by process ${holder.pid}. Try again in a moment.`);
    const logins = await readLogins(folder);
    return work(ownersDatabase((login) => loginUrl(logins, login, holder.port!, "tenantry")));
  }
  const opening = openEmbedded(folder, "a command");
  const close = () => opening.then((database) => database.close());
  const goOn = onStop(() => void close().finally(() => process.exit(EXIT.failed)));
  try {
    return await work(ownersDatabase((await opening).cluster.url));
  } finally {
    await close();
    goOn();
  }
}

/** The embedded database, in a data folder that this process holds. */
export interface EmbeddedDatabase {
  readonly cluster: Cluster;
  readonly lock: FolderLock;
  /** Ends the server, then gives the folder free. */
  close(): Promise<void>;
}

/** Takes the data folder for this process, and starts the database in it. */
export async function openEmbedded(folder: string, what: string): Promise<EmbeddedDatabase> {
  const lock = await lockFolder(folder, what);
  try {
    const cluster = await startCluster({ folder });
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

export function ownersDatabase(url: Cluster["url"]): OwnersDatabase {
  return {
    ownerUrl: url("tenantry_owner"),
    serve: loginOf(url("tenantry_serve")),
    door: loginOf(url("tenantry_door")),
  };
}

/** The installation key: of the settings, or of the data folder, where it is made at first use. */
export const keyOf = async ({ TENANTRY_KEY, DATABASE_URL, TENANTRY_DATA_DIR }: Settings): Promise<Buffer> =>
  TENANTRY_KEY ?? loadKey({ dataDir: DATABASE_URL ? null : TENANTRY_DATA_DIR });
