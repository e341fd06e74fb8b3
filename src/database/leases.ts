import { Connection } from "./connection.js";
import { ConnectionLostError, isFull, UnavailableError } from "./errors.js";
import type { Lease } from "./lease.js";
import { MAIN } from "./names.js";
import { type LeaseSettings, PooledDatabase, whoGivesWay } from "./pooled.js";
import type { Signal } from "./signal.js";
import { STATEMENT_TIMEOUT_MS, silenceOf } from "./silence.js";
import { Turns } from "./turns.js";
import {
  type AcquireOptions,
  givenUp,
  inUse,
  LONG_MS,
  mayMove,
  pickByRight,
  pickFree,
  STUCK_MS,
  settles,
  type Waiting,
} from "./waiting.js";

/** What one of several databases may take of the budget. */
const MOST_OF_BUDGET = 0.75;

/**
 * A small pool of connections to one or more databases, each leased to one operation at a time. A connection serves those
 * first whose home it knows, and nobody is overtaken for long; of whomever many wait, they take turns with all others. One
 * whose session died is never used again. All databases share one budget: an idle connection of one gives way to a caller of
 * another, and none may take all of it, so that one which hangs leaves room for the rest.
 */
export class Leases {
  readonly #settings: LeaseSettings & { readonly stuckMs: number; readonly longMs: number };
  readonly #all: readonly PooledDatabase[];
  readonly #queue = new Turns<Waiting>();
  readonly #drained: (() => void)[] = [];
  #closed = false;
  #later: NodeJS.Timeout | undefined;
  readonly #serveLate = () => {
    this.#later = undefined;
    this.#serve();
  };

  constructor(settings: LeaseSettings) {
    this.#settings = { silenceMs: silenceOf(STATEMENT_TIMEOUT_MS), stuckMs: STUCK_MS, longMs: LONG_MS, ...settings };
    const { databases, size } = settings;
    const most = Object.keys(databases).length === 1 ? size : Math.ceil(size * MOST_OF_BUDGET);
    this.#all = Object.entries(databases).map(([name, url]) => new PooledDatabase(name, url, most));
  }

  get databases(): string[] {
    return this.#all.map(({ name }) => name);
  }

  /** Lets no tenant into a database until told otherwise; null lets them in again. */
  bar(database: string, why: string | null): void {
    this.#get(database).barred = why;
  }

  /**
   * Leases a connection. When the signal aborts, the waiting ends at once, or the lease does, and its transaction is undone.
   * @param home the schema that the connection is for; empty for nobody's, as when the database itself is looked at
   * @param options how long to wait for one; and for whom, who takes turns with others then: by default, whose home it is
   * @throws UnavailableError when none became free in time, the database is barred or away, or the signal aborted
   */
  async acquire(home: string, signal?: Signal, name = MAIN, options: AcquireOptions = {}): Promise<Lease> {
    const { waitMs = this.#settings.waitMs, party = home } = options;
    if (this.#closed) throw new UnavailableError("The gateway is shutting down.");
    if (signal?.aborted) throw givenUp(signal);
    const database = this.#get(name);
    if (database.barred !== null && home !== "") throw new UnavailableError(database.barred);
    if (this.#queue.isCrowded(party, this.#settings.size)) throw inUse();
    return new Promise<Lease>((resolve, reject) => {
      let granted: Lease | null = null;
      const abort = () => {
        if (granted) granted.abandon(new ConnectionLostError("The request was given up.", { cause: signal?.reason }));
        else waiting.refuse(givenUp(signal));
      };
      const forget = () => signal?.removeEventListener("abort", abort);
      const leave = () => {
        clearTimeout(timer);
        if (granted ? this.#queue.serve(waiting) : this.#queue.remove(waiting)) database.waiting--;
      };
      const waiting: Waiting = {
        home,
        party,
        turn: 0,
        database,
        counter: database,
        since: performance.now(),
        overtaken: 0,
        grant: (lease) => {
          granted = lease;
          leave();
          lease.onEnd(forget);
          resolve(lease);
        },
        refuse: (error) => {
          leave();
          forget();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiting.refuse(inUse()), waitMs);
      signal?.addEventListener("abort", abort, { once: true });
      this.#queue.add(waiting);
      database.waiting++;
      this.#serve();
    });
  }

  /** How many connections there are, and how many of them serve nobody. */
  get counts(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    const sum = (of: (database: PooledDatabase) => number) => this.#all.reduce((total, one) => total + of(one), 0);
    return { open: sum((one) => one.connections.size), idle: sum((one) => one.idle.size), waiting: this.#queue.size };
  }

  /** How many there are to each database. */
  get open(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#all.map((one) => [one.name, one.connections.size]));
  }

  /** How many homes each connection serves as a rule: it keeps statements for each of them, and what PostgreSQL remembers of its tables. */
  get homes(): readonly number[] {
    return this.#all.flatMap(({ connections }) => [...connections].map(({ homes }) => homes.size));
  }

  /** Refuses new callers, waits for those who hold a lease, and closes every connection. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#later);
    for (const waiting of this.#queue) waiting.refuse(new UnavailableError("The gateway is shutting down."));
    for (const database of this.#all) for (const connection of database.idle) void this.#retire(database, connection);
    while (this.#taken > 0) await new Promise<void>((next) => this.#drained.push(next));
  }

  get #taken(): number {
    return this.#all.reduce((sum, { taken }) => sum + taken, 0);
  }

  /** A database that the directory names and the settings do not is away, as far as its tenants can tell. */
  #get(name: string): PooledDatabase {
    const database = this.#all.find((one) => one.name === name);
    if (!database) throw new UnavailableError(`The settings name no database ${name}.`);
    return database;
  }

  #serve(): void {
    if (this.#queue.size === 0) return;
    this.#serveByRight();
    const stuck = new Set<PooledDatabase>();
    const ahead = new Map<string, number>();
    for (const waiting of this.#queue) {
      const { database, home } = waiting;
      if (stuck.size === this.#all.length) break;
      if (stuck.has(database)) continue;
      const connection = pickFree(waiting);
      const hasRoom = database.mayOpen && this.#taken < this.#settings.size;
      const before = ahead.get(home) ?? 0;
      ahead.set(home, before + 1);
      if (connection?.homes.size === 0) this.#grant(connection, waiting);
      else if (hasRoom && (!connection || database.opening === 0)) void this.#open(database);
      else if (!connection) stuck.add(database);
      else if (mayMove(waiting, before, connection, this.#settings.stuckMs)) this.#grant(connection, waiting);
      else this.#later ??= setTimeout(this.#serveLate, this.#settings.stuckMs);
    }
  }

  #serveByRight(): void {
    for (const one of this.#all)
      for (const connection of one.idle) if (!this.#isFresh(connection)) void this.#retire(one, connection);
    for (const waiting of this.#queue) {
      if (!this.#all.some(({ idle }) => idle.size > 0)) break;
      const { database } = waiting;
      const connection = pickByRight(waiting, this.#settings.longMs);
      // Before those of other databases who came later take what is idle there.
      if (database.idle.size === 0 && database.mayOpen && this.#taken >= this.#settings.size) this.#giveWay(database);
      if (!connection) continue;
      for (const other of this.#queue.before(waiting)) if (other.database === database) other.overtaken++;
      this.#grant(connection, waiting);
    }
  }

  /** Closes an idle connection of another database. It counts until it is closed. */
  #giveWay(to: PooledDatabase): void {
    const from = to.awaited < to.waiting ? whoGivesWay(this.#all, to) : null;
    const [connection] = from?.idle ?? [];
    if (!from || !connection) return;
    to.awaited++;
    void this.#retire(from, connection).finally(() => to.awaited--);
  }

  #grant(connection: Connection, { database, home, grant }: Waiting): void {
    database.idle.delete(connection);
    const lease = connection.lease(home, settles(connection, home, database));
    lease.onEnd(() => this.#back(database, connection));
    grant(lease);
  }

  #back(database: PooledDatabase, connection: Connection): void {
    if (!database.connections.has(connection)) return;
    if (this.#closed || !this.#isFresh(connection)) void this.#retire(database, connection);
    else {
      connection.idleSince = performance.now();
      database.idle.add(connection);
    }
    this.#serve();
  }

  async #open(database: PooledDatabase): Promise<void> {
    database.opening++;
    try {
      const settings = database.settings(this.#settings);
      const connection = await Connection.open(settings, (lost) => this.#forget(database, lost));
      database.opened(connection);
      this.#back(database, connection);
    } catch (error) {
      this.#failed(database, error as Error);
    } finally {
      database.opening--;
      this.#serve();
      this.#wake();
    }
  }

  #failed(database: PooledDatabase, error: Error): void {
    const waiting = [...this.#queue].filter((one) => one.database === database);
    for (const one of waiting.slice(0, database.failed(isFull(error), this.#all.length > 1))) one.refuse(error);
  }

  #isFresh(connection: Connection): boolean {
    return connection.isUsable && performance.now() - connection.openedAt < this.#settings.maxAgeMs;
  }

  async #retire(database: PooledDatabase, connection: Connection): Promise<void> {
    database.idle.delete(connection);
    await connection.close();
    this.#forget(database, connection);
  }

  #forget(database: PooledDatabase, connection: Connection): void {
    database.idle.delete(connection);
    if (!database.connections.delete(connection)) return;
    this.#serve();
    this.#wake();
  }

  #wake(): void {
    for (const next of this.#drained.splice(0)) next();
  }
}
