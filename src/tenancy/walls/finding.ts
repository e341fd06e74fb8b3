/** Something in the database that is not as it must be, in words for whoever runs it. */
export interface Finding {
  /** Which object, and what is wrong with it. */
  readonly what: string;
  /** The SQL, or the step, that mends it. */
  readonly mend: string;
}

/** Runs one statement and answers its rows. */
export type Query = (text: string, params?: unknown[]) => Promise<readonly Record<string, unknown>[]>;
