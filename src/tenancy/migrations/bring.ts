import { isAway, isPassing, sqlState } from "../../database/errors.js";
import type { Lease, Result } from "../../database/lease.js";
import { MAIN } from "../../database/names.js";
import { ddlOnCitus } from "../citus.js";
import { type Home, SCHEMA_NAME } from "../directory/directory.js";
import type { Isolation } from "../directory/table.js";
import type { Owners } from "../owners.js";
import { recordSql } from "./baseline.js";
import { type Migration, type Names, pending, spell } from "./files.js";
import { altersTablesAlone, type Touching } from "./touched.js";
import { inTransaction } from "./transaction.js";
import { remember, rememberSql } from "./versions.js";
import { mustStand, type Standing } from "./walls.js";

/** A home whose schema is not there. */
export class NoHomeError extends Error {
  override readonly name = "NoHomeError";
}

/** What is to be done to every home. */
export interface Work {
  readonly owners: Owners;
  /** All migrations there are. */
  readonly files: readonly Migration[];
  /** How many of them have run, by the lineage that the directory remembers. */
  readonly places: ReadonlyMap<string, number>;
  /** The last one that shall run. */
  readonly last: string;
  /** How long a statement waits for a lock, while others wait behind it: less than those of a request do. */
  readonly lockMs: number;
  /** What was seen of walls in each database, by whatever connection. */
  readonly standing: Map<string, Standing>;
}

const UNDEFINED_TABLE = "42P01";
/** The migrations that ran in the home of the `search_path`, in order. */
const RAN = 'select name from migrations order by name collate "C"';

/** A home that the directory does not know to be where it shall be. */
export interface DueHome extends Home {
  readonly isolation: Isolation;
  /** The last migration that is known to have run in it; null when nobody has looked. */
  readonly version: string | null;
  /** A digest of the names of all that are known to have run. */
  readonly lineage: string | null;
}

/**
 * Brings one home as far as `last`, in one transaction with the record of it: whoever is interrupted, here or at the server,
 * finds the home as it was or as it shall be. Another run, a move, or the tenant that just comes to it are waited for.
 * @returns the migrations that ran; `[]` where all of them had
 * @throws NoHomeError when there is no such schema
 * @throws MigrationError that names the migration which failed
 */
export async function bring(work: Work, owner: Lease, home: DueHome): Promise<string[]> {
  // Whoever is just making it holds its lock until it is there.
  if (home.version === null) await mustExist(owner, home.schemaName);
  return (await bringAsRemembered(work, owner, home)) ?? bringAsFound(work, owner, home);
}

/**
 * The same by what the directory remembers of the home: all in one message, and the commit in another, for of thousands of
 * homes every way there and back counts.
 * @returns null where nothing is remembered, or the home is not so, or anything else is the matter with it: nothing was done
 * @throws what may be over the next time
 */
async function bringAsRemembered(work: Work, owner: Lease, home: DueHome): Promise<string[] | null> {
  const place = work.places.get(home.lineage ?? "");
  if (place === undefined || owner.isCitus) return null;
  const isMain = home.database === MAIN;
  const applied = work.files.slice(0, place).map(({ name }) => name);
  const due = work.files.slice(place).filter(({ name }) => name <= work.last);
  if (due.length === 0) return null;
  const names = due.map(({ name }) => name);
  const all = [...applied, ...names];
  const texts = due.map((migration) =>
    spell(migration, { ...work.owners.names(home.database), schema: home.schemaName }),
  );
  const entry = entryTo(home, work.lockMs, isMain ? rememberSql(home, all) : null);
  try {
    await inTransaction(
      owner,
      async (entered) => {
        const touching = texts.every(altersTablesAlone) ? "tables" : "anything";
        const stands = mustStand(owner, home.schemaName, touching, standingIn(work, home.database));
        const [ran, stood] = await Promise.allSettled([entered, stands]);
        if (ran.status === "rejected") throw ran.reason;
        if (stood.status === "rejected") throw stood.reason;
        const there = ran.value.at(-1)!.map(({ name }) => String(name));
        if (there.join() !== all.join()) throw new Error("The directory is behind the home.");
      },
      "read committed",
      [...entry, ...texts.map((text) => `${text}\n`), recordSql(due), RAN],
    );
  } catch (error) {
    if (isPassing(error) || isAway(error)) throw error;
    return null;
  }
  if (!isMain) await remember(await work.owners.main, home, all);
  return names;
}

