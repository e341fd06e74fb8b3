/** How long a statement of a serving login may take, unless the settings say otherwise. */
export const STATEMENT_TIMEOUT_MS = 5000;

/** How long a server may say nothing before its connection is taken for lost: long after it would have ended the statement. */
export const silenceOf = (statementTimeoutMs: number): number => 3 * statementTimeoutMs;

/** The same of a replica: just longer than its statement may take, and short enough to ask the primary after it. */
export const replicaSilenceOf = (silenceMs: number): number => Math.min(silenceMs, silenceMs / 3 + 1000);
