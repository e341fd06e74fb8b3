import { readSettings } from "../config.js";
import { mintToken } from "../identity/developmentToken.js";
import { secondsOf } from "./duration.js";

/** `tenantry token`: needs the data folder only, whether or not the gateway runs. */
export async function token({ user, tenant, ttl }: { user: string; tenant?: string; ttl: string }): Promise<void> {
  const { TENANTRY_DATA_DIR } = readSettings(process.env);
  const jwt = await mintToken(TENANTRY_DATA_DIR, {
    email: user,
    ttlSeconds: secondsOf(ttl, "--ttl"),
    ...(tenant && { tenant }),
  });
  process.stdout.write(`${jwt}\n`);
}
