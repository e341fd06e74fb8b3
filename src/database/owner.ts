import { Connection } from "./connection.js";
import type { Lease } from "./lease.js";

/**
 * A connection of the owner's login. Whoever opens it closes it.
 * @param prepare whether the server keeps each statement with parameters for as long as the connection lasts
 */
export const openOwner = (url: string, prepare = true): Promise<Connection> =>
  Connection.open({ url, applicationName: "tenantry owner", prepare, connectTimeoutMs: 5000 }, () => {});

/**
 * Runs `work` on one connection of the owner's login and closes it. For migrations and commands only: the process that
 * answers requests never holds this URL.
 */
export async function withOwner<T>(url: string, work: (owner: Lease) => Promise<T>): Promise<T> {
  const connection = await openOwner(url);
  const lease = connection.lease("");
  try {
    return await work(lease);
  } finally {
    lease.release();
    await connection.close();
  }
}
