import type { Lease } from "../../database/lease.js";
import { MAIN } from "../../database/names.js";
import type { Isolation } from "../directory/table.js";
import type { Owners } from "../owners.js";
import type { DueHome } from "./bring.js";
import { type Migration, pending } from "./files.js";
import { quote } from "./logins.js";
import { placesIn, versionOf } from "./versions.js";

/** Every home, as far as the directory knows about it. */
export interface Fleet {
  /** How many homes there are. */
  readonly homes: number;
  /** Those that are not known to be where they shall be; first those that gave no trouble the last time. */
  readonly due: readonly DueHome[];
  /** The last migration that shall run. */
  readonly last: string;
}

/**
 * Reads from the directory which homes are due: one statement, however many are not.
 * @param last the last migration that shall run; the last there is when absent
 * @param everyHome whether every home is due, for a look at its own record
 */
export async function lookAtFleet(
  main: Lease,
  files: readonly Migration[],
  { last, everyHome = false }: { readonly last?: string | undefined; readonly everyHome?: boolean } = {},
): Promise<Fleet> {
  const target = last ?? files.at(-1)?.name ?? "";
  const [places, count] = [placesIn(files), files.filter(({ name }) => name <= target).length];
  const complete = versionOf(files.map(({ name }) => name)).lineage;
  const [all] = await main.run("select count(*)::int as homes from tenantry.homes");
  const rows = await main.run(
    `select database, schema_name, isolation, version, lineage from tenantry.homes where $2::boolean or lineage is distinct from $1
     order by problem is not null, database, created_at, schema_name`,
    [complete, everyHome],
  );
  const due = rows.map(toHome).filter(({ lineage }) => everyHome || (places.get(lineage ?? "") ?? -1) < count);
  return { homes: Number(all?.homes), due, last: target };
}

function toHome(row: Record<string, unknown>): DueHome {
  const { database, schema_name, isolation, version, lineage } = row as Record<string, string | null>;
  const home = { database: database!, schemaName: schema_name!, isolation: isolation as Isolation };
  return { ...home, version: version ?? null, lineage: lineage ?? null };
}

/**
 * Looks at one home of each version that is none of `files`.
 * @throws Error that names the file that does not fit what ran
 */
export async function refuseMisfits(
  owners: Owners,
  main: Lease,
  fleet: Fleet,
  files: readonly Migration[],
): Promise<void> {
  const places = placesIn(files);
  const strange = fleet.due.filter(({ lineage }) => lineage !== null && !places.has(lineage));
  for (const home of new Map(strange.map((one) => [one.lineage, one])).values())
    pending(files, await appliedIn(owners, main, home).catch(() => []));
}

/** The migrations that are to run in a home, as far as can be seen from outside of it; a home of which nobody knows is read. */
export async function pendingIn(
  owners: Owners,
  main: Lease,
  home: DueHome,
  files: readonly Migration[],
  last: string,
): Promise<string[]> {
  const place = placesIn(files).get(home.lineage ?? "");
  const names =
    place === undefined ? await appliedIn(owners, main, home) : files.slice(0, place).map(({ name }) => name);
  return names.length === 0 ? [] : pending(files, names).flatMap(({ name }) => (name <= last ? name : []));
}

/** The names in a home's own record, in order; `[]` where it is not made yet. */
async function appliedIn(owners: Owners, main: Lease, { database, schemaName }: DueHome): Promise<string[]> {
  const owner = database === MAIN ? main : await owners.of(database);
  const ledger = `${quote(schemaName)}.migrations`;
  const [there] = await owner.run("select to_regclass($1) is not null as there", [ledger]);
  if (!there?.there) return [];
  return (await owner.run(`select name from ${ledger} order by name collate "C"`)).map(({ name }) => String(name));
}
