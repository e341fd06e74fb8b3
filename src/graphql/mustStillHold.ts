import { OvertakenError } from "../database/errors.js";
import type { Scope } from "./scope.js";

/** Longer than any transaction of a request takes. */
const LONGEST_MS = 60_000;

/**
 * Returns when no right of the viewer's has ended since it was read: of withdrawals the lock takes care, of the clock nobody.
 * Asks the database only where an end is near.
 * @throws OvertakenError
 */
export async function mustStillHold({ access, now, session }: Scope): Promise<void> {
  const next = access.nextEnd();
  if (next === null || next.getTime() - now.getTime() > LONGEST_MS) return;
  const [row] = await session.query("select clock_timestamp() >= $1::timestamptz as ended", [next.toISOString()]);
  if (row?.ended) throw new OvertakenError("A right ended while it was used.");
}
