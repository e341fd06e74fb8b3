import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSettings, type Settings } from "../config.js";
import { type EmbeddedDatabase, embeddedSettings, keyOf, openEmbedded, refuseLostKey } from "./database.js";
import { ChildFailedError, EXIT } from "./explain.js";
import { childEnvironment } from "./parent.js";
import { onStop } from "./signals.js";

const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));
// Longer than the gateway gives what it runs.
const GATEWAY_ENDS_WITHIN_MS = 12_000;

/**
 * `npm start`: the gateway. With database settings it only serves. Without, it is the parent of everything: the embedded
 * database, the owner's work at the beginning, and the gateway, each a process of its own, so that the one which answers
 * requests never holds the owner's login.
 */
export async function start(): Promise<void> {
  const settings = readSettings(process.env, true);
  if (settings.DATABASE_URL) return (await import("./serve.js")).serve();

  refuseLostKey(settings);
  const house = new House(settings);
  try {
    await house.run();
  } catch (error) {
    const isAsked = house.isClosing;
    await house.close();
    // Whoever began to close it ends the process, and knows why.
    if (!isAsked) throw error;
  }
}

/** The processes of one start, ended together: first the gateway, then the database. */
class House {
  readonly #database: Promise<EmbeddedDatabase>;
  readonly #gateway: ChildProcess;
  readonly #ready: Promise<{ ready: string; operators?: string }>;
  readonly #children = new Set<ChildProcess>();
  #closing: Promise<void> | null = null;

  constructor(private readonly settings: Settings) {
    onStop(() => void this.close().then(() => process.exit(EXIT.done)));
    const { TENANTRY_DATA_DIR: folder } = settings;
    if (!existsSync(join(folder, "postgres"))) say(`Making a database in ${folder} …`);
    this.#database = openEmbedded(settings, "tenantry");
    // It loads while the database starts, and waits to be told of it.
    this.#gateway = this.#fork("serve", {
      ...process.env,
      TENANTRY_DATA_DIR: folder,
      TENANTRY_DEVELOPMENT: settings.TENANTRY_DEVELOPMENT ? "on" : "off",
    });
    this.#ready = told(this.#gateway);
    // Its end is looked at when its turn comes.
    this.#ready.catch(() => {});
  }

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  async run(): Promise<void> {
    const { settings } = this;
    const { cluster, lock } = await this.#database;
    void cluster.exited.then((died) => died && this.#fail(died.message));
    const { serving, owning } = embeddedSettings(cluster.logins, cluster.port, settings.TENANTRY_EMBEDDED_DATABASES);
    const gateway = { TENANTRY_KEY: (await keyOf(settings)).toString("base64url"), ...serving };
    const owner = { ...process.env, ...gateway, ...owning };

    const { homes } = await ended<{ homes: number }>(this.#fork("migrate", owner), [EXIT.partly]);
    if (settings.TENANTRY_DEVELOPMENT && (await needsSeed(settings, homes))) {
      say("Making the demo tenants …");
      await ended(this.#fork("seed", { ...owner, TENANTRY_DEVELOPMENT: "on" }));
    }

    this.#gateway.send(gateway, () => {});
    const [{ ready, operators }, { welcome }] = await Promise.all([this.#ready, import("./welcome.js")]);
    this.#gateway.once("exit", (code) => this.#fail(`The gateway ended by itself (${code ?? "killed"}).`));
    lock.announce({ url: ready });
    if (operators || settings.TENANTRY_SIGNUP !== "off" || settings.TENANTRY_SMTP_URL) {
      const worker = this.#fork("work", {
        ...owner,
        TENANTRY_DEVELOPMENT: settings.TENANTRY_DEVELOPMENT ? "on" : "off",
      });
      worker.once("exit", (code) => this.#fail(`The worker ended by itself (${code ?? "killed"}).`));
    }
    if (settings.TENANTRY_DEVELOPMENT) process.stdout.write(await welcome(settings, ready));
    if (operators) process.stdout.write(`tenantry for operators on ${operators}\n`);
    process.stdout.write(`tenantry ready on ${ready}\n`);
  }

  /** Ends the gateway, which finishes what it runs, then the database, then gives the folder free. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([...this.#children].map(endChild));
      await this.#database.then(
        (database) => database.close(),
        () => {},
      );
    })();
    return this.#closing;
  }

  #fork(command: string, env: NodeJS.ProcessEnv): ChildProcess {
    if (this.#closing) throw new Error("The start was called off.");
    const child = fork(MAIN, [command], { env: childEnvironment(env), stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  #fail(message: string): void {
    if (this.#closing) return;
    say(`${message} Everything else is stopped; start again to go on.`);
    void this.close().then(() => process.exit(EXIT.failed));
  }
}

/** The development issuer is made before the first demo tenant, and its people after the last. */
async function needsSeed({ TENANTRY_DATA_DIR }: Settings, homes: number): Promise<boolean> {
  if (homes === 0) return true;
  const { loadDevelopmentIssuer } = await import("../identity/development.js");
  const people = await (await loadDevelopmentIssuer(TENANTRY_DATA_DIR))?.people();
  return people?.length === 0;
}

async function endChild(child: ChildProcess): Promise<void> {
  const gone = new Promise((exited) => child.once("exit", exited));
  const patience = setTimeout(() => child.kill("SIGKILL"), GATEWAY_ENDS_WITHIN_MS);
  child.kill("SIGTERM");
  await gone;
  clearTimeout(patience);
}

/** The first thing a child says; an error when it ends without a word. */
function told<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as T));
    child.once("error", reject);
    child.once("exit", (code) => reject(failure(child, code)));
  });
}

/**
 * What a child said by the time it ended well; an error when it did not.
 * @param also exit codes that will do, too: homes that were left behind keep nobody else's closed
 */
async function ended<T>(child: ChildProcess, also: readonly number[] = []): Promise<T> {
  let said: unknown;
  child.on("message", (message) => (said = message));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  if (code === null || ![EXIT.done, ...also].includes(code)) throw failure(child, code);
  return said as T;
}

function failure(child: ChildProcess, code: number | null): Error {
  if (code !== null) return new ChildFailedError(code);
  return new Error(`\`tenantry ${child.spawnargs.at(-1)}\`, a part of the start, was killed (${child.signalCode}).`);
}

const say = (words: string) => void process.stderr.write(`tenantry: ${words}\n`);
