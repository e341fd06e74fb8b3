import { type IncomingHttpHeaders, request } from "node:http";
import pino from "pino";
import { HttpServer } from "../../src/commands/listen.js";
import { mailboxOf } from "../../src/commands/mailbox.js";
import { type Routes, routes } from "../../src/commands/routes.js";
import { readSettings } from "../../src/config.js";
import { loadDevelopmentIssuer } from "../../src/identity/development.js";
import { loadKey } from "../../src/identity/key.js";
import type { Gateway } from "../../src/server.js";
import { FOLDER } from "./database.js";
import type { TestGateway } from "./gateway.js";

export interface WebAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Every address of a gateway, on a free port of this machine. */
export interface Web {
  /** Where it listens, on this machine. */
  readonly port: number;
  /** Headers as they are written: a Host that is not ours too, or two of them, names and values in turn, which `fetch` would not send. */
  send(
    method: string,
    path: string,
    headers?: Record<string, string> | readonly string[],
    body?: string,
  ): Promise<WebAnswer>;
  /** What was logged, as text. */
  log(): string;
  close(): Promise<void>;
}

export async function openWeb(
  gateway: Gateway | TestGateway,
  env: NodeJS.ProcessEnv = {},
  isHealthy: () => boolean = () => true,
  sealer: Routes["sealer"] = { unsealedMs: 0, made: 0 },
): Promise<Web> {
  const settings = readSettings({ TENANTRY_DATA_DIR: FOLDER, ...env });
  const development = settings.TENANTRY_DEVELOPMENT ? await loadDevelopmentIssuer(settings.TENANTRY_DATA_DIR) : null;
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  const mailbox = async () =>
    "door" in gateway ? mailboxOf(gateway, await loadKey({ dataDir: FOLDER }), { invitationUrl: null })() : [];
  const server = new HttpServer(routes({ gateway, sealer, isHealthy, development, mailbox, settings, log }));
  const port = Number(new URL(await server.listen({ host: "127.0.0.1", port: 0, of: "" })).port);
  return {
    port,
    send: (method, path, headers = {}, body) =>
      new Promise((resolve, reject) => {
        const sent = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.once("error", reject);
          answer.once("end", () =>
            resolve({
              status: answer.statusCode!,
              headers: answer.headers,
              body: Buffer.concat(chunks).toString(),
            }),
          );
        });
        sent.once("error", reject);
        sent.end(body);
      }),
    log: () => lines.join(""),
    close: () => server.close(),
  };
}
