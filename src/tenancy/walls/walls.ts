import type { Leases } from "../../database/leases.js";
import { checkHomes } from "./catalogue.js";
import type { Finding, Query } from "./finding.js";
import { checkLogin } from "./logins.js";
import { checkVersion } from "./version.js";

// A wall that was opened is noticed within a minute, also where looking takes its time.
const EVERY_MS = 30_000;

const HAS_DIRECTORY = `select exists (
  select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'tenantry' and c.relname = 'tenants'
) as has_directory`;
const NO_DIRECTORY: Finding = {
  what: "There is no directory of tenants in this database.",
  mend: "Run `tenantry migrate`, which makes it.",
};

/** The two logins that serve, each through its own connections. */
export interface Doors {
  readonly serve: Leases;
  readonly door: Leases;
}

/** Everything that is wrong with the walls, seen through the very logins that serve; `[]` when they stand. */
export async function checkWalls({ serve, door }: Doors): Promise<Finding[]> {
  const found = await Promise.all([
    through(door, async (query) => {
      const [row] = await query(HAS_DIRECTORY);
      // Where nothing is, every wall stands.
      return row?.has_directory ? checkLogin(query, "door") : [NO_DIRECTORY];
    }),
    through(serve, async (query) => {
      const [row] = await query("select current_setting('server_version_num')::int as version");
      const version = checkVersion(Number(row?.version));
      // An older server lacks catalogues that the other checks read.
      if (version) return [version];
      return [...(await checkLogin(query, "serve")), ...(await checkHomes(query))];
    }),
  ]);
  return found.flat();
}

/** Looks again twice a minute. What cannot be looked at is not sound. */
export function watchWalls(doors: Doors, onOpen: (findings: readonly Finding[]) => void, everyMs = EVERY_MS) {
  let sound = true;
  const timer = setInterval(async () => {
    const findings = await checkWalls(doors).catch(() => null);
    sound = findings?.length === 0;
    if (findings && findings.length > 0) onOpen(findings);
  }, everyMs);
  timer.unref();
  return { isSound: () => sound, stop: () => clearInterval(timer) };
}

async function through(leases: Leases, check: (query: Query) => Promise<Finding[]>): Promise<Finding[]> {
  const lease = await leases.acquire("");
  try {
    return await check((text, params) => lease.run(text, params));
  } finally {
    lease.release();
  }
}
