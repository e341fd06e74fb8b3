import type { Lease } from "../../database/connection.js";
import { MAIN } from "../../database/names.js";
import { SCHEMA_NAME } from "../directory/directory.js";
import type { Owners } from "../owners.js";
import { checkHomes } from "../walls/catalogue.js";
import { type Migration, type Names, pending, readMigrations, spell } from "./files.js";
import { quote } from "./logins.js";

// "tenantry" in ASCII: one number that nothing else in the database is likely to take.
const OWNERS_WORK = "8387229059480511097";

/** Runs `work` when no other owner's work that goes through the tenants is under way in this database. */
export async function oneAtATime<T>(owner: Lease, work: () => Promise<T>): Promise<T> {
  await owner.run("select pg_advisory_lock($1::bigint)", [OWNERS_WORK]);
  try {
    return await work();
  } finally {
    await owner.run("select pg_advisory_unlock($1::bigint)", [OWNERS_WORK]);
  }
}

/** What a run did: how many homes there are, and every migration that ran, by where it ran. */
export interface Migrated {
  readonly homes: number;
  readonly applied: readonly { readonly schema: string; readonly migration: string }[];
}

/**
 * Brings the directory and every home to this version. One run at a time, whoever starts it; each home in a transaction of
 * its own, with the record of what ran inside it, so that an interrupted run is simply run again.
 */
export async function migrate(
  owners: Owners,
  onHome: (done: number, of: number) => void = () => {},
): Promise<Migrated> {
  const main = await owners.main;
  return oneAtATime(main, async () => {
    const applied: { schema: string; migration: string }[] = [];
    const bring = async (
      owner: Lease,
      schema: string,
      names: Names,
      files: readonly Migration[],
      check: () => Promise<void>,
    ) => {
      const due = pending(files, await appliedIn(owner, schema));
      if (due.length === 0) return;
      await inTransaction(owner, async () => {
        for (const migration of due) await apply(owner, schema, migration, names);
        await check();
      });
      applied.push(...due.map(({ name }) => ({ schema, migration: name })));
    };
    await bring(main, "tenantry", owners.names(MAIN), readMigrations("directory"), async () => {});
    const homes = await main.run("select database, schema_name from tenantry.homes order by database, schema_name");
    const files = readMigrations("tenant");
    for (const [done, row] of homes.entries()) {
      onHome(done, homes.length);
      const [database, schema] = [String(row.database), String(row.schema_name)];
      const owner = await owners.of(database);
      await bring(owner, schema, owners.names(database), files, () => mustStand(owner, schema));
    }
    return { homes: homes.length, applied };
  });
}

/** Makes a home at this version, in the caller's transaction. The schema must not exist. */
export async function createHome(owner: Lease, schema: string, names: Names): Promise<void> {
  if (!SCHEMA_NAME.test(schema)) throw new TypeError("A home is called t_ and 32 hexadecimal digits.");
  await owner.run(`create schema ${quote(schema)}`);
  for (const migration of readMigrations("tenant")) await apply(owner, schema, migration, names);
  await mustStand(owner, schema);
}

/**
 * Nothing is kept of a migration that leaves a hole in a home's walls: a table without row security, a policy that lets all
 * through, a key that does not lead with the tenant.
 * @throws Error that names every hole, and what mends it
 */
async function mustStand(owner: Lease, schema: string): Promise<void> {
  const findings = await checkHomes((text, params) => owner.run(text, params), [schema]);
  if (findings.length === 0) return;
  const holes = findings.map(({ what, mend }) => `- ${what} ${mend}`).join("\n");
  throw new Error(`The migrations would leave ${schema} open, so none of them was kept:\n${holes}`);
}

/** The migrations that ran in a schema, in order; `[]` where there is none. */
export async function appliedIn(owner: Lease, schema: string): Promise<string[]> {
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
export async function inTransaction<T>(
  owner: Lease,
  work: () => Promise<T>,
  isolation: "read committed" | "repeatable read" = "read committed",
): Promise<T> {
  await owner.run(`begin isolation level ${isolation}`);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await owner.run("rollback").catch(() => {});
    throw error;
  }
  const { command } = await owner.run("commit");
  if (command !== "COMMIT") throw new Error(`The transaction was not committed: ${command}.`);
  return result;
}
