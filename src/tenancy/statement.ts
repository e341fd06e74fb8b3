import { drizzle } from "drizzle-orm/postgres-js";
import type { TenantDb, TenantSession } from "./session.js";

/** What drizzle can be asked to write once: a statement with `sql.placeholder`s where its values will stand. */
interface Writable<Rows> {
  prepare(name: string): { execute(values: Record<string, unknown>): Promise<Rows> };
}

/**
 * A statement that drizzle writes once for the process, with a reader of its rows that is compiled for them. To write it for
 * each session costs more than to send it.
 * @param write with `sql.placeholder`s for all that differs from one session to the next, its tenant before all
 */
export function statement<Rows>(write: (db: TenantDb) => Writable<Rows>) {
  let written: ReturnType<Writable<Rows>["prepare"]> | undefined;
  return (session: TenantSession, values: Record<string, unknown>): Promise<Rows> => {
    written ??= write(WRITER).prepare("tenantry");
    sender = session.client;
    try {
      // Sent before this returns, or, to be safe from a drizzle that waits before it sends, not at all.
      return written.execute(values);
    } finally {
      sender = null;
    }
  };
}

type Client = TenantSession["client"];

/** Who sends what is being executed at this moment. */
let sender: Client | null = null;

const RELAY: Client = {
  options: { parsers: {}, serializers: {} },
  unsafe(text, params) {
    if (!sender) throw new TypeError("A statement is sent within the call that executes it.");
    return sender.unsafe(text, params);
  },
};
const WRITER: TenantDb = drizzle({ client: RELAY as never, jit: true });
