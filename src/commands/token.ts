import { readSettings } from "../config.js";
import { mintToken } from "../identity/developmentToken.js";
import { UsageError } from "./explain.js";

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `tenantry token`: needs the data folder only, whether or not the gateway runs. */
export async function token({ user, tenant, ttl }: { user: string; tenant?: string; ttl: string }): Promise<void> {
  const { TENANTRY_DATA_DIR } = readSettings(process.env);
  const jwt = await mintToken(TENANTRY_DATA_DIR, {
    email: user,
    ttlSeconds: secondsOf(ttl),
    ...(tenant && { tenant }),
  });
  process.stdout.write(`${jwt}\n`);
}

function secondsOf(duration: string): number {
  const [, digits, unit] = /^([1-9]\d{0,6})([smhd])$/.exec(duration) ?? [];
  if (!digits || !unit) throw new UsageError("--ttl is a whole number and s, m, h or d: 30s, 15m, 8h, 7d.");
  return Number(digits) * UNITS[unit]!;
}
