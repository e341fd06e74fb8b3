import type { Connection } from "./connection.js";
import { UnavailableError } from "./errors.js";
import type { Lease } from "./lease.js";
import type { PooledDatabase } from "./pooled.js";
import type { Signal } from "./signal.js";
import type { Turn } from "./turns.js";

/** After so many who came later were served before, or so long unless the settings say, somebody is next, wherever it may be. */
const MOST_OVERTAKEN = 200;
export const LONG_MS = 500;
/**
 * How long the connections that know somebody's home may be busy with one lease each before another will do, while one is idle,
 * unless the settings say. It is no matter how long they have been waited for: to plan all anew takes many times what a lease
 * takes, and on a server that is busy everybody waits.
 */
export const STUCK_MS = 100;
/** So many of a home may wait before a connection more takes them on. */
const CROWD = 8;

/** How, and for whom, one waits for a connection. */
export interface AcquireOptions {
  readonly waitMs?: number;
  readonly party?: string;
}

/** Somebody who waits for a connection. */
export interface Waiting extends Turn {
  readonly home: string;
  readonly database: PooledDatabase;
  readonly since: number;
  overtaken: number;
  readonly grant: (lease: Lease) => void;
  readonly refuse: (error: Error) => void;
}

/** The idle connection that is somebody's by right: one that knows their home, or any after they have waited for too long. */
export function pickByRight({ home, database, overtaken, since }: Waiting, longMs: number): Connection | null {
  let first: Connection | null = null;
  for (const connection of database.idle) {
    if (connection.homes.has(home)) return connection;
    first ??= connection;
  }
  return overtaken >= MOST_OVERTAKEN || performance.now() - since >= longMs ? first : null;
}

/** The idle connection that knows the fewest homes, and of those the one that rested longest. */
export function pickFree({ database }: Waiting): Connection | null {
  let best: Connection | null = null;
  for (const connection of database.idle) if (!best || connection.homes.size < best.homes.size) best = connection;
  return best;
}

/**
 * Whether somebody may have a connection that does not know their home. It has every plan to make anew, and the server
 * process will remember the home's tables for as long as it lives, so not at once where another knows them.
 * @param ahead how many wait for the same home already
 */
export const mayMove = ({ home, database }: Waiting, ahead: number, connection: Connection, stuckMs: number): boolean =>
  settles(connection, home, database) || ahead >= CROWD || database.isStuck(home, stuckMs);

/** Whether a connection that serves a home goes on to do so as a rule. */
export const settles = ({ homes }: Connection, home: string, database: PooledDatabase): boolean =>
  homes.size < database.few || !database.knows(home);

export const inUse = () => new UnavailableError("All connections to the database are in use.");

export const givenUp = (signal?: Signal) =>
  new UnavailableError("The request was given up.", 1, { cause: signal?.reason });
