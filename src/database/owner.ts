import { Connection, type Lease } from "./connection.js";

/**
 * Runs `work` on one connection of the owner's login and closes it. For migrations and commands only: the process that
 * answers requests never holds this URL.
 */
export async function withOwner<T>(url: string, work: (owner: Lease) => Promise<T>): Promise<T> {
  const settings = { url, applicationName: "tenantry owner", prepare: true, connectTimeoutMs: 5000 };
  const connection = await Connection.open(settings, () => {});
  const lease = connection.lease("");
  try {
    return await work(lease);
  } finally {
    lease.release();
    await connection.close();
  }
}
