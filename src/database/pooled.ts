import type { Connection } from "./connection.js";

/** One of the databases, and what of the budget it has. */
export class PooledDatabase {
  /** Those that are being closed, too. */
  readonly connections = new Set<Connection>();
  /** Least recently used first. */
  readonly idle = new Set<Connection>();
  opening = 0;
  /** How many of its callers wait. */
  waiting = 0;
  /** Connections of other databases that are being closed for its callers. */
  awaited = 0;
  fullUntil = 0;
  /** Whether it did not answer when it was last asked: then one caller at a time finds out, not all of them. */
  isSuspect = false;
  /** Why it serves no tenant at the moment; null while it does. */
  barred: string | null = null;

  constructor(
    readonly name: string,
    readonly url: string,
  ) {}

  get taken(): number {
    return this.connections.size + this.opening;
  }
}
