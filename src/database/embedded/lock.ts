import { createHash, createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { realpath, rm, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EmbeddedDatabaseError, reason } from "./failure.js";
import { openFolder, statOrNull } from "./folder.js";
import { ensureLogins, readLogins } from "./logins.js";

/** Somebody else supervises the data folder. */
export class FolderBusyError extends EmbeddedDatabaseError {
  override readonly name = "FolderBusyError";
  /** `holder` is null when whoever is there does not answer. */
  constructor(
    folder: string,
    readonly holder: Holder | null,
  ) {
    const { pid, what, url } = holder ?? {};
    const who = holder ? `process ${pid} (${url ? `${what} at ${url}` : what})` : "a process that does not answer";
    super(`${folder} is already in use by ${who}. Stop it first, or set TENANTRY_DATA_DIR to another folder.`);
  }
}

/** What the holder tells of itself: the port of its database, the address of its gateway; each once known. */
export type Facts = { readonly port?: number; readonly url?: string };
export type Holder = Facts & { readonly pid: number; readonly what: string };

export type FolderLock = {
  /** Tells who asks from now on, beside what was told before. */
  announce(facts: Facts): void;
  /** Frees the folder. Dying does too. */
  release(): Promise<void>;
};

const ANSWER_WITHIN_MS = 2_000;
/** Longer than anybody takes from finding a socket file dead to removing it. */
const CONTEST_MS = 100;

/**
 * Takes the data folder (made if missing) for this process alone, until `release` or the process's end, however it ends.
 * `what` names this process to those who find the folder busy. Of several takers at once exactly one succeeds.
 * Holds for processes that share a kernel and its network namespace: not across containers.
 * @throws FolderBusyError  somebody holds it
 */
export async function lockFolder(folder: string, what = "tenantry", platform = process.platform): Promise<FolderLock> {
  const root = await openFolder(folder);
  const address = await addressOf(root, platform);
  const self = randomBytes(32).toString("hex");
  let holder: Holder = { pid: process.pid, what };
  // The key of our answers. Only the winner may make it, so who asks early waits.
  let giveKey = (_key: string) => {};
  const key = new Promise<string>((resolve) => (giveKey = resolve));
  const server = createServer((socket) => {
    socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.once("data", async (challenge) => {
      if (String(challenge) === self) return socket.end(self);
      const text = JSON.stringify(holder);
      socket.end(`${text}\n${sign(await key, String(challenge), text)}`);
    });
  });
  server.unref();

  for (let tries = 1; !(await take(server, address, self)); tries++) {
    const found = await ask(root, address);
    // Whoever was there may have left just now.
    if (found !== "nobody" || tries === 3) throw new FolderBusyError(root, typeof found === "string" ? null : found);
  }
  const release = () => new Promise<void>((done) => void server.close(() => done()));
  try {
    giveKey((await ensureLogins(root)).tenantry_owner);
  } catch (error) {
    await release();
    throw error;
  }
  const announce = (facts: Facts) => {
    holder = { ...holder, ...facts };
  };
  return { announce, release };
}

/**
 * What the process that holds the data folder says of itself; null when nobody does.
 * @throws FolderBusyError  somebody holds it and does not answer within 2 s, or cannot prove to know the folder's passwords
 */
export async function askHolder(folder: string, platform = process.platform): Promise<Holder | null> {
  if (!(await statOrNull(folder))) return null;
  const root = await realpath(folder);
  const found = await ask(root, await addressOf(root, platform));
  if (found === "silent") throw new FolderBusyError(root, null);
  return found === "nobody" ? null : found;
}

/** A name that the kernel frees with the process that listens on it; where there is no such thing, a socket file. */
async function addressOf(root: string, platform: NodeJS.Platform): Promise<string> {
  // Not the path: a folder that was moved, or is mounted twice, is the same folder.
  const { dev, ino } = await stat(root, { bigint: true });
  const name = `tenantry-${createHash("sha256").update(`${dev}:${ino}`).digest("hex").slice(0, 32)}`;
  if (platform === "linux") return `\0${name}`;
  return platform === "win32" ? `\\\\?\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

async function take(server: Server, address: string, self: string): Promise<boolean> {
  if (!isAbsolute(address) || address.startsWith("\\\\")) return listen(server, address);
  if (!(await listen(server, address))) {
    // A file outlives its process. Dead when nobody listens.
    if ((await exchange(address, self)) !== null) return false;
    await rm(address, { force: true });
    if (!(await listen(server, address))) return false;
  }
  // Several may have found it dead, and each removed what the one before had just made: the last one has it.
  await delay(CONTEST_MS);
  // A loser's server is left open on purpose: closing it would remove the winner's file.
  return (await exchange(address, self)) === self;
}

async function listen(server: Server, address: string): Promise<boolean> {
  try {
    server.listen({ path: address, exclusive: true });
    await once(server, "listening");
    return true;
  } catch (error) {
    if (reason(error) === "EADDRINUSE") return false;
    throw new EmbeddedDatabaseError(`The data folder could not be locked (${(error as Error).message}).`);
  }
}

async function ask(root: string, address: string): Promise<Holder | "nobody" | "silent"> {
  // Anybody on this machine can take the name. Who knows the folder's passwords is trusted, and nobody else gets to
  // tell us where to send them; a fresh challenge keeps an old answer from being played again.
  const challenge = randomBytes(32).toString("hex");
  const answer = await exchange(address, challenge);
  if (answer === null) return "nobody";
  const [text = "", signature = ""] = answer.split("\n");
  const key = await readLogins(root).catch(() => null);
  if (!key || signature !== sign(key.tenantry_owner, challenge, text)) return "silent";
  return JSON.parse(text) as Holder;
}

/** What a listener answers to `question`; "" when it does not in time, null when nobody listens. */
function exchange(address: string, question: string): Promise<string | null> {
  return new Promise((done) => {
    let answer = "";
    const socket = connect(address, () => socket.write(question));
    const timer = setTimeout(() => socket.destroy(), ANSWER_WITHIN_MS);
    socket.on("data", (chunk) => (answer += chunk));
    socket.on("error", (error) => done(["ECONNREFUSED", "ENOENT"].includes(reason(error)) ? null : ""));
    socket.on("close", () => {
      clearTimeout(timer);
      done(answer);
    });
  });
}

const sign = (key: string, challenge: string, text: string): string =>
  createHmac("sha256", key).update(`${challenge}\n${text}`).digest("hex");
