import type { Lease } from "../../database/connection.js";
import { sqlState } from "../../database/errors.js";
import { MAIN } from "../../database/names.js";
import type { Home } from "../directory/directory.js";
import type { Owners } from "../owners.js";
import { type Migration, pending, spell } from "./files.js";
import { quote } from "./logins.js";
import { inTransaction } from "./transaction.js";
import { remember } from "./versions.js";
import { mustStand } from "./walls.js";

/** A home whose schema is not there. */
export class NoHomeError extends Error {
  override readonly name = "NoHomeError";
}

/** What is to be done to every home. */
export interface Work {
  readonly owners: Owners;
  /** All migrations there are. */
  readonly files: readonly Migration[];
  /** The last one that shall run. */
  readonly last: string;
  /** How long a statement waits for a lock, while others wait behind it: less than those of a request do. */
  readonly lockMs: number;
}

const UNDEFINED_TABLE = "42P01";

/**
 * Brings one home as far as `last`, in one transaction with the record of it: whoever is interrupted, here or at the server,
 * finds the home as it was or as it shall be. Another run, a move, or the tenant that just comes to it are waited for.
 * @returns the migrations that ran; `[]` where all of them had
 * @throws NoHomeError when there is no such schema
 * @throws MigrationError that names the migration which failed
 */
export async function bring(work: Work, owner: Lease, home: Home): Promise<string[]> {
  const [main, schema] = [await work.owners.main, home.schemaName];
  const isMain = home.database === MAIN;
  const { due, all } = await inTransaction(owner, async () => {
    // One after the other without waiting: the first that fails fails all, and is the reason.
    const sent = [owner.run(`set local lock_timeout = ${work.lockMs}`)];
    // The row before the lock on the name, as whoever moves into the home takes them.
    if (isMain) sent.push(owner.run(ROW, [home.database, schema]));
    sent.push(owner.run("select pg_advisory_xact_lock(hashtextextended($1, 0))", [schema]));
    sent.push(owner.run("select set_config('search_path', $1, true)", [`${quote(schema)}, pg_temp`]));
    const applied = await ledgerOf(owner, schema, sent);
    const due = pending(work.files, applied).filter(({ name }) => name <= work.last);
    if (due.length > 0) await apply(owner, due, { ...work.owners.names(home.database), schema });
    const all = [...applied, ...due.map(({ name }) => name)].sort();
    if (isMain) await remember(owner, home, all);
    return { due, all };
  });
  // Not before it is certain: a memory that is behind is mended by the next look, one that is ahead by nobody.
  if (!isMain) await remember(main, home, all);
  return due.map(({ name }) => name);
}

const ROW = "select from tenantry.homes where database = $1 and schema_name = $2 for no key update";

/** The migrations that ran in the home on the `search_path`, in order; `sent` went before and is waited for, too. */
async function ledgerOf(owner: Lease, schema: string, sent: Promise<unknown>[]): Promise<string[]> {
  const asked = owner.run('select name from migrations order by name collate "C"');
  try {
    const [rows] = await Promise.all([asked, ...sent]);
    return rows.map(({ name }) => String(name));
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    throw new NoHomeError(`There is no home ${schema}, or no record of what ran in it.`, { cause: error });
  }
}

/** A migration that did not run in a home. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/** Runs these migrations on the home of the `search_path`, records them there, and looks whether its walls still stand. */
async function apply(
  owner: Lease,
  due: readonly Migration[],
  names: { readonly door: string; readonly serve: string; readonly schema: string },
): Promise<void> {
  for (const migration of due) {
    await owner.run(spell(migration, names)).catch((cause: Error) => {
      // What the connection says of its end is not about this migration.
      throw sqlState(cause) ? new MigrationError(`${migration.name} failed: ${cause.message}`, { cause }) : cause;
    });
  }
  void owner.run(
    "insert into migrations select name, clock_timestamp() from unnest(string_to_array($1, ',')) as name",
    [due.map(({ name }) => name).join()],
  );
  await mustStand(owner, names.schema);
}
