import { GraphQLError, type GraphQLErrorExtensions, Kind } from "graphql";
import {
  AnswerLostError,
  brokenConstraint,
  ConnectionLostError,
  isAway,
  isPassing,
  isTimedOut,
  OutcomeUnknownError,
  sqlState,
  thrownByDriver,
  UnavailableError,
} from "../database/errors.js";
import { IdentityError, IdentityUnavailableError } from "../identity/errors.js";

/** What a caller is told of an error, and whether somebody has to look at it. */
export interface Presented {
  readonly error: GraphQLError;
  /** The bug or outage behind a masked message; null for what is the caller's own affair. */
  readonly fault: unknown;
}

/**
 * What leaves the process. Errors that were written for callers pass; anything else becomes one sentence with the request's
 * id, so that no SQL, table, host, path or secret is ever in an answer.
 */
export function present(error: unknown, requestId: string): Presented {
  const outer = error instanceof GraphQLError ? error : null;
  const cause = innermost(error);
  const say = (message: string, extensions: GraphQLErrorExtensions, fault: unknown = null): Presented => ({
    error: new GraphQLError(message, {
      nodes: outer?.nodes,
      source: outer?.source,
      positions: outer?.positions,
      path: outer?.path,
      extensions,
    }),
    fault,
  });

  // One without a code was not written for callers: the executor's own, about a value that does not fit the schema.
  if (cause instanceof GraphQLError && cause.extensions.code) {
    return say((outer ?? cause).message, cause.extensions);
  }
  // A value of the caller's that does not fit its argument after all, as null in the place of a default.
  if (cause instanceof GraphQLError && cause.nodes?.[0] && cause.nodes[0].kind !== Kind.FIELD)
    return say(cause.message, { code: "BAD_USER_INPUT", http: { status: 400 } });
  if (cause instanceof IdentityError) {
    const headers = headersOf(cause);
    return say(
      cause.message,
      { code: cause.code, http: { status: cause.status, ...(headers && { headers }) } },
      cause instanceof IdentityUnavailableError ? cause : null,
    );
  }
  if (cause instanceof OutcomeUnknownError) {
    return say(
      cause instanceof AnswerLostError
        ? "The change was made, but its answer could not be read. Look at what it made, and do not repeat it."
        : "The connection was lost at the very end: the change was made whole or not at all. Look before you try again.",
      { code: "OUTCOME_UNKNOWN", requestId },
      cause,
    );
  }
  if (isTransient(cause)) {
    const seconds = cause instanceof UnavailableError ? cause.retryAfterSeconds : 1;
    const lost = cause instanceof ConnectionLostError || isTimedOut(cause);
    return say(
      lost
        ? "The request could not be finished, and nothing was changed. Try again."
        : "The service is busy or its database is away. Try again in a moment.",
      { code: "UNAVAILABLE", requestId, http: { status: 503, headers: { "retry-after": String(seconds) } } },
      cause,
    );
  }
  return say(
    `Something went wrong on our side. Give this id when you report it: ${requestId}.`,
    // Within an answer it takes its own field with it; outside of one there is no answer.
    { code: "INTERNAL", requestId, ...(!outer?.path && { http: { status: 500 } }) },
    cause,
  );
}

/** Whether a request was answered, or changed something, in part: whoever sent it again as it is would do that part twice. */
export const isPartlyDone = (data: unknown, errors: readonly GraphQLError[]): boolean =>
  Object.values(data ?? {}).some((value) => value !== null) ||
  errors.some(({ extensions }) => extensions.code === "OUTCOME_UNKNOWN");

/** The error without the status that invites to send the whole request again. */
export function withoutRetry(error: GraphQLError): GraphQLError {
  const { http } = error.extensions as { http?: { status?: number } };
  return http?.status === 503 ? withoutStatus(error) : error;
}

/** The error without the status of a request that was refused. */
export function withoutStatus(error: GraphQLError): GraphQLError {
  const { http, ...extensions } = error.extensions;
  if (!http) return error;
  const { message, nodes, source, positions, path } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

/** Whether the same request may well be answered a moment later. */
export function isTransient(error: unknown): boolean {
  const cause = innermost(error);
  return isAway(cause) || isPassing(cause) || isTimedOut(cause);
}

function innermost(error: unknown): unknown {
  let at = error;
  while (at instanceof GraphQLError && at.originalError) at = at.originalError;
  return thrownByDriver(at);
}

function headersOf(error: IdentityError): Record<string, string> | null {
  if (error instanceof IdentityUnavailableError) return { "retry-after": String(error.retryAfterSeconds) };
  return error.status === 401 ? { "www-authenticate": 'Bearer realm="tenantry", error="invalid_token"' } : null;
}

/** What the log keeps of a fault: never a statement or a value, which are somebody's data. */
export function describeFault(thrown: unknown): Record<string, unknown> {
  const fault = thrownByDriver(thrown);
  if (!(thrown instanceof Error && fault instanceof Error)) return { what: typeof fault };
  const state = sqlState(fault);
  return {
    name: fault.name,
    ...(state ? { sqlState: state, constraint: brokenConstraint(fault) } : { message: fault.message }),
    at: placesIn(thrown),
    ...(fault.cause instanceof Error && { cause: describeFault(fault.cause) }),
  };
}

/** Where it was thrown. What it says stands before that in the stack, and may have lines of a statement that look the same. */
function placesIn({ stack = "", message }: Error): string[] {
  const behind = Math.max(0, stack.indexOf(message)) + message.length;
  const lines = stack.slice(behind).split("\n");
  return lines.filter((line) => line.startsWith("    at ")).slice(0, 8);
}
