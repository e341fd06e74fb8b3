import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { RefusedError } from "./explain.js";

/** How long clients are waited for, in milliseconds but for one. */
export interface Patience {
  /** With their headers, from the moment they connect. */
  readonly headersTimeout: number;
  /** With the whole of a request. */
  readonly requestTimeout: number;
  /** With their next request. */
  readonly keepAliveTimeout: number;
  /** How often those three are looked at. */
  readonly connectionsCheckingInterval: number;
  /** Until they have taken an answer, or the next part of a long one. */
  readonly readTimeout: number;
  /** As slow as a line may be at which that takes longer, in bytes for each millisecond. */
  readonly slowest: number;
  /** When stopping: until they have sent their request, or taken their answer. */
  readonly lastTimeout: number;
}

const PATIENCE: Patience = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5000,
  // What is not taken lies in this process's memory: as long as a request may take to come in.
  readTimeout: 30_000,
  // By such a line GraphiQL's page, the largest answer, comes in five minutes.
  slowest: 30,
  // Less than a process has to its end, which has more to do then.
  lastTimeout: 5000,
};
/** Each costs a file and some kilobytes, and thousands may be open without a request: far more than one process can answer. */
const MOST_CONNECTIONS = 10_000;

/** What a server answers at, and what the settings call that. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** The prefix of the two settings. */
  readonly of: "" | "TENANTRY_OPERATORS_";
}

/** Of one client: what is being answered, in turn, and what it had taken when that was looked at. */
interface Connection {
  readonly open: Set<ServerResponse>;
  /** Whether nothing more of it is answered. */
  isOver: boolean;
  taken: number;
  /** When it must have taken more; null while nothing waits for it. */
  until: number | null;
}

/** Answers HTTP, and lets no client keep it from anything: neither one that does not send, nor one that does not read. */
export class HttpServer {
  readonly #server;
  readonly #patience: Patience;
  readonly #connections = new Map<Socket, Connection>();
  #isStopping = false;

  constructor(listener: RequestListener, patience: Partial<Patience> = {}) {
    this.#patience = { ...PATIENCE, ...patience };
    this.#server = createServer(this.#patience, (request, response) => {
      const connection = this.#connections.get(request.socket);
      if (!connection || connection.isOver) return;
      const { open } = connection;
      // The connection ends with the answer before this one, so that nobody would be told what became of it, or of any behind it.
      if (this.#isStopping && open.size > 0) {
        connection.isOver = true;
        return;
      }
      open.add(response);
      response.once("close", () => {
        open.delete(response);
        if (connection.isOver && open.size === 0) request.socket.destroySoon();
        this.#endIfDone();
      });
      if (this.#isStopping) response.shouldKeepAlive = false;
      listener(request, response);
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.on("connection", (socket) => {
      this.#connections.set(socket, { open: new Set(), isOver: false, taken: 0, until: null });
      socket.once("close", () => {
        this.#connections.delete(socket);
        this.#endIfDone();
      });
    });
  }

  /**
   * Waits until it listens.
   * @returns its URL
   * @throws RefusedError that names the setting to change
   */
  async listen({ host, port, of }: Address): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", ({ code, message }: NodeJS.ErrnoException) =>
        reject(
          new RefusedError(
            code === "EADDRINUSE"
              ? `Port ${port} is in use. Stop what uses it, or set ${of}PORT to another one; 0 takes a free one.`
              : `The gateway cannot listen on ${of}HOST ${host}, ${of}PORT ${port}: ${message}.`,
          ),
        ),
      );
      this.#server.listen({ host, port }, resolve);
    });
    this.#watchReaders();
    const bound = this.#server.address() as AddressInfo;
    return `http://${host.includes(":") ? `[${host}]` : host}:${bound.port}`;
  }

  /** Takes nobody more, finishes what runs, and closes every connection: also those on which nothing was asked, or half of it. */
  async close(): Promise<void> {
    this.#isStopping = true;
    const closed = new Promise((done) => this.#server.close(done));
    for (const { open } of this.#connections.values()) {
      const last = [...open].at(-1);
      if (last && !last.headersSent) last.shouldKeepAlive = false;
    }
    this.#endIfDone();
    const last = setTimeout(() => this.#leaveSlow(), this.#patience.lastTimeout);
    await closed;
    clearTimeout(last);
  }

  /** Node.js waits for connections on which nothing was asked yet, and has stopped the clock that would end them. */
  #endIfDone(): void {
    if (!this.#isStopping) return;
    for (const { open } of this.#connections.values()) if (open.size > 0) return;
    this.#server.closeAllConnections();
  }

  /** Closes the connections that wait for their clients. */
  #leaveSlow(): void {
    for (const [socket, { open }] of this.#connections)
      if (socket.writableLength > 0 || [...open].some(({ req }) => !req.complete)) socket.destroy();
  }

  /** Closes the connections of those who do not read. */
  #watchReaders(): void {
    const { readTimeout, slowest } = this.#patience;
    const look = () => {
      const now = performance.now();
      for (const [socket, connection] of this.#connections) {
        const waiting = socket.writableLength;
        const taken = socket.bytesWritten - waiting;
        if (waiting === 0) connection.until = null;
        else if (connection.until === null || connection.taken !== taken) {
          connection.taken = taken;
          connection.until = now + Math.max(readTimeout, waiting / slowest);
        } else if (now >= connection.until) socket.destroy();
      }
    };
    const watch = setInterval(look, Math.min(readTimeout, 1000)).unref();
    this.#server.once("close", () => clearInterval(watch));
  }
}
