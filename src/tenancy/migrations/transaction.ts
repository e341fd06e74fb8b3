import type { Lease } from "../../database/connection.js";

/** Runs `work` in one transaction of the owner's: all of it or nothing. */
export async function inTransaction<T>(
  owner: Lease,
  work: () => Promise<T>,
  isolation: "read committed" | "repeatable read" = "read committed",
): Promise<T> {
  await owner.run(`begin isolation level ${isolation}`);
  let result: T;
  try {
    result = await work();
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
