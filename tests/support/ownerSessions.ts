import type { Connection, Lease } from "../../src/database/connection.js";
import { openOwner, withOwner } from "../../src/database/owner.js";

type Rows = readonly Record<string, unknown>[];

// Whatever else a statement does to its session, it must not do to the next one's.
const LEAVES_NOTHING = /^\s*(select|insert|update|delete|with)\b(?!.*(;|advisory|set_config|pg_sleep|terminate))/is;

/** The owner's sessions on one database of a test file. They are kept: connecting takes longer than most statements. */
export class OwnerSessions {
  readonly #idle: Connection[] = [];
  #isClosed = false;

  constructor(private readonly url: string) {}

  async run(text: string, params: readonly unknown[]): Promise<Rows> {
    if (!LEAVES_NOTHING.test(text)) return withOwner(this.url, async (owner) => [...(await owner.run(text, params))]);
    return this.#lend(async (lease) => [...(await lease.run(text, params))]);
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
