import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { EmbeddedDatabaseError, reason } from "./failure.js";

/** Shutting down rolls back what runs, writes a checkpoint and is clean; quitting leaves it to recovery at the next start. */
const SIGNALS = [
  ["SIGINT", 10_000],
  ["SIGQUIT", 5_000],
  ["SIGKILL", 5_000],
] as const;

/** Asks a postmaster to shut down, then to quit, then kills it, until `isGone`. Answers whether it is. */
export async function shutDown(
  kill: (signal: NodeJS.Signals) => void,
  isGone: () => Promise<boolean>,
): Promise<boolean> {
  for (const [signal, withinMs] of SIGNALS) {
    kill(signal);
    for (const start = Date.now(); Date.now() - start < withinMs; await delay(5)) if (await isGone()) return true;
  }
  return false;
}

/** What `postmaster.pid` says: who wrote it and whether they accept connections. Null when there is none. */
export async function readPostmaster(data: string): Promise<{ pid: number; ready: boolean } | null> {
  try {
    const lines = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
    const pid = Number(lines[0]);
    return Number.isSafeInteger(pid) && pid > 1 ? { pid, ready: lines[7]?.trim() === "ready" } : null;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(reason(error))) return null;
    throw error;
  }
}

/**
 * Stops the server that a killed parent left running on `data`, if there is one. Answers the process id that the left
 * `postmaster.pid` names, which is nobody's or a stranger's by now, or null when there is no such file.
 * Only the holder of the folder's lock may call this: else it ends a server in use.
 */
export async function stopLeftover(data: string): Promise<number | null> {
  const left = await readPostmaster(data);
  if (!left) return null;
  const { pid } = left;
  if (await serves(pid, data)) {
    const kill = (signal: NodeJS.Signals) => {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if (reason(error) === "ESRCH") return;
        throw new EmbeddedDatabaseError(`The server of ${data}, process ${pid}, cannot be stopped (${reason(error)}).`);
      }
    };
    if (!(await shutDown(kill, async () => !(await serves(pid, data))))) {
      throw new EmbeddedDatabaseError(`The server of ${data}, process ${pid}, does not stop.`);
    }
  }
  return pid;
}

/** Whether process `pid` is a PostgreSQL server on `data`: its number alone may have passed to anybody. */
async function serves(pid: number, data: string): Promise<boolean> {
  try {
    if (process.platform === "linux") {
      // A server stands in its data folder, also after that was renamed. A zombie stands nowhere and serves nobody.
      const [program, folder] = await Promise.all([readlink(`/proc/${pid}/exe`), readlink(`/proc/${pid}/cwd`)]);
      return folder === data && /^postgres\b/.test(basename(program));
    }
    const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "command=", "-p", String(pid)]);
    return stdout.includes("postgres") && stdout.includes(data);
  } catch {
    return false;
  }
}
