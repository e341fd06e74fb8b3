import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { EmbeddedDatabaseError, reason } from "./failure.js";
import { FolderBusyError } from "./lock.js";

/** Shutting down rolls back what runs, writes a checkpoint and is clean; quitting leaves it to recovery at the next start. */
const SIGNALS = [
  ["SIGINT", 10_000],
  ["SIGQUIT", 5_000],
  ["SIGKILL", 5_000],
] as const;

/**
 * Asks a postmaster to shut down, then to quit, then kills it, until `isGone`; that is asked before each signal, too.
 * Answers whether it is gone, after 20 s at most.
 */
export async function shutDown(
  kill: (signal: NodeJS.Signals) => void,
  isGone: () => Promise<boolean>,
): Promise<boolean> {
  for (const [signal, withinMs] of SIGNALS) {
    if (await isGone()) return true;
    kill(signal);
    for (const start = Date.now(); Date.now() - start < withinMs && !(await isGone()); ) await delay(5);
  }
  return isGone();
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
 * @throws FolderBusyError  the server's parent is there: somebody else has taken a lock of the folder, too
 */
export async function stopLeftover(data: string, platform = process.platform): Promise<number | null> {
  const left = await readPostmaster(data);
  if (!left) return null;
  const { pid } = left;
  if (platform !== "linux" && (await serves(pid, data)) && (await hasParent(pid)))
    throw new FolderBusyError(dirname(data), null);
  if (
    !(await shutDown(
      (name) => signal(pid, name, data),
      async () => !(await serves(pid, data)),
    ))
  ) {
    throw new EmbeddedDatabaseError(`The server of ${data}, process ${pid}, does not stop.`);
  }
  return pid;
}

/**
 * Ends what a killed postmaster left computing on `data`; where processes cannot be looked through, they end by themselves.
 * Only after `stopLeftover`: the processes of a running server look the same.
 */
export async function quitOrphans(data: string): Promise<void> {
  if (process.platform !== "linux") return;
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid) && (await serves(pid, data))) signal(pid, "SIGQUIT", data);
  }
}

/**
 * Whether the process that started `pid` is still there: those of killed ones pass to init. Where the folder's lock is a file in the
 * folder for temporary ones, whoever has another such folder takes the lock beside its holder.
 */
async function hasParent(pid: number): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "ppid=", "-p", String(pid)]);
    return Number(stdout) > 1;
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals, data: string): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (reason(error) === "ESRCH") return;
    throw new EmbeddedDatabaseError(`The server of ${data}, process ${pid}, cannot be stopped (${reason(error)}).`);
  }
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
