import { isPassing, UnavailableError } from "./errors.js";
import { pauseUntil, type Signal } from "./signal.js";

const LONGEST_PAUSE_MS = 500;

/**
 * Runs `work`, a transaction from begin to commit, again for as long as PostgreSQL breaks it off for another's sake: a
 * deadlock, a serialization failure, a lock that was not to be had.
 * @throws UnavailableError when it has not passed before the signal aborts; nothing of it was done
 */
export async function untilItPasses<T>(signal: Signal, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error)) throw error;
      // Of two that broke each other, one shall come first the next time.
      const pauseMs = Math.random() * Math.min(10 * 2 ** attempt, LONGEST_PAUSE_MS);
      await pauseUntil(signal, pauseMs);
      if (signal.aborted) throw new UnavailableError("Others are changing the same thing.", 1, { cause: error });
    }
  }
}
