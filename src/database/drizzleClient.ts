import type { Result } from "./result.js";

/** What sends statements. */
interface Runs {
  run(text: string, params: readonly unknown[]): Promise<Result>;
  /** The same, with rows as lists of their values. */
  runRaw(text: string, params: readonly unknown[]): Promise<Result>;
}

/**
 * What drizzle takes for a client: the same statements, tied to one lease. It has no `begin`, so that
 * drizzle's own transactions, which do not survive the loss of a session, cannot be opened.
 */
export const drizzleClient = (lease: Runs) => ({
  // Drizzle writes its parsers in here; those of the connection are set when it is opened.
  options: { parsers: {}, serializers: {} },
  unsafe: (text: string, params: readonly unknown[] = []) => ({
    // biome-ignore lint/suspicious/noThenProperty: a statement is sent when it is awaited, as drizzle expects
    then: (...on: Parameters<Promise<Result>["then"]>) => lease.run(text, params).then(...on),
    values: () => lease.runRaw(text, params),
  }),
});
