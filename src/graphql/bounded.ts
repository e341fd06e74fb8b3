import { perSession } from "./loader.js";
import type { Scope } from "./scope.js";

/** What a session reads. */
interface Reads {
  /** How many rows those can bring that were sent and not answered yet. */
  underWay: number;
  /** The last of those that go in turn. */
  last: Promise<unknown>;
}

const readsOf = perSession((): Reads => ({ underWay: 0, last: Promise.resolve() }));

/**
 * Reads at once where all rows that it may bring are still allowed, as of pages that are asked for one by one. Many lists that may
 * be long are mostly short, and only their rows tell: such reads are sent one after the other, so that of all together no more is in
 * memory than one may bring beyond what an answer may be made of.
 * @param rows how many it brings at most
 * @throws GraphQLError `COST_EXCEEDED`, and sends nothing, where the answer was refused before its turn
 */
export async function bounded<T>(scope: Scope, rows: number, read: () => Promise<T>): Promise<T> {
  const { size } = scope;
  size.check();
  const reads = readsOf(scope);
  if (reads.underWay + rows <= size.rowsLeft) {
    reads.underWay += rows;
    try {
      return await read();
    } finally {
      reads.underWay -= rows;
    }
  }
  const turn = reads.last.then(() => {
    size.check();
    return read();
  });
  reads.last = turn.catch(() => {});
  return turn;
}
