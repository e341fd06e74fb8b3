import { stat } from "node:fs/promises";
import { dirname } from "node:path";

/** The embedded PostgreSQL cannot do what was asked. The message is one sentence for the person at the terminal. */
export class EmbeddedDatabaseError extends Error {
  override readonly name: string = "EmbeddedDatabaseError";
}

/** Whether PostgreSQL has to be run as somebody else, because it refuses user 0. */
export const isRoot = (): boolean => process.getuid?.() === 0;

/** The code of a system error such as `ENOENT`, or its message where there is none. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}

/**
 * What PostgreSQL said last that matters, on one line: its last error with detail and hint, else its last two lines.
 * What the server's log puts before each is cut off. Never empty.
 */
export function lastWords(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.replace(/^.*?(?=[A-Z]+: {2})/, "").trim())
    .filter((line) => line !== "");
  const last = lines.findLastIndex((line) => /\b(FATAL|PANIC|ERROR|error):|^unshare:/.test(line));
  if (last < 0) return lines.slice(-2).join(" ") || "it said nothing";
  const more = lines.slice(last + 1).filter((line) => /^(DETAIL|HINT|detail|hint):/.test(line));
  return [lines[last]!, ...more].join(" ").replace(/\s+/g, " ");
}

/**
 * The error for a program that ended with `output` although it should not have. `paths` are the files and folders it had to
 * reach: run as root it is an ordinary user to the file system, and the folder that shuts it out is named.
 */
export async function failed(doing: string, output: string, paths: readonly string[]): Promise<EmbeddedDatabaseError> {
  const words = lastWords(output);
  const elsewhere = "run this as an ordinary user who owns the folder, or set DATABASE_URL to a PostgreSQL of your own";
  if (isRoot() && words.includes("Permission denied")) {
    for (const path of paths) {
      const shut = await closedFolder(path);
      if (!shut) continue;
      return new EmbeddedDatabaseError(
        `${doing}, because PostgreSQL does not run with root's rights and ${shut} is closed to it: ` +
          `open it (chmod o+x ${shut}), or ${elsewhere} (${words}).`,
      );
    }
  }
  if (isRoot() && words.startsWith("unshare:")) {
    return new EmbeddedDatabaseError(
      `${doing}, because PostgreSQL does not run as root and no user namespace could be made for it (${words}): ${elsewhere}.`,
    );
  }
  return new EmbeddedDatabaseError(`${doing}: ${words}`);
}

/** The topmost folder on the way to `path` that user and group 0 cannot enter by its mode bits, or null. */
async function closedFolder(path: string): Promise<string | null> {
  const parent = dirname(path);
  if (parent === path) return null;
  const above = await closedFolder(parent);
  if (above) return above;
  const { uid, gid, mode } = await stat(parent);
  const bit = uid === 0 ? 0o100 : gid === 0 ? 0o010 : 0o001;
  return mode & bit ? null : parent;
}
