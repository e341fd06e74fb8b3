import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type Binaries, notStarted, spawnProgram } from "./binaries.js";
import { EmbeddedDatabaseError, failed } from "./failure.js";
import { dataFolder } from "./folder.js";
import { type Log, openLog } from "./log.js";
import { quitOrphans, readPostmaster, shutDown, stopLeftover } from "./postmaster.js";

/** A running postmaster, child of this process. */
export type Server = {
  readonly port: number;
  readonly pid: number;
  /** Settles when the server has ended: null after `stop`, otherwise what happened. Never rejects. */
  readonly exited: Promise<EmbeddedDatabaseError | null>;
  /**
   * Ends the server: open transactions are rolled back, what was committed is on disk. Returns when all its processes are
   * gone, after 20 s at most. May be called often, and after it has died.
   */
  stop(): Promise<void>;
};

export type ServerSettings = Readonly<Record<string, string>>;

/** How long a server that starts may say nothing. Recovery reports every 10 s, so a long one is waited for. */
const SILENT_MS = 30_000;
/** How long the processes of a killed server may hold on to its shared memory. */
const HELD_MS = 10_000;

const SETTINGS: ServerSettings = {
  max_connections: "100",
  shared_buffers: "128MB",
  password_encryption: "scram-sha-256",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] ",
  log_checkpoints: "off",
  jit: "off",
};

/** Starts the server on 127.0.0.1, on a port that was free, and returns when it accepts connections. */
export async function startServer(root: string, binaries: Binaries, settings: ServerSettings): Promise<Server> {
  for (const start = Date.now(); ; await delay(50)) {
    const attempt = await launch(root, binaries, settings);
    if ("server" in attempt) return attempt.server;
    // Somebody took the port between our finding it free and the server's binding it.
    const isTaken = attempt.output.includes("Address already in use");
    // Processes of a killed server live until they notice, and one that computes does not before it is done.
    const isHeld = /pre-existing shared memory block|lock file .* already exists/.test(attempt.output);
    if (!(isTaken || isHeld) || Date.now() - start > HELD_MS) {
      throw await failed(`PostgreSQL could not be started in ${root}`, attempt.output, [
        binaries.postgres,
        dataFolder(root),
      ]);
    }
    if (isHeld) await quitOrphans(dataFolder(root));
  }
}

async function launch(
  root: string,
  { postgres: program }: Binaries,
  settings: ServerSettings,
): Promise<{ readonly server: Server } | { readonly output: string }> {
  const data = dataFolder(root);
  const stale = await stopLeftover(data);
  const port = await freePort();
  const all = { ...SETTINGS, ...settings, listen_addresses: "127.0.0.1", port: `${port}`, unix_socket_directories: "" };
  const log = await openLog(root);
  try {
    const child = spawnProgram(program, ["-D", data, ...asArguments(all)], {
      cwd: root,
      stdio: ["ignore", log.fd, log.fd],
      // A left postmaster.pid may name a process that is a stranger's by now, which PostgreSQL would take for a running server.
      // It never does that of its "grandparent", and still refuses while the old shared memory is in use.
      env: stale === null ? {} : { PG_GRANDPARENT_PID: String(stale) },
    });
    const { ending, exited, stop } = supervise(child, program, log);
    const silence = await untilReady(data, child.pid, () => ending() !== null, log);
    if (child.pid !== undefined && silence === null && ending() === null) {
      return { server: { port, pid: child.pid, exited, stop } };
    }
    const last = silence ?? ending();
    await stop();
    return { output: `${await log.written()}\n${last}` };
  } finally {
    await log.close();
  }
}

const asArguments = (settings: ServerSettings): string[] =>
  Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

/** `ending` is null as long as the process runs. To be called in the same turn as it was spawned. */
function supervise(child: ChildProcess, program: string, log: Log) {
  let ending: string | null = null;
  let stopped: Promise<void> | undefined;
  const exited = new Promise<EmbeddedDatabaseError | null>((resolve) => {
    const end = (how: string) => {
      ending = how;
      resolve(stopped ? null : new EmbeddedDatabaseError(`PostgreSQL ended unasked (${how}); its log is ${log.path}.`));
    };
    child.on("exit", (code, signal) => end(signal ?? `exit code ${code}`));
    child.on("error", (error) => {
      // A signal that could not be sent arrives here, too.
      if (child.pid === undefined) end(notStarted(program, error));
    });
  });
  const stop = () => {
    stopped ??= shutDown(
      (signal) => child.kill(signal),
      async () => ending !== null,
    ).then(() => {});
    return stopped;
  };
  return { ending: () => ending, exited, stop };
}

/** Waits until the server accepts connections or has ended; answers what to say when it did neither. */
async function untilReady(
  data: string,
  pid: number | undefined,
  hasEnded: () => boolean,
  log: Log,
): Promise<string | null> {
  let size = await log.size();
  // The server's own word, not a connection: until it holds the port, anybody could answer there and ask for the password.
  for (let heard = Date.now(); !hasEnded(); await delay(5)) {
    const postmaster = await readPostmaster(data);
    if (postmaster?.ready && postmaster.pid === pid) return null;
    const now = await log.size();
    if (now !== size) heard = Date.now();
    size = now;
    if (Date.now() - heard > SILENT_MS)
      return `error: it was silent for ${SILENT_MS / 1000} s and accepted no connection`;
  }
  return null;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => probe.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
