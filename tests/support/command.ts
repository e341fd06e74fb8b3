import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { askHolder } from "../../src/database/embedded/lock.js";
import { loginUrl, readLogins } from "../../src/database/embedded/logins.js";
import { withOwner } from "../../src/database/owner.js";

export const REPOSITORY = join(import.meta.dirname, "..", "..");

export interface CommandOptions {
  /** Settings; nothing of this process's environment but the path comes beside them. */
  readonly env?: Record<string, string>;
  /** The checkout it runs in. */
  readonly cwd?: string;
  /** As another user; for tests that run as root. */
  readonly uid?: number;
  /** With a channel for messages, as of a process that Node.js forks. */
  readonly hasChannel?: boolean;
  /** What is run instead of `node tenantry.mjs`. */
  readonly program?: readonly [string, ...string[]];
}

/** A command in a process of its own. */
export interface Command {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The address in its last line, once it is ready; an error, with all it said, when it ends before. */
  readonly ready: Promise<string>;
  /** Its exit code, or the signal that killed it, when all it wrote has arrived. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

const running = new Set<ChildProcess>();

/** `node tenantry.mjs …args`. */
export function command(args: readonly string[], options: CommandOptions = {}): Command {
  const {
    env = {},
    cwd = REPOSITORY,
    uid,
    hasChannel,
    program = [process.execPath, join(cwd, "tenantry.mjs")],
  } = options;
  const [file, ...first] = program;
  const child = spawn(file, [...first, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe", ...(hasChannel ? (["ipc"] as const) : [])],
    // A process group of its own, so that a test can do what a terminal does at Ctrl-C.
    detached: true,
    ...(uid !== undefined && { uid, gid: uid }),
  });
  running.add(child);
  let [stdout, stderr] = ["", ""];
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve(code ?? signal!);
    });
  });
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout!.on("data", (chunk) => {
      stdout += chunk;
      const [, url] = /^tenantry ready on (\S+)\n$/m.exec(stdout) ?? [];
      if (url) resolve(url);
    });
    child.stderr!.on("data", (chunk) => (stderr += chunk));
    void ended.then((how) => reject(new Error(`It ended (${how}) before it was ready.\n${stdout}\n${stderr}`)));
  });
  ready.catch(() => {});
  return { child, pid: child.pid!, stdout: () => stdout, stderr: () => stderr, ready, ended };
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options?: CommandOptions) {
  const { ended, stdout, stderr } = command(args, options);
  return { code: await ended, stdout: stdout(), stderr: stderr() };
}

/** What a command with `--json` said: a value for each line. */
export const jsonLines = (stdout: string): unknown[] =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Asks all that still run to stop, and waits: for the end of a test file. */
export async function stopCommands(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGTERM");
      await closed;
    }),
  );
}

/** Every process that has to do with a data folder: by its arguments, its settings, or where it stands. Linux only. */
export function processesOf(folder: string): { pid: number; line: string }[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [line, settings] = ["cmdline", "environ"].map((file) => readFileSync(`/proc/${name}/${file}`, "utf8"));
      const isOf = `${line}${settings}${readlinkSync(`/proc/${name}/cwd`)}`.includes(folder);
      return isOf ? [{ pid: Number(name), line: line!.replaceAll("\0", " ") }] : [];
    } catch {
      return []; // it has ended, or is somebody else's
    }
  });
}

/** Kills all of them at once. One that has ended by itself meanwhile, for it lost the others, is as good as killed. */
export function killProcessesOf(folder: string): void {
  for (const { pid } of processesOf(folder)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** A statement of the owner's on the embedded database that runs in a data folder. */
export async function asOwner(folder: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const [holder, logins] = [await askHolder(folder), await readLogins(folder)];
  return withOwner(loginUrl(logins, "tenantry_owner", holder!.port!, "tenantry"), async (lease) => [
    ...(await lease.run(text)),
  ]);
}

/** What GraphQL answers to `query` at a gateway. */
export async function ask(url: string, token: string, tenant: string, query: string) {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}`, "x-tenant": tenant },
    body: JSON.stringify({ query }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever its own document asked for
  return { status: response.status, ...((await response.json()) as { data?: any; errors?: unknown[] }) };
}
