import type { Lease, Result } from "../../database/lease.js";

/**
 * Runs `work` in one transaction of the owner's: all of it or nothing.
 * @param entry statements without values that go to the server in one message with the one that begins it. `work` is given
 *   what those of them answer that answer with rows, and may send more behind them before it waits for that
 */
export async function inTransaction<T>(
  owner: Lease,
  work: (entered: Promise<readonly Result[]>) => Promise<T>,
  isolation: "read committed" | "repeatable read" = "read committed",
  entry: readonly string[] = [],
): Promise<T> {
  let result: T;
  try {
    const begun = owner.run([`begin isolation level ${isolation}`, ...entry].join(";\n"));
    const entered = begun.then((answer) => (entry.length === 0 ? [answer] : (answer as unknown as readonly Result[])));
    entered.catch(() => {});
    if (entry.length === 0) await entered;
    result = await work(entered);
    // Where its message could not be read, no transaction began.
    await entered;
  } catch (error) {
    await owner.run("rollback").catch(() => {});
    throw error;
  }
  const { command } = await owner.run("commit");
  if (command !== "COMMIT") throw new Error(`The transaction was not committed: ${command}.`);
  return result;
}

/** Runs `work` in a transaction of which nothing is kept. */
export async function inTrial<T>(owner: Lease, work: () => Promise<T>): Promise<T> {
  await owner.run("begin");
  try {
    return await work();
  } finally {
    await owner.run("rollback").catch(() => {});
  }
}
