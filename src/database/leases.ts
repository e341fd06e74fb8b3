import { Connection, type ConnectionSettings, type Lease } from "./connection.js";
import { ConnectionLostError, isFull, UnavailableError } from "./errors.js";

export interface LeaseSettings extends ConnectionSettings {
  /** Connections at most. */
  readonly size: number;
  /** How long a caller waits for one before it is told to come back later. */
  readonly waitMs: number;
  /** A connection older than this is not used again: a server process remembers every table it ever saw. */
  readonly maxAgeMs: number;
}

interface Waiting {
  readonly affinity: string;
  readonly grant: (lease: Lease) => void;
  readonly refuse: (error: Error) => void;
}

// Three times the statement_timeout of the serving logins.
const SILENCE_MS = 15_000;
/** How long a server that was full is not asked for another connection, while there are some. */
const FULL_MS = 1000;

/**
 * A small pool of connections, each leased to one operation at a time. First come, first served; a caller gets the
 * connection that served its tenant last if that one is idle. A connection whose session died is never used again.
 */
export class Leases {
  readonly #settings: LeaseSettings;
  /** Those that are being closed, too. */
  readonly #connections = new Set<Connection>();
  /** Least recently used first. */
  readonly #idle = new Set<Connection>();
  readonly #queue = new Set<Waiting>();
  readonly #drained: (() => void)[] = [];
  #opening = 0;
  #fullUntil = 0;
  #closed = false;

  constructor(settings: LeaseSettings) {
    this.#settings = { silenceMs: SILENCE_MS, ...settings };
  }

  /**
   * Leases a connection. When the signal aborts, the waiting ends at once, or the lease and its session do.
   * @param affinity whom the connection is for
   * @throws UnavailableError when none became free in time, or the database does not answer, or the signal aborted
   */
  async acquire(affinity: string, signal?: AbortSignal): Promise<Lease> {
    if (this.#closed) throw new UnavailableError("The gateway is shutting down.");
    if (signal?.aborted) throw givenUp(signal);
    return new Promise<Lease>((resolve, reject) => {
      let granted: Lease | null = null;
      const abort = () => {
        if (granted) granted.condemn(new ConnectionLostError("The request was given up.", { cause: signal?.reason }));
        else waiting.refuse(givenUp(signal));
      };
      const forget = () => signal?.removeEventListener("abort", abort);
      const waiting: Waiting = {
        affinity,
        grant: (lease) => {
          clearTimeout(timer);
          this.#queue.delete(waiting);
          granted = lease;
          lease.onEnd(forget);
          resolve(lease);
        },
        refuse: (error) => {
          clearTimeout(timer);
          this.#queue.delete(waiting);
          forget();
          reject(error);
        },
      };
      const timer = setTimeout(
        () => waiting.refuse(new UnavailableError("All connections to the database are in use.")),
        this.#settings.waitMs,
      );
      signal?.addEventListener("abort", abort, { once: true });
      this.#queue.add(waiting);
      this.#serve();
    });
  }

  /** How many connections there are, and how many of them serve nobody. */
  get counts(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    return { open: this.#connections.size, idle: this.#idle.size, waiting: this.#queue.size };
  }

  /** Refuses new callers, waits for those who hold a lease, and closes every connection. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#queue) waiting.refuse(new UnavailableError("The gateway is shutting down."));
    for (const connection of this.#idle) void this.#retire(connection);
    while (this.#connections.size + this.#opening > 0) await new Promise<void>((next) => this.#drained.push(next));
  }

  #serve(): void {
    for (const waiting of this.#queue) {
      const connection = this.#pick(waiting.affinity);
      if (connection) this.#grant(connection, waiting);
      else if (this.#hasRoom && this.#opening < this.#queue.size) void this.#open();
      else return;
    }
  }

  get #hasRoom(): boolean {
    const isRefused = this.#connections.size > 0 && performance.now() < this.#fullUntil;
    return !isRefused && this.#connections.size + this.#opening < this.#settings.size;
  }

  /**
   * The idle connection that served this tenant last, or one that served nobody yet. Another tenant's only where none can
   * be opened, for it has every plan to make again, or none is open yet.
   */
  #pick(affinity: string): Connection | null {
    let unused: Connection | null = null;
    let oldest: Connection | null = null;
    for (const connection of this.#idle) {
      if (!this.#isFresh(connection)) void this.#retire(connection);
      else if (connection.affinity === affinity) return connection;
      else if (connection.affinity === null) unused ??= connection;
      else oldest ??= connection;
    }
    return unused ?? (this.#hasRoom && this.#opening === 0 ? null : oldest);
  }

  #grant(connection: Connection, waiting: Waiting): void {
    this.#idle.delete(connection);
    const lease = connection.lease(waiting.affinity);
    lease.onEnd(() => this.#back(connection));
    waiting.grant(lease);
  }

  #back(connection: Connection): void {
    if (!this.#connections.has(connection)) return;
    if (this.#closed || !this.#isFresh(connection)) void this.#retire(connection);
    else this.#idle.add(connection);
    this.#serve();
  }

  async #open(): Promise<void> {
    this.#opening++;
    try {
      const connection = await Connection.open(this.#settings, (lost) => this.#forget(lost));
      this.#connections.add(connection);
      this.#back(connection);
    } catch (error) {
      // With connections of our own, one of them comes back. Without, whoever waited longest is told at once, so that a
      // database that is away fails fast instead of queueing everybody.
      const [first] = this.#queue;
      if (isFull(error) && this.#connections.size > 0) this.#fullUntil = performance.now() + FULL_MS;
      else first?.refuse(error as Error);
    } finally {
      this.#opening--;
      this.#serve();
      this.#wake();
    }
  }

  #isFresh(connection: Connection): boolean {
    return connection.isUsable && performance.now() - connection.openedAt < this.#settings.maxAgeMs;
  }

  async #retire(connection: Connection): Promise<void> {
    this.#idle.delete(connection);
    await connection.close();
    this.#forget(connection);
  }

  #forget(connection: Connection): void {
    this.#idle.delete(connection);
    if (!this.#connections.delete(connection)) return;
    this.#serve();
    this.#wake();
  }

  #wake(): void {
    for (const next of this.#drained.splice(0)) next();
  }
}

const givenUp = (signal?: AbortSignal) =>
  new UnavailableError("The request was given up.", 1, { cause: signal?.reason });
