import { Connection, type ConnectionSettings, type Lease } from "./connection.js";
import { UnavailableError } from "./errors.js";

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
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A small pool of connections, each leased to one operation at a time. First come, first served; a caller gets the
 * connection that served its tenant last if that one is idle. A connection whose session died is never used again.
 */
export class Leases {
  readonly #connections = new Set<Connection>();
  /** Least recently used first. */
  readonly #idle = new Set<Connection>();
  readonly #queue = new Set<Waiting>();
  #opening = 0;
  #closed = false;

  constructor(private readonly settings: LeaseSettings) {}

  /**
   * @param affinity whom the connection is for
   * @throws UnavailableError when none became free in time, or the database does not answer
   */
  async acquire(affinity: string, signal?: AbortSignal): Promise<Lease> {
    signal?.throwIfAborted();
    if (this.#closed) throw new UnavailableError("The gateway is shutting down.");
    return new Promise<Lease>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#queue.delete(waiting);
      };
      const waiting: Waiting = {
        affinity,
        resolve: (lease) => {
          settle();
          resolve(lease);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const abort = () => waiting.reject(signal?.reason);
      const timer = setTimeout(
        () => waiting.reject(new UnavailableError("All connections to the database are in use.")),
        this.settings.waitMs,
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
    for (const waiting of [...this.#queue]) waiting.reject(new UnavailableError("The gateway is shutting down."));
    await Promise.all([...this.#idle].map((connection) => this.#retire(connection)));
    while (this.#connections.size > 0 || this.#opening > 0) await new Promise<void>((next) => this.#drained.push(next));
  }
  readonly #drained: (() => void)[] = [];

  #serve(): void {
    for (const waiting of [...this.#queue]) {
      const connection = this.#pick(waiting.affinity);
      if (connection) {
        this.#queue.delete(waiting);
        this.#grant(connection, waiting);
      } else if (this.#connections.size + this.#opening < this.settings.size && this.#opening < this.#queue.size) {
        void this.#open();
      } else {
        return;
      }
    }
  }

  /** The idle connection that served this tenant last; another idle one only when no more may be opened. */
  #pick(affinity: string): Connection | null {
    let oldest: Connection | null = null;
    for (const connection of this.#idle) {
      if (!this.#isFresh(connection)) {
        void this.#retire(connection);
      } else if (connection.affinity === affinity) {
        return connection;
      } else {
        oldest ??= connection;
      }
    }
    return this.#connections.size + this.#opening < this.settings.size ? null : oldest;
  }

  #grant(connection: Connection, waiting: Waiting): void {
    this.#idle.delete(connection);
    const lease = connection.lease(waiting.affinity);
    lease.onEnd(() => this.#back(connection));
    waiting.resolve(lease);
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
      const connection = await Connection.open(this.settings, (lost) => this.#forget(lost));
      this.#connections.add(connection);
      this.#idle.add(connection);
    } catch (error) {
      // Whoever waited longest is told, so that a database that is away fails fast instead of queueing everybody.
      const [first] = this.#queue;
      first?.reject(error as Error);
    } finally {
      this.#opening--;
      this.#wake();
      if (this.#closed) for (const connection of [...this.#idle]) void this.#retire(connection);
      this.#serve();
    }
  }

  #isFresh(connection: Connection): boolean {
    return connection.isUsable && Date.now() - connection.openedAt < this.settings.maxAgeMs;
  }

  async #retire(connection: Connection): Promise<void> {
    this.#forget(connection);
    await connection.close().catch(() => {});
  }

  #forget(connection: Connection): void {
    this.#idle.delete(connection);
    if (!this.#connections.delete(connection)) return;
    this.#wake();
    this.#serve();
  }

  #wake(): void {
    if (this.#connections.size === 0) for (const next of this.#drained.splice(0)) next();
  }
}
