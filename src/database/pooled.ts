import type { Connection, ConnectionSettings } from "./connection.js";
import { isReplica } from "./names.js";
import { replicaSilenceOf } from "./silence.js";
import type { Counter } from "./turns.js";

export interface LeaseSettings extends Omit<ConnectionSettings, "url"> {
  /** Where each database is, by its name. */
  readonly databases: Readonly<Record<string, string>>;
  /** Connections at most, to all of them together. */
  readonly size: number;
  /** How long a caller waits for one before it is told to come back later. */
  readonly waitMs: number;
  /** A connection older than this is not used again: a server process remembers every table it ever saw. */
  readonly maxAgeMs: number;
  /** How long one lease may take before those who wait for its connection are given another. */
  readonly stuckMs?: number;
  /** How long somebody waits for a connection that knows their home at most, whatever becomes of it. */
  readonly longMs?: number;
}

/**
 * So many homes the connections of a database take on as they come, all together where it has all that it may, and so many each at
 * least. After that, each takes on only those that no other knows. The more of them know a home, the less long it waits for one that
 * is idle; and the more each has to remember: with 100 tenants in schemas and ten connections, 32 each, not 8, took half off the
 * slowest hundredth of pages and of deep queries, and a seventh off that of switchers.
 */
const AS_THEY_COME = 320;
const LEAST_EACH = 8;

/** How long a server that was full is not asked for another connection, while there are some. */
const FULL_MS = 1000;

/** One of the databases of a pool, and what of the common budget it has. */
export class PooledDatabase implements Counter {
  /** Those that are being closed, too. */
  readonly connections = new Set<Connection>();
  /** Least recently used first. */
  readonly idle = new Set<Connection>();
  opening = 0;
  /** How many of its callers wait. */
  waiting = 0;
  /** The latest turn of those who waited for it. */
  served = 0;
  /** Connections of other databases that are being closed for its callers. */
  awaited = 0;
  /** Why it serves no tenant at the moment; null while it does. */
  barred: string | null = null;
  #fullUntil = 0;
  /** Whether it did not answer when it was last asked: then one caller at a time finds out, not all of them. */
  #isSuspect = false;

  constructor(
    readonly name: string,
    readonly url: string,
    /** The most that it may have. */
    private readonly most: number,
  ) {}

  /** What its connections are opened with, in a pool that opens them like this. */
  settings(common: Omit<ConnectionSettings, "url">): ConnectionSettings {
    const { silenceMs = Number.POSITIVE_INFINITY } = common;
    const settings = { ...common, url: this.url };
    return isReplica(this.name)
      ? { ...settings, silenceMs: replicaSilenceOf(silenceMs) }
      : { ...settings, refusesStandby: true };
  }

  get taken(): number {
    return this.connections.size + this.opening;
  }

  /** So many homes a connection of it takes on as they come. */
  get few(): number {
    return Math.max(LEAST_EACH, AS_THEY_COME / this.most);
  }

  /** Whether one of its connections serves a home as a rule. */
  knows(home: string): boolean {
    for (const { homes } of this.connections) if (homes.has(home)) return true;
    return false;
  }

  /** Whether each of those that do so has been busy with one lease for so long. */
  isStuck(home: string, ms: number): boolean {
    const latest = performance.now() - ms;
    for (const { homes, leasedAt } of this.connections) if (homes.has(home) && leasedAt > latest) return false;
    return true;
  }

  /** Whether its own bounds allow one more connection for its callers. */
  get mayOpen(): boolean {
    const isRefused = this.connections.size > 0 && performance.now() < this.#fullUntil;
    return !isRefused && this.taken < this.most && this.opening < (this.#isSuspect ? 1 : this.waiting);
  }

  opened(connection: Connection): void {
    this.connections.add(connection);
    this.#isSuspect = false;
  }

  /**
   * A connection could not be opened. With others there already, one of them comes back. Without, whoever waited longest is
   * told at once, so that a database that is away fails fast instead of queueing everybody; and, as long as it stays away,
   * all of them are, so that it takes nothing from the other databases.
   * @returns how many of its callers to refuse
   */
  failed(isFull: boolean, hasOthers: boolean): number {
    if (isFull && this.connections.size > 0) {
      this.#fullUntil = performance.now() + FULL_MS;
      return 0;
    }
    const refused = this.#isSuspect ? this.waiting : 1;
    this.#isSuspect = hasOthers;
    return refused;
  }
}

/**
 * The database whose first idle connection was idle for longest; null where none can do without. One that has callers of its own
 * waiting keeps it while it has no more than the other: else every call would cost a connection.
 */
export function whoGivesWay(all: readonly PooledDatabase[], to: PooledDatabase): PooledDatabase | null {
  let longest: PooledDatabase | null = null;
  let since = Number.POSITIVE_INFINITY;
  for (const database of all) {
    const [connection] = database.idle;
    if (database === to || !connection || (database.waiting > 0 && database.taken <= to.taken + to.awaited + 1))
      continue;
    if (connection.idleSince >= since) continue;
    longest = database;
    since = connection.idleSince;
  }
  return longest;
}
