/** The database cannot be had right now; nothing was done. Worth another try after `retryAfterSeconds`. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
  constructor(
    message: string,
    readonly retryAfterSeconds = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The connection of a lease is gone, and the transaction on it with it. Nothing of it was committed. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
}

/** COMMIT was sent and its answer never came: the change is either whole or absent, and only a look can tell which. */
export class OutcomeUnknownError extends Error {
  override readonly name = "OutcomeUnknownError";
}

/** A statement after the end of its lease: a bug, stopped before it could reach whoever has the connection now. */
export class LeaseOverError extends Error {
  override readonly name = "LeaseOverError";
  constructor() {
    super("The session of this statement has ended.");
  }
}

/** The five characters of an SQLSTATE, wherever in the chain of causes PostgreSQL's answer is; null for other errors. */
export function sqlState(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("severity" in at && "code" in at && typeof at.code === "string" && at.code.length === 5) return at.code;
  }
  return null;
}

/** The constraint that a statement broke, by name; null for other errors. */
export function brokenConstraint(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("constraint_name" in at && typeof at.constraint_name === "string") return at.constraint_name;
  }
  return null;
}

// Serialization failure, deadlock, lock not available: the same transaction may well pass a moment later.
const PASSING = new Set(["40001", "40P01", "55P03"]);
// Too many connections; starting up, shutting down, crashed; read-only during a failover.
const AWAY = /^(53300|57P0[123]|08...)$/;

export const isPassing = (error: unknown): boolean => PASSING.has(sqlState(error) ?? "");

/** Whether the database, not the statement, is at fault: it is away, full or shutting down. */
export function isAway(error: unknown): boolean {
  return error instanceof UnavailableError || error instanceof ConnectionLostError || AWAY.test(sqlState(error) ?? "");
}

/**
 * Runs one statement, and turns the breaking of a named constraint into what the caller is told.
 * @throws what `failures` makes for the constraint's name; anything else as it came
 */
export async function refuseOn<T>(failures: Record<string, () => Error>, statement: PromiseLike<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    const failure = failures[brokenConstraint(error) ?? ""];
    throw failure ? failure() : error;
  }
}
