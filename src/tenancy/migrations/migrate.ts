import type { Lease } from "../../database/lease.js";
import { MAIN } from "../../database/names.js";
import type { Home } from "../directory/directory.js";
import type { Owners } from "../owners.js";
import { createHome, newSchemaName } from "./baseline.js";
import { type DueHome, makeDurable } from "./bring.js";
import { alone, bringDirectory, inDirectory } from "./directory.js";
import { type Files, ownFiles } from "./files.js";
import { type Brought, bringAll, type Pace } from "./fleet.js";
import { type Fleet, lookAtFleet, pendingIn, refuseMisfits } from "./hints.js";
import { ensureLogins } from "./logins.js";
import { type Migrated, summaryOf } from "./summary.js";
import { inTransaction, inTrial } from "./transaction.js";
import { placesIn } from "./versions.js";

export interface MigrateOptions {
  /** Those of this version unless others are given. */
  readonly files?: Files;
  /** The last migration of homes that shall run; all of them when absent. */
  readonly last?: string | undefined;
  /** Slugs of tenants whose homes come first. When one of them fails no other home is touched. */
  readonly canaries?: readonly string[];
  /** Whether to look at every home, whatever the directory remembers of it. */
  readonly everyHome?: boolean;
  readonly pace?: Partial<Pace>;
  readonly lockMs?: number;
  /** Called when another run has to be waited for. */
  readonly onWait?: () => void;
  readonly onHome?: (done: number, of: number) => void;
}

const PACE: Pace = { workers: 4, tries: 8 };
// Less than a request waits: whoever queues behind a migration is served before their time is up.
const LOCK_MS = 1000;

/**
 * Brings the directory and every home to this version: the directory first, then the homes, several at once, each in a
 * transaction of its own with the record of what ran inside it, so that an interrupted run is simply run again. One run at a
 * time, whoever starts it. A home that cannot be brought further keeps what it has and is named; the others go on. Homes that
 * the directory knows to be complete are not looked at.
 * @throws Error that names the file when a migration is dated before one that ran, or is unknown here; nothing has run then,
 *   and UnknownTenantError when no tenant has the slug of a canary, likewise
 */
export async function migrate(owners: Owners, options: MigrateOptions = {}): Promise<Migrated> {
  const files = options.files ?? ownFiles();
  const main = await owners.main;
  return alone(main, options.onWait, async () => {
    const [applied, isCanary] = await inTransaction(
      main,
      async () => [await bringDirectory(owners, main, files), await homesOf(main, options.canaries ?? [])] as const,
    );
    const fleet = await lookAtFleet(main, files.tenant, options);
    await refuseMisfits(owners, main, fleet, files.tenant);
    await rehearse(owners, fleet, files);

    const work = {
      owners,
      files: files.tenant,
      places: placesIn(files.tenant),
      last: fleet.last,
      lockMs: options.lockMs ?? LOCK_MS,
      standing: new Map(),
    };
    const brought: Brought[] = [];
    const go = async (homes: readonly DueHome[]) => {
      let done = 0;
      const all = await bringAll(work, homes, { ...PACE, ...options.pace }, () =>
        options.onHome?.(++done, homes.length),
      );
      brought.push(...all);
      return all.every(({ why }) => why === null);
    };
    const others = fleet.due.filter((home) => !isCanary(home));
    if (await go(fleet.due.filter(isCanary))) {
      await go(others);
      // Those of tenants that came meanwhile, maybe by the hand of an older version: also those that were not there yet.
      brought.splice(0, brought.length, ...brought.filter(({ isMade }) => isMade));
      const known = new Set(brought.map(({ home }) => home.schemaName));
      const later = await lookAtFleet(main, files.tenant, options);
      await go(later.due.filter(({ schemaName }) => !known.has(schemaName)));
    } else brought.push(...others.map((home) => ({ home, applied: [], why: NOT_TRIED, isMade: true })));
    if (brought.some((one) => one.applied.length > 0)) await makeDurable(main);
    return summaryOf(main, fleet.homes, applied, brought);
  });
}

const NOT_TRIED = "It was not tried, because a home that was to come first has failed.";

/**
 * What `migrate` would do, and nothing of it done: the logins are made and the directory's migrations run in a transaction that is not kept, and so
 * do those of homes, in an empty one. Homes whose version nobody knows are read.
 */
export async function rehearseAll(owners: Owners, options: MigrateOptions = {}): Promise<Migrated> {
  const files = options.files ?? ownFiles();
  const main = await owners.main;
  return alone(main, options.onWait, async () => {
    const [applied, fleet] = await inDirectory(owners, main, files, async (applied) => {
      await homesOf(main, options.canaries ?? []);
      return [applied, await lookAtFleet(main, files.tenant, options)] as const;
    });
    await refuseMisfits(owners, main, fleet, files.tenant);
    await rehearse(owners, fleet, files, true);
    const brought: Brought[] = [];
    for (const home of fleet.due) {
      const due = await pendingIn(owners, main, home, files.tenant, fleet.last);
      brought.push({ home, applied: due, why: null, isMade: true });
    }
    return summaryOf(main, fleet.homes, applied, brought);
  });
}

/** @throws UnknownTenantError when there is no tenant of one of these slugs */
async function homesOf(main: Lease, slugs: readonly string[]): Promise<(home: Home) => boolean> {
  const rows = await main.run(
    "select slug, database, schema_name from tenantry.tenants where slug = any (string_to_array($1, ','))",
    [slugs.join()],
  );
  const unknown = slugs.filter((slug) => !rows.some((row) => row.slug === slug));
  if (unknown.length > 0) throw new UnknownTenantError(unknown);
  return (home) => rows.some((row) => row.database === home.database && row.schema_name === home.schemaName);
}

export class UnknownTenantError extends Error {
  override readonly name = "UnknownTenantError";
  constructor(slugs: readonly string[]) {
    super(`There is no tenant ${slugs.join(", nor ")}.`);
  }
}

/**
 * Makes a home at the version that homes shall come to, of the kind of one that is due in each database, and keeps nothing of
 * it: what cannot run, or would leave a hole in the walls, stops here, before any tenant's home is touched.
 * @param withLogins whether nobody has made the logins that are to have rights there
 */
async function rehearse(owners: Owners, fleet: Fleet, files: Files, withLogins = false): Promise<void> {
  const target = files.tenant.filter(({ name }) => name <= fleet.last);
  for (const { database, isolation } of new Map(fleet.due.map((home) => [home.database, home])).values()) {
    // One that is away fails its own homes, later.
    const owner = database === MAIN ? await owners.main : await owners.of(database).catch(() => null);
    if (!owner) continue;
    await inTrial(owner, async () => {
      if (withLogins && database === MAIN) await ensureLogins(owner, owners.logins(MAIN));
      await createHome(owner, newSchemaName(), owners.names(database), isolation, target);
    });
  }
}
