import { productOf } from "../access/catalogue.js";
import { readSettings, type Settings } from "../config.js";
import { adoptProduct } from "../tenancy/directory/product.js";
import { checkFleet } from "../tenancy/migrations/check.js";
import { alone } from "../tenancy/migrations/directory.js";
import { ownFiles, upTo } from "../tenancy/migrations/files.js";
import { type Login, loginOf, loginsSql } from "../tenancy/migrations/logins.js";
import { type MigrateOptions, migrate, rehearseAll } from "../tenancy/migrations/migrate.js";
import { ensureAllLogins } from "../tenancy/owners.js";
import { keepStock } from "../tenancy/stock.js";
import { withOwnersOf } from "./database.js";
import { EXIT, UsageError } from "./explain.js";
import { ownKey, refuseOtherKey, takeNewKey } from "./key.js";
import { tellParent } from "./parent.js";
import { clearProgress, progress } from "./progress.js";
import { tellChecked, tellMigrated } from "./tellFleet.js";

export interface MigrateFlags {
  readonly printSql?: boolean;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly all?: boolean;
  readonly until?: string;
  readonly canary?: string;
  readonly workers?: string;
  readonly newKey?: boolean;
}

const MOST_WORKERS = 32;
const NEW_KEY =
  "tenantry: From now on the key is this one, and what was made with another is lost: nobody is recognised who was known by it, no cursor, open invitation, proven domain, waiting mail or job is good any more, and audits that it sealed are sealed no further before `tenantry audit reseal`.\n";
const LOOKING = "Homes looked at";

/**
 * `tenantry migrate`: makes the serving logins, brings the directory and every home to this version, and fills the stock of
 * empty ones. Exits 4 when homes were left behind, and 1 when `--check` finds that something is not as it must be.
 */
export async function migrateCommand(flags: MigrateFlags): Promise<void> {
  const settings = readSettings(process.env);
  if (flags.printSql) {
    refuseBeside("--print-sql", flags);
    return printSql(settings);
  }
  const [isJson, options] = [flags.json ?? false, optionsOf(flags)];
  if (flags.check) {
    refuseBeside("--check", flags);
    const checked = await withOwnersOf(settings, (owners) => checkFleet(owners, ownFiles(), progress(LOOKING)));
    clearProgress();
    process.exitCode = tellChecked(checked, isJson) ? EXIT.done : EXIT.failed;
    return;
  }
  if (flags.dryRun) {
    if (flags.newKey) throw new UsageError("--dry-run changes nothing: leave out --new-key.");
    tellMigrated(
      await withOwnersOf(settings, (owners) => rehearseAll(owners, options)),
      isJson,
      "would run",
      options.last,
    );
    return;
  }
  if (flags.newKey) process.stderr.write(NEW_KEY);
  const done = await withOwnersOf(settings, async (owners) => {
    const main = await owners.main;
    // All of it: two who alter the same login at once fail, and two who count the same stock both fill it.
    return alone(main, options.onWait, async () => {
      if (!flags.newKey) await refuseOtherKey(settings, owners);
      await ensureAllLogins(owners);
      const migrated = await migrate(owners, options);
      await (flags.newKey ? takeNewKey : ownKey)(settings, owners);
      await adoptProduct(main, productOf(settings.TENANTRY_PRODUCT));
      const made = await keepStock(owners, settings.TENANTRY_STOCK, progress("Homes made for the stock"));
      return { ...migrated, made };
    });
  });
  tellParent({ homes: done.homes });
  tellMigrated(done, isJson, "ran", options.last);
  if (done.behind.length > 0) process.exitCode = EXIT.partly;
}

/** @throws UsageError where something is asked for that what only shows something would pass over in silence */
function refuseBeside(option: "--check" | "--print-sql", flags: MigrateFlags): void {
  const others = Object.keys(flags)
    .map((flag) => `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
    .filter((other) => other !== option && other !== "--json");
  if (others.length > 0) throw new UsageError(`${option} takes no other option: leave out ${others.join(" and ")}.`);
}

/** @throws UsageError that says what would be right */
function optionsOf({ until, canary, workers = "4", all = false }: MigrateFlags): MigrateOptions {
  if (!/^\d+$/.test(workers) || Number(workers) < 1 || Number(workers) > MOST_WORKERS)
    throw new UsageError(`--workers must be a whole number from 1 to ${MOST_WORKERS}.`);
  const { tenant } = ownFiles();
  const last = until === undefined ? undefined : upTo(tenant, until)?.at(-1)?.name;
  if (until !== undefined && last === undefined)
    throw new UsageError(
      `--until names no migration of homes, or several. There are:\n${tenant.map(({ name }) => `- ${name}`).join("\n")}`,
    );
  return {
    last,
    everyHome: all,
    canaries: (canary ?? "").split(",").flatMap((slug) => slug.trim() || []),
    pace: { workers: Number(workers) },
    onHome: progress(LOOKING),
    onWait: () => void process.stderr.write("tenantry: Another run is under way; waiting for it.\n"),
  };
}

/** What an administrator runs where the owner's login may not make others. */
function printSql(settings: Settings): void {
  const { DATABASE_URL, DATABASE_DOOR_URL, TENANTRY_DATABASES, TENANTRY_STATEMENT_TIMEOUT_MS } = settings;
  if (!DATABASE_URL || !DATABASE_DOOR_URL)
    throw new UsageError("--print-sql is for a real database: set DATABASE_URL and DATABASE_DOOR_URL.");
  const login = (url: string) => ({ ...loginOf(url), statementTimeoutMs: TENANTRY_STATEMENT_TIMEOUT_MS });
  const print = (url: string, logins: Login[], alone: boolean) =>
    process.stdout.write(
      `${loginsSql(decodeURIComponent(new URL(url).pathname.slice(1)), logins, alone).join(";\n")};\n`,
    );
  print(DATABASE_URL, [login(DATABASE_DOOR_URL), login(DATABASE_URL)], false);
  for (const [name, url] of Object.entries(TENANTRY_DATABASES)) {
    process.stdout.write(`-- In the database ${name}:\n`);
    print(url, [login(url)], true);
  }
}
