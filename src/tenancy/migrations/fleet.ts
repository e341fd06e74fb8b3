import { setTimeout as pause } from "node:timers/promises";
import { isAway, isFull, isPassing, UnavailableError } from "../../database/errors.js";
import { MAIN } from "../../database/names.js";
import { bring, type DueHome, NoHomeError, type Work } from "./bring.js";
import { Seat } from "./seat.js";
import { rememberProblem } from "./versions.js";

/** What became of a home. */
export interface Brought {
  readonly home: DueHome;
  /** The migrations that ran. */
  readonly applied: readonly string[];
  /** Why it is not where it shall be; null when it is, or is not made yet. */
  readonly why: string | null;
  readonly isMade: boolean;
}

export interface Pace {
  /** How many homes are worked on at once, each on a connection of its own. */
  readonly workers: number;
  /** How often a home is tried that others hold a lock on, or whose connection was lost. */
  readonly tries: number;
}

const LONGEST_PAUSE_MS = 2000;

/**
 * Brings these homes as far as they shall come, several at once. One that fails keeps what it had; the reason is written to
 * the directory, and the others go on. Who waits for what is in memory alone: after a crash the homes' own records tell what
 * there is left to do.
 * @throws UnavailableError when the directory itself is away
 */
export async function bringAll(
  work: Work,
  homes: readonly DueHome[],
  { workers, tries }: Pace,
  onBrought: (brought: Brought) => void = () => {},
): Promise<Brought[]> {
  const queue: { readonly home: DueHome; readonly tried: number; readonly notBefore: number }[] = homes.map((home) => ({
    home,
    tried: 0,
    notBefore: 0,
  }));
  const away = new Map<string, string>();
  const done: Brought[] = [];
  let failure: unknown = null;
  const tell = (home: DueHome, applied: readonly string[], why: string | null, isMade = true) => {
    const brought = { home, applied, why, isMade };
    done.push(brought);
    onBrought(brought);
  };

  const attempt = async (seat: Seat, { home, tried }: (typeof queue)[number]): Promise<void> => {
    const known = away.get(home.database);
    if (known) return tell(home, [], known);
    try {
      const owner = await seat.at(home.database);
      return tell(home, await bring(work, owner, home), null);
    } catch (error) {
      // It belongs to a tenant that is just being made. Whoever makes it may be of an older version, so it is looked for again.
      if (error instanceof NoHomeError && home.version === null) return tell(home, [], null, false);
      // One that has no room for one more connection is there, and other workers have theirs.
      const isGone = error instanceof UnavailableError && !isFull(error);
      if (!isGone && (isPassing(error) || isAway(error)) && tried + 1 < tries) {
        // Behind all others, so that nobody waits for it who need not.
        queue.push({ home, tried: tried + 1, notBefore: Date.now() + Math.min(100 * 2 ** tried, LONGEST_PAUSE_MS) });
        return;
      }
      if (home.database === MAIN && error instanceof UnavailableError) throw error;
      if (error instanceof UnavailableError) away.set(home.database, whyOf(error));
      const why = whyOf(error);
      // What is away is no fault of the home's.
      if (!isAway(error)) await rememberProblem(await work.owners.main, home, why);
      tell(home, [], why);
    }
  };

  await Promise.all(
    Array.from({ length: Math.min(workers, homes.length) }, async () => {
      const seat = new Seat(work.owners);
      try {
        for (let next = queue.shift(); next && !failure; next = queue.shift()) {
          if (next.notBefore > Date.now()) await pause(next.notBefore - Date.now());
          await attempt(seat, next);
        }
      } catch (error) {
        failure ??= error;
      } finally {
        await seat.leave();
      }
    }),
  );
  if (failure) throw failure;
  return done;
}

/** What went wrong, and what was behind it, on one line where it is one. */
function whyOf(error: unknown): string {
  if (isPassing(error)) return "Somebody has held a lock in it all the time. Run it again when they have finished.";
  if (isFull(error)) return "Its database has no room for one more connection.";
  if (error instanceof UnavailableError) return "Its database does not answer.";
  return error instanceof Error ? error.message : String(error);
}
