import type { Result } from "./lease.js";
import type { Leases } from "./leases.js";

/**
 * One statement, of the first database, on a connection that is for nobody in particular.
 * @throws UnavailableError when none became free in time, or the database is away
 */
export async function once(leases: Leases, text: string, params: readonly unknown[] = []): Promise<Result> {
  const lease = await leases.acquire("");
  try {
    return await lease.run(text, params);
  } finally {
    lease.release();
  }
}
