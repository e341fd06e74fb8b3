import type { Lease } from "../../database/connection.js";
import { SCHEMA_NAME } from "../directory/directory.js";
import { type Migration, type Names, pending, readMigrations, spell } from "./files.js";
import { quote } from "./logins.js";

// "tenantry" in ASCII: one number that nothing else in the database is likely to take.
const MIGRATING = "8387229059480511097";

/** What a run did: how many homes there are, and every migration that ran, by where it ran. */
export interface Migrated {
  readonly homes: number;
  readonly applied: readonly { readonly schema: string; readonly migration: string }[];
}

/**
 * Brings the directory and every tenant's home to this version. One run at a time, whoever starts it; each home in a
 * transaction of its own, with the record of what ran inside it, so that an interrupted run is simply run again.
 */
export async function migrate(owner: Lease, names: Names): Promise<Migrated> {
  await owner.run("select pg_advisory_lock($1::bigint)", [MIGRATING]);
  try {
    const applied: { schema: string; migration: string }[] = [];
    const bring = async (schema: string, files: readonly Migration[]) => {
      for (const migration of pending(files, await appliedIn(owner, schema))) {
        await inTransaction(owner, () => apply(owner, schema, migration, names));
        applied.push({ schema, migration: migration.name });
      }
    };
    await bring("tenantry", readMigrations("directory"));
    const homes = await owner.run("select schema_name from tenantry.tenants order by id");
    const files = readMigrations("tenant");
    for (const home of homes) await bring(String(home.schema_name), files);
    return { homes: homes.length, applied };
  } finally {
    await owner.run("select pg_advisory_unlock($1::bigint)", [MIGRATING]);
  }
}

/** Makes a home at this version, in the caller's transaction. The schema must not exist. */
export async function createHome(owner: Lease, schema: string, names: Names): Promise<void> {
  if (!SCHEMA_NAME.test(schema)) throw new TypeError("A home is called t_ and 32 hexadecimal digits.");
  await owner.run(`create schema ${quote(schema)}`);
  for (const migration of readMigrations("tenant")) await apply(owner, schema, migration, names);
}

/** The SQL of every migration, for an administrator who wants to read or run it by hand. */
export function directorySql(names: Names): string[] {
  return readMigrations("directory").map((migration) => spell(migration, names));
}

async function appliedIn(owner: Lease, schema: string): Promise<string[]> {
  const [there] = await owner.run("select to_regclass($1) is not null as there", [`${quote(schema)}.migrations`]);
  if (!there?.there) return [];
  const rows = await owner.run(`select name from ${quote(schema)}.migrations order by name`);
  return rows.map((row) => String(row.name));
}

async function apply(owner: Lease, schema: string, migration: Migration, names: Names): Promise<void> {
  await owner.run("select set_config('search_path', $1, true)", [`${quote(schema)}, pg_temp`]);
  await owner.run(spell(migration, { ...names, schema }));
  await owner.run(
    `create table if not exists ${quote(schema)}.migrations (name text primary key, applied_at timestamptz not null)`,
  );
  await owner.run(`insert into ${quote(schema)}.migrations values ($1, clock_timestamp())`, [migration.name]);
}

/** Runs `work` in one transaction of the owner's: all of it or nothing. */
export async function inTransaction<T>(owner: Lease, work: () => Promise<T>): Promise<T> {
  await owner.run("begin");
  try {
    const result = await work();
    const { command } = await owner.run("commit");
    if (command !== "COMMIT") throw new Error(`The transaction was not committed: ${command}.`);
    return result;
  } catch (error) {
    await owner.run("rollback").catch(() => {});
    throw error;
  }
}
