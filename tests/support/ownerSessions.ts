import type { Connection } from "../../src/database/connection.js";
import type { Lease } from "../../src/database/lease.js";
import { openOwner, withOwner } from "../../src/database/owner.js";

type Rows = readonly Record<string, unknown>[];

// What a session is brought back from takes a statement more; a connection takes as long as twenty.
const LEAVES_NOTHING = /^\s*(select|insert|update|delete|with)\b(?!.*(;|advisory|set_config|pg_sleep|terminate))/is;
/** What would be there for the session's next one all the same. */
const STAYS = /\b(begin|start transaction|temp|temporary|listen|prepare|declare|authorization)\b/i;

/** The owner's sessions on one database of a test file. They are kept: connecting takes longer than most statements. */
export class OwnerSessions {
  readonly #idle: Connection[] = [];
  #isClosed = false;

  constructor(private readonly url: string) {}

  async run(text: string, params: readonly unknown[]): Promise<Rows> {
    const run = async (lease: Lease) => [...(await lease.run(text, params))];
    if (LEAVES_NOTHING.test(text)) return this.#lend(run);
    return STAYS.test(text) ? withOwner(this.url, run) : this.lend(run);
  }

  /** Lends one for more than a statement, and takes back what was set in it. `work` leaves no transaction open. */
  lend<T>(work: (lease: Lease) => Promise<T>): Promise<T> {
    return this.#lend(async (lease) => {
      const result = await work(lease);
      await lease.run("reset role; reset all; select pg_advisory_unlock_all()");
      return result;
    });
  }

  async #lend<T>(work: (lease: Lease) => Promise<T>): Promise<T> {
    const connection = this.#take() ?? (await openOwner(this.url));
    const lease = connection.lease("");
    let isAsBefore = false;
    try {
      const result = await work(lease);
      isAsBefore = true;
      return result;
    } finally {
      lease.release();
      if (!isAsBefore || this.#isClosed || !connection.isUsable) await connection.close();
      else this.#idle.push(connection);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#idle.splice(0).map((connection) => connection.close()));
  }

  #take(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (!connection || connection.isUsable) return connection;
    }
  }
}
