import type { Lease } from "../../database/lease.js";
import { MAIN } from "../../database/names.js";
import type { Owners } from "../owners.js";
import { type Files, pending, spell } from "./files.js";
import { ensureLogins } from "./logins.js";
import type { Applied } from "./summary.js";
import { inTrial } from "./transaction.js";

// "tenantry" in ASCII: one number that nothing else in the database is likely to take.
const MIGRATING = "8387229059480511097";

/** Runs `work` while nobody else migrates. Within it, on the same connection, it runs at once. */
export async function alone<T>(main: Lease, onWait: (() => void) | undefined, work: () => Promise<T>): Promise<T> {
  const [got] = await main.run("select pg_try_advisory_lock($1::bigint) as it", [MIGRATING]);
  if (!got?.it) {
    onWait?.();
    await main.run("select pg_advisory_lock($1::bigint)", [MIGRATING]);
  }
  try {
    return await work();
  } finally {
    await main.run("select pg_advisory_unlock($1::bigint)", [MIGRATING]);
  }
}

/** Brings the directory to the version of `files`, in the caller's transaction. */
export async function bringDirectory(owners: Owners, main: Lease, files: Files): Promise<Applied[]> {
  const [there] = await main.run("select to_regclass('tenantry.migrations') is not null as there");
  const ran = there?.there ? await main.run("select name from tenantry.migrations order by name") : [];
  const due = pending(
    files.directory,
    ran.map(({ name }) => String(name)),
  );
  await main.run("set local search_path = tenantry, pg_temp");
  for (const migration of due) {
    await main.run(spell(migration, { ...owners.names(MAIN), schema: "tenantry" }));
    await main.run(
      "create table if not exists tenantry.migrations (name text primary key, applied_at timestamptz not null)",
    );
    await main.run("insert into tenantry.migrations values ($1, clock_timestamp())", [migration.name]);
  }
  return due.map(({ name }) => ({ schema: "tenantry", migration: name }));
}

/**
 * Runs `read` in a directory of this version, of which nothing is kept: the first time with the logins that are given rights
 * there. What is altered is closed to every gateway until it has read, so it looks at no home.
 * @param read is given what the directory lacks
 */
export function inDirectory<T>(
  owners: Owners,
  main: Lease,
  files: Files,
  read: (applied: readonly Applied[]) => Promise<T>,
): Promise<T> {
  return inTrial(main, async () => {
    await ensureLogins(main, owners.logins(MAIN));
    return read(await bringDirectory(owners, main, files));
  });
}
