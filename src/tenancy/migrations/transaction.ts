import type { Lease, Result } from "../../database/connection.js";

/**
 * Runs `work` in one transaction of the owner's: all of it or nothing.
 * @param entry statements without values that go to the server in one message with the one that begins it; `work` is given
 *   what the last of them answered
 */
export async function inTransaction<T>(
  owner: Lease,
  work: (entered: Result) => Promise<T>,
  isolation: "read committed" | "repeatable read" = "read committed",
  entry: readonly string[] = [],
): Promise<T> {
  let result: T;
  try {
    const begun = await owner.run([`begin isolation level ${isolation}`, ...entry].join("; "));
    result = await work(entry.length === 0 ? begun : (begun as unknown as Result[]).at(-1)!);
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
