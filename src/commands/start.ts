import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readSettings, type Settings } from "../config.js";
import type { Cluster } from "../database/embedded/cluster.js";
import type { FolderLock } from "../database/embedded/lock.js";
import { mintToken } from "../identity/developmentToken.js";
import { keyOf, openEmbedded } from "./database.js";
import { DEMO_TENANTS, SHOWN } from "./demo/tenants.js";
import { EXIT } from "./explain.js";
import { serve } from "./serve.js";

const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));

/**
 * `npm start`: the gateway. With database settings it only serves. Without, it is the parent of everything: the embedded
 * database, the owner's work at the beginning, and the gateway, each a process of its own, so that the one which answers
 * requests never holds the owner's login.
 */
export async function start(): Promise<void> {
  const settings = readSettings(process.env, true);
  if (settings.DATABASE_URL) return serve();

  const { cluster, lock } = await openEmbedded(settings.TENANTRY_DATA_DIR, "tenantry");
  const house = new House(cluster, lock);
  try {
    await house.run(settings);
  } catch (error) {
    await house.close();
    throw error;
  }
}

/** The processes of one start, ended together: first the gateway, then the database. */
class House {
  #gateway: ChildProcess | null = null;
  #closing: Promise<void> | null = null;

  constructor(
    private readonly cluster: Cluster,
    private readonly lock: FolderLock,
  ) {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.on(signal, () => void this.close().then(() => process.exit(EXIT.done)));
    void cluster.exited.then((died) => died && this.#fail(died.message));
  }

  async run(settings: Settings): Promise<void> {
    const key = (await keyOf(settings)).toString("base64url");
    const env = {
      ...process.env,
      TENANTRY_KEY: key,
      TENANTRY_DATA_DIR: settings.TENANTRY_DATA_DIR,
      TENANTRY_DEVELOPMENT: settings.TENANTRY_DEVELOPMENT ? "on" : "off",
    };
    const urls = {
      DATABASE_URL: this.cluster.url("tenantry_serve"),
      DATABASE_DOOR_URL: this.cluster.url("tenantry_door"),
    };
    const owner = { ...env, ...urls, DATABASE_OWNER_URL: this.cluster.url("tenantry_owner") };

    const { homes } = await finished<{ homes: number }>(this.#fork("migrate", owner));
    if (homes === 0 && settings.TENANTRY_DEVELOPMENT) await finished(this.#fork("seed", owner));

    this.#gateway = this.#fork("serve", { ...env, ...urls });
    const { ready } = await told<{ ready: string }>(this.#gateway);
    this.#gateway.once("exit", (code) => this.#fail(`The gateway ended by itself (${code ?? "killed"}).`));
    this.lock.announce({ url: ready });
    if (settings.TENANTRY_DEVELOPMENT) process.stdout.write(await welcome(settings, ready));
    process.stdout.write(`tenantry ready on ${ready}\n`);
  }

  /** Ends the gateway, which finishes what it runs, then the database, then gives the folder free. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const gateway = this.#gateway;
      if (gateway && gateway.exitCode === null && gateway.signalCode === null) {
        const gone = new Promise((exited) => gateway.once("exit", exited));
        gateway.kill("SIGTERM");
        await gone;
      }
      await this.cluster.stop();
      await this.lock.release();
    })();
    return this.#closing;
  }

  #fork(command: string, env: NodeJS.ProcessEnv): ChildProcess {
    return fork(MAIN, [command], { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  }

  #fail(message: string): void {
    if (this.#closing) return;
    process.stderr.write(`tenantry: ${message} Everything else is stopped; start again to go on.\n`);
    void this.close().then(() => process.exit(EXIT.failed));
  }
}

/** The first thing a child says; an error when it ends without a word. */
function told<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as T));
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`A part of the start failed (${child.spawnargs.at(-1)}, ${code ?? "killed"}). See above.`)),
    );
  });
}

/** What a child said by the time it ended well; an error when it did not. */
function finished<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    let said: unknown;
    child.on("message", (message) => (said = message));
    child.once("error", reject);
    child.once("exit", (code) =>
      code === 0
        ? resolve(said as T)
        : reject(new Error(`A part of the start failed (${child.spawnargs.at(-1)}, ${code ?? "killed"}). See above.`)),
    );
  });
}

/** The door and the keys to it: where GraphiQL is, and a token for each viewer worth being. */
async function welcome({ TENANTRY_DATA_DIR }: Settings, url: string): Promise<string> {
  const lines = [
    "",
    `  GraphiQL  ${url}/graphql`,
    "",
    "  Tokens, good for 8 hours (send with the header X-Tenant):",
    "",
  ];
  for (const email of SHOWN) {
    const tenant = DEMO_TENANTS.find(({ people }) => people.some((person) => person.email === email))!;
    const person = tenant.people.find((one) => one.email === email)!;
    const token = await mintToken(TENANTRY_DATA_DIR, { email }).catch(() => null);
    if (token)
      lines.push(`  ${email}, ${person.as}`, `  X-Tenant: ${tenant.slug}`, `  Authorization: Bearer ${token}`, "");
  }
  lines.push("  More: npm run -s tenantry -- token --tenant northwind --user finn@northwind.test", "", "");
  return lines.join("\n");
}