/** The same by what the home's own record says, step by step: whatever is the matter is said of the step. */
async function bringAsFound(work: Work, owner: Lease, home: DueHome): Promise<string[]> {
  const isMain = home.database === MAIN;
  const go = async (entered: Promise<readonly Result[]>) => {
    const applied = (await entered).at(-1)!.map(({ name }) => String(name));
    const due = pending(work.files, applied).filter(({ name }) => name <= work.last);
    const all = [...applied, ...due.map(({ name }) => name)].sort();
    const touching = await run(owner, due, home, work.owners.names(home.database));
    // Both at once; the look first, for behind it the search path is always the same one, and nothing is planned anew.
    await Promise.all([
      due.length > 0 && mustStand(owner, home.schemaName, touching, standingIn(work, home.database)),
      isMain && remember(owner, home, all),
    ]);
    return { due, all };
  };
  const { due, all } = await inTransaction(owner, go, "read committed", [...entryTo(home, work.lockMs), RAN]).catch(
    (cause) => {
      if (sqlState(cause) !== UNDEFINED_TABLE) throw cause;
      throw new NoHomeError(`There is no home ${home.schemaName}, or no record of what ran in it.`, { cause });
    },
  );
  // Not before it is certain: a memory that is behind is mended by the next look, one that is ahead by nobody.
  if (!isMain) await remember(await work.owners.main, home, all);
  return due.map(({ name }) => name);
}

function standingIn({ standing }: Work, database: string): Standing {
  const seen = standing.get(database) ?? new Map();
  standing.set(database, seen);
  return seen;
}

async function mustExist(owner: Lease, schema: string): Promise<void> {
  const [there] = await owner.run("select to_regnamespace($1) is not null as it", [schema]);
  if (!there?.it) throw new NoHomeError(`There is no home ${schema}.`);
}

/**
 * Locks a home for this transaction, and goes into it. The row before the lock on the name, as whoever moves into the home
 * takes them.
 * @param change of the row, which locks it as well
 */
function entryTo({ database, schemaName }: DueHome, lockMs: number, change: string | null = null): string[] {
  if (!SCHEMA_NAME.test(schemaName)) throw new TypeError("A home is called t_ and 32 hexadecimal digits.");
  return [
    `set local lock_timeout = ${lockMs}`,
    // What a crash of the server takes back it takes back as a whole, with the directory's memory of it: so all may go to the
    // disk together. In another database the memory is written once the home is on the disk.
    ...(database === MAIN ? ["set local synchronous_commit = off"] : []),
    `set local search_path = ${schemaName}, pg_temp`,
    ...(database === MAIN
      ? [
          change ??
            `select from tenantry.homes where database = '${MAIN}' and schema_name = '${schemaName}' for no key update`,
        ]
      : []),
    `select pg_advisory_xact_lock(hashtextextended('${schemaName}', 0))`,
  ];
}

/** Returns when all that was committed in the directory's database, by whatever session, is on the disk. */
export async function makeDurable(main: Lease): Promise<void> {
  await main.run("select pg_catalog.pg_logical_emit_message(true, 'tenantry', '')");
}

/** A migration that did not run in a home. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/**
 * Runs these migrations on the home of the `search_path`, and records them there.
 * @returns what they can have changed
 */
async function run(
  owner: Lease,
  due: readonly Migration[],
  { isolation, schemaName }: DueHome,
  names: Names,
): Promise<Touching> {
  let touching: Touching = "tables";
  for (const migration of due) {
    const sql = spell(migration, { ...names, schema: schemaName });
    const text = owner.isCitus ? ddlOnCitus(sql, isolation) : sql;
    if (!altersTablesAlone(text)) touching = "anything";
    await owner.run(`${text}\n;\n${recordSql([migration])}`).catch((cause: Error) => {
      // What the connection says of its end is not about this migration.
      throw sqlState(cause) ? new MigrationError(`${migration.name} failed: ${cause.message}`, { cause }) : cause;
    });
  }
  return touching;
}
