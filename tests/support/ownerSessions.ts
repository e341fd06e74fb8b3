import { Connection } from "../../src/database/connection.js";
import { withOwner } from "../../src/database/owner.js";

type Rows = readonly Record<string, unknown>[];

// Whatever else a statement does to its session, it must not do to the next one's.
const LEAVES_NOTHING = /^\s*(select|insert|update|delete|with)\b(?!.*(;|advisory|set_config|pg_sleep|terminate))/is;

/** The owner's sessions on one database of a test file. They are kept: connecting takes longer than most statements. */
export class OwnerSessions {
  readonly #idle: Connection[] = [];
  #isClosed = false;

  constructor(private readonly url: string) {}

  async run(text: string, params: readonly unknown[]): Promise<Rows> {
    if (this.#isClosed || !LEAVES_NOTHING.test(text))
      return withOwner(this.url, async (owner) => [...(await owner.run(text, params))]);
    const connection = this.#take() ?? (await this.#open());
    const lease = connection.lease("");
    try {
      return [...(await lease.run(text, params))];
    } finally {
      lease.release();
      if (this.#isClosed || !connection.isUsable) await connection.close();
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

  #open(): Promise<Connection> {
    const settings = { url: this.url, applicationName: "tenantry owner", prepare: true, connectTimeoutMs: 5000 };
    return Connection.open(settings, () => {});
  }
}
