import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = join(import.meta.dirname, "..", "..");

/** What somebody has who types `npm start`: a gateway with its embedded database, in processes and a folder of their own. */
export interface Installation {
  readonly url: string;
  /** Ends everything it started, and removes the folder. */
  stop(): Promise<void>;
}

/** @throws Error with what the start said, when it ends before it is ready */
export async function startInstallation(env: NodeJS.ProcessEnv = {}): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "tenantry-system-"));
  const child = spawn(process.execPath, [join(ROOT, "tenantry.mjs"), "start"], {
    env: { PATH: process.env.PATH, PORT: "0", TENANTRY_DATA_DIR: join(folder, "data"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  for await (const line of createInterface(child.stdout)) {
    const [, url] = /^tenantry ready on (\S+)$/.exec(line) ?? [];
    if (url) return { url, stop };
  }
  await stop();
  throw new Error(`The start failed: ${errors}`);
}
