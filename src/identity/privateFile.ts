import { randomBytes } from "node:crypto";
import { link, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

const OWNER_ONLY = 0o600;
// The lock is held for milliseconds; one this old was left behind by a process that died.
const ABANDONED_AFTER_MS = 5_000;
const LOCK_RETRY_MS = 10;

/**
 * Makes the file with this content, readable by its owner alone, unless there is one already. Of several processes at
 * once exactly one makes it, and nobody ever reads half of it. Folders above it are made too.
 */
export async function createPrivateFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await throughTemporary(path, text, async (temporary) => {
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  });
}

/** Replaces the file's content as a whole: a reader sees the old or the new, also after a crash. */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  await throughTemporary(path, text, (temporary) => rename(temporary, path));
}

/** Runs `change` while no other process does so for the same path. Waits for its turn. */
export async function withFileLock<T>(path: string, change: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  while (!(await tryLock(lock))) await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  try {
    return await change();
  } finally {
    await rm(lock, { force: true });
  }
}

async function tryLock(lock: string): Promise<boolean> {
  try {
    await (await open(lock, "wx", OWNER_ONLY)).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const held = await stat(lock).catch(() => null);
  if (held && Date.now() - held.mtimeMs > ABANDONED_AFTER_MS) await rm(lock, { force: true });
  return false;
}

async function throughTemporary(
  path: string,
  text: string,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", OWNER_ONLY);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary);
  } finally {
    await rm(temporary, { force: true });
  }
}
