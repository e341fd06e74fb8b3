import { access, constants, mkdir, open, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EmbeddedDatabaseError, reason } from "./failure.js";

/** Where the database's own files lie in the data folder. */
export const dataFolder = (root: string): string => join(root, "postgres");

/**
 * The real path of the data folder, made with mode 0700 when it is not there.
 * @throws EmbeddedDatabaseError  it cannot be made or written to, or the database in it belongs to another user
 */
export async function openFolder(folder: string): Promise<string> {
  let root: string;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    root = await realpath(folder);
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `The data folder ${resolve(folder)} cannot be made or written to (${reason(error)}): ` +
        "open it to this user, or set TENANTRY_DATA_DIR to another folder.",
    );
  }
  const owner = (await statOrNull(dataFolder(root)))?.uid;
  const own = process.getuid?.();
  if (owner !== undefined && own !== undefined && owner !== own) {
    throw new EmbeddedDatabaseError(
      `The database in ${root} belongs to user ${owner}, and this is user ${own}: ` +
        "run this as that user, or set TENANTRY_DATA_DIR to another folder.",
    );
  }
  return root;
}

/** What is known of `path`, or null when nothing is there. */
export async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(reason(error))) return null;
    throw error;
  }
}

/** Returns when the names in a folder (what was created, renamed or removed there) survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // a folder cannot be opened there
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
