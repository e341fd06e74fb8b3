import { LeaseOverError } from "../../database/errors.js";
import type { Leases } from "../../database/leases.js";
import { isReplica, MAIN } from "../../database/names.js";
import { checkHomes } from "./catalogue.js";
import type { Finding, Query } from "./finding.js";
import { checkLogin } from "./logins.js";
import { Unchanged } from "./unchanged.js";
import { checkVersion } from "./version.js";

// A wall that was opened is noticed within a minute, also where looking takes its time; see `Unchanged` for how much of it.
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

/**
 * Everything that is wrong with the walls of the directory and of the database beside it, seen through the very logins that
 * serve; `[]` when they stand.
 */
export async function checkWalls({ serve, door }: Doors, unchanged?: Unchanged): Promise<Finding[]> {
  return (await Promise.all([checkDoor(door, unchanged), checkHomesOf(serve, MAIN, unchanged)])).flat();
}

/** The walls of the directory. */
export const checkDoor = (door: Leases, unchanged = new Unchanged()): Promise<Finding[]> =>
  through(door, MAIN, (query) => unchanged.check("the directory", query, checkDirectory));

/** The walls of one database, whether or not its tenants are let in. */
export const checkHomesOf = (serve: Leases, database: string, unchanged = new Unchanged()): Promise<Finding[]> =>
  through(serve, database, (query) => unchanged.check(database, query, (asking) => checkDatabase(asking, database)));

/**
 * Looks at each further database, and lets tenants into it only as long as its walls stand: one that is away or open fails
 * its own tenants, and nobody else's.
 * @param onBarred is told why a database is closed to its tenants, each time it is looked at
 */
export async function guardDatabases(serve: Leases, onBarred: OnBarred, unchanged?: Unchanged): Promise<void> {
  await Promise.all(
    serve.databases
      // Of a replica, each session asks whether it is the same database behind the same login: then it has the same walls.
      .filter((name) => name !== MAIN && !isReplica(name))
      .map(async (name) => {
        const findings = await checkHomesOf(serve, name, unchanged).catch((error: Error) => error);
        const isSound = Array.isArray(findings) && findings.length === 0;
        serve.bar(name, isSound ? null : "The tenant's database cannot be used at the moment.");
        if (!isSound) onBarred(name, findings);
      }),
  );
}

/** @param why what is wrong with its walls, or why they could not be looked at */
type OnBarred = (database: string, why: readonly Finding[] | Error) => void;

/**
 * Looks twice a minute, unless the last look is still under way, and closely where a catalogue changed since. What cannot be
 * looked at is not sound.
 */
export function watchWalls(
  doors: Doors,
  onOpen: (findings: readonly Finding[]) => void,
  onBarred: OnBarred = () => {},
  unchanged = new Unchanged(),
  everyMs = EVERY_MS,
) {
  let sound = true;
  let isLooking = false;
  const timer = setInterval(async () => {
    // Several looks would wait for each other's connections.
    if (isLooking) return;
    isLooking = true;
    try {
      const findings = await checkWalls(doors, unchanged).catch(() => null);
      sound = findings?.length === 0;
      if (findings && findings.length > 0) onOpen(findings);
      await guardDatabases(doors.serve, onBarred, unchanged);
    } finally {
      isLooking = false;
    }
  }, everyMs).unref();
  return { isSound: () => sound, stop: () => clearInterval(timer) };
}

async function checkDirectory(query: Query): Promise<Finding[]> {
  const [row] = await query(HAS_DIRECTORY);
  // Where nothing is, every wall stands.
  return row?.has_directory ? checkLogin(query, "door") : [NO_DIRECTORY];
}

async function checkDatabase(query: Query, database: string): Promise<Finding[]> {
  const [row] = await query("select current_setting('server_version_num')::int as version");
  const version = checkVersion(Number(row?.version));
  // An older server lacks catalogues that the other checks read.
  if (version) return [version];
  return [...(await checkLogin(query, database === MAIN ? "serve" : "alone")), ...(await checkHomes(query))];
}

/** @param check answers null when it need not look */
async function through(
  leases: Leases,
  database: string,
  check: (query: Query) => Promise<Finding[] | null>,
): Promise<Finding[]> {
  const lease = await leases.acquire("", undefined, database);
  let findings: Finding[] | null | undefined;
  try {
    findings = await check((text, params) => lease.run(text, params));
    return findings ?? [];
  } finally {
    if (findings === null) lease.release();
    // The server's process remembers all that was looked at for as long as it lives: 25 MB with the tables of a hundred homes.
    else lease.condemn(new LeaseOverError());
  }
}
