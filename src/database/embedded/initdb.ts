import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Binaries, notStarted, spawnProgram } from "./binaries.js";
import { EmbeddedDatabaseError, failed } from "./failure.js";
import { dataFolder, statOrNull, syncFolder } from "./folder.js";

// Drafts and discards of a database, never one in use.
const DRAFT = ".initdb-";
// In a database whose files are not known to be on disk yet, and which therefore nobody has been given.
const UNSYNCED = "tenantry.unsynced";
const REPEATEDLY = { recursive: true, force: true, maxRetries: 10, retryDelay: 20 } as const;

/**
 * Whether the data folder holds a database that somebody may have stored something in. What an interrupted making left
 * behind is removed first. No server may be running on it.
 * @throws EmbeddedDatabaseError  something else lies in its place
 */
export async function hasDatabase(root: string): Promise<boolean> {
  const data = dataFolder(root);
  if (await statOrNull(join(data, UNSYNCED))) {
    // Renamed before it is removed: an interrupted removal must not look like a database.
    await rename(data, join(await mkdtemp(join(root, DRAFT)), "discarded"));
  }
  for (const name of await readdir(root)) {
    // A making whose parent was killed may still be writing there: it fails for itself, as what it wrote is gone.
    if (name.startsWith(DRAFT)) await rm(join(root, name), REPEATEDLY).catch(() => {});
  }
  if (await statOrNull(join(data, "PG_VERSION"))) return true;
  if ((await statOrNull(data)) && (await readdir(data)).length > 0) {
    throw new EmbeddedDatabaseError(
      `${data} is not empty and holds no database: move it away, or set TENANTRY_DATA_DIR.`,
    );
  }
  return false;
}

/**
 * Makes an empty database owned by `tenantry_owner`: whole, or not there. Its files may not be on disk when this returns;
 * until `syncDatabase` says so it counts as unfinished, and the next start makes it anew.
 */
export async function makeDatabase(root: string, binaries: Binaries, password: string): Promise<void> {
  const draft = await mkdtemp(join(root, DRAFT));
  const passwordFile = join(draft, "password");
  const made = join(draft, "data");
  try {
    await writeFile(passwordFile, password, { mode: 0o600, flag: "wx" });
    const options = ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--username=tenantry_owner"];
    await runInitdb(binaries, root, [
      "-D",
      made,
      ...options,
      `--pwfile=${passwordFile}`,
      "--no-sync",
      "--no-instructions",
    ]);
    await writeFile(join(made, UNSYNCED), "");
    await rename(made, dataFolder(root));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Returns when every file of a new database is on disk, and counts it as finished. A server may be running on it meanwhile.
 * With `durable` false nothing is written out.
 */
export async function syncDatabase(root: string, binaries: Binaries, durable: boolean): Promise<void> {
  const data = dataFolder(root);
  if (!(await statOrNull(join(data, UNSYNCED)))) return;
  if (durable) {
    await runInitdb(binaries, root, ["-D", data, "--sync-only"]);
    await syncFolder(root);
  }
  await rm(join(data, UNSYNCED));
}

async function runInitdb({ initdb }: Binaries, root: string, args: readonly string[]): Promise<void> {
  const child = spawnProgram(initdb, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
    child.on("error", (error) => {
      output += `\n${notStarted(initdb, error)}`;
      resolve(null);
    });
  });
  if (code !== 0) throw await failed(`No database could be made in ${root}`, output, [initdb, dataFolder(root)]);
}
