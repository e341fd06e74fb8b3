import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { RefusedError } from "./explain.js";

/** What a server answers at, and what the settings call that. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** The prefix of the two settings. */
  readonly of: "" | "TENANTRY_OPERATORS_";
}

/**
 * Waits until a server listens.
 * @returns its URL
 * @throws RefusedError that names the setting to change
 */
export async function listen(server: Server, { host, port, of }: Address): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", ({ code, message }: NodeJS.ErrnoException) =>
      reject(
        new RefusedError(
          code === "EADDRINUSE"
            ? `Port ${port} is in use. Stop what uses it, or set ${of}PORT to another one; 0 takes a free one.`
            : `The gateway cannot listen on ${of}HOST ${host}, ${of}PORT ${port}: ${message}.`,
        ),
      ),
    );
    server.listen({ host, port }, resolve);
  });
  const bound = server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${bound.port}`;
}

/** Finishes what runs, then closes a server. */
export async function closeServer(server: Server): Promise<void> {
  // A connection that is answered after this is idle, and its client may keep it open for long.
  const closing = setInterval(() => server.closeIdleConnections(), 50);
  await new Promise((closed) => server.close(closed));
  clearInterval(closing);
}
