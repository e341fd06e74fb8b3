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

/**
 * COMMIT was sent and its answer never came: the change is either whole or absent, and only a look can tell which. Also for
 * a change that was made and could not be shown.
 */
export class OutcomeUnknownError extends Error {
  override readonly name: string = "OutcomeUnknownError";
}

/** The change was committed, and what it made cannot be shown: doing it again would do it twice. */
export class AnswerLostError extends OutcomeUnknownError {
  constructor(cause: unknown) {
    super("The change was made, and its answer could not be read.", { cause });
  }
}

/** A statement after the end of its lease: a bug, stopped before it could reach whoever has the connection now. */
export class LeaseOverError extends Error {
  override readonly name = "LeaseOverError";
  constructor() {
    super("The session of this statement has ended.");
  }
}

/** What a transaction was decided by was over before its end. Tried again, it is decided anew. */
export class OvertakenError extends Error {
  override readonly name = "OvertakenError";
}

/**
 * What the driver threw: drizzle wraps it, together with the statement and its values. No other cause is what was thrown: one whose
 * outcome is unknown has a lost connection for its cause, and must not be taken for one that may be tried again.
 */
export function thrownByDriver(error: unknown): unknown {
  let at = error;
  while (at instanceof Error && at.name === "DrizzleQueryError" && at.cause) at = at.cause;
  return at;
}

interface Answer {
  readonly message: string;
  readonly code: string;
  readonly severity: string;
  /** Where in PostgreSQL's source it comes from. */
  readonly routine?: string;
  readonly constraint_name?: string;
}

/** PostgreSQL's own answer, wherever in the chain of causes it is; null for other errors. */
function answerIn(error: unknown): Answer | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("severity" in at && "code" in at && typeof at.code === "string" && at.code.length === 5) {
      return at as Error & Answer;
    }
  }
  return null;
}

/** The five characters of an SQLSTATE; null for an error that is not PostgreSQL's. */
export const sqlState = (error: unknown): string | null => answerIn(error)?.code ?? null;

// Citus passes on the words of the server on which the row is, without its fields: the last name in them is the constraint's,
// with the number of the part of the table behind it. Names of constraints end in a letter, so nothing else is cut off.
const NAMED_LAST = /^.*"([^"]+?)(?:_\d+)?"/s;

/** The constraint that a statement broke, by name; null for other errors. */
export function brokenConstraint(error: unknown): string | null {
  const answer = answerIn(error);
  if (!answer?.code.startsWith("23")) return null;
  return answer.constraint_name ?? NAMED_LAST.exec(answer.message)?.[1] ?? null;
}

/**
 * Whether the session goes on after this failure: PostgreSQL answered, and not for the last time. Not so for what the
 * network or the driver says, whose statements may have been executed or not.
 */
export const sessionSurvives = (error: unknown): boolean => answerIn(error)?.severity === "ERROR";

/** Whether the answer says no more than that an earlier statement of the transaction failed. */
export const followsFailure = (error: unknown): boolean => sqlState(error) === "25P02";

/** Whether the server ended a statement that took longer than it may. */
export const isTimedOut = (error: unknown): boolean => sqlState(error) === "57014";

/**
 * The error of a statement outside of a transaction that we opened, where to write is never a bug: what may only be read there is a
 * server that takes no changes, as after a failover.
 */
export const orTakesNoChanges = (error: Error): Error =>
  sqlState(error) === "25006"
    ? new UnavailableError("The database takes no changes at the moment.", 1, { cause: error })
    : error;

/** Whether the server has no room for one more connection. */
export const isFull = (error: unknown): boolean => sqlState(error) === "53300";

// Serialization failure, deadlock, lock not available: the same transaction may well pass a moment later.
const PASSING = new Set(["40001", "40P01", "55P03"]);
// No disk, no memory, no connection left; starting up, shutting down, crashed.
const AWAY = /^(53[0-3]00|57P0[123]|08...)$/;

export const isPassing = (error: unknown): boolean =>
  !mayBeDone(error) && (error instanceof OvertakenError || PASSING.has(sqlState(error) ?? "") || isOutOfDate(error));

/** Whether what failed may have been done: whatever the reason for that is, it is not tried again. */
const mayBeDone = (error: unknown): boolean => thrownByDriver(error) instanceof OutcomeUnknownError;

/** Whether a statement was prepared before a migration changed what it answers. The next time it is prepared anew. */
const isOutOfDate = (error: unknown): boolean => answerIn(error)?.routine === "RevalidateCachedQuery";

// The same; the statement is not there; a column that it writes has another type.
const STALE = new Set(["RevalidateCachedQuery", "FetchPreparedStatement", "transformAssignedExpr"]);

/** Whether the server may have refused a prepared statement only because it was prepared before. */
export const isStale = (error: unknown): boolean => STALE.has(answerIn(error)?.routine ?? "");

/** Whether the database, not the statement, is at fault: it is away, full or shutting down. */
export function isAway(error: unknown): boolean {
  const thrown = thrownByDriver(error);
  if (mayBeDone(thrown)) return false;
  return (
    thrown instanceof UnavailableError || thrown instanceof ConnectionLostError || AWAY.test(sqlState(thrown) ?? "")
  );
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
