import { MAIN } from "../../database/names.js";
import type { Isolation } from "../../tenancy/directory/table.js";
import type { Owners } from "../../tenancy/owners.js";
import { RefusedError, UsageError } from "../explain.js";

const KINDS: Readonly<Record<string, Isolation>> = { shared: "SHARED", schema: "SCHEMA", database: "DATABASE" };

export interface PlaceOptions {
  readonly isolation?: string;
  readonly database?: string | undefined;
}

/**
 * Where a tenant is to come to, as the options say: a schema of its own in `main` unless they say otherwise.
 * @param option which of them names the database
 * @throws UsageError that names the option, and what it can be
 */
export async function placeOf(
  owners: Owners,
  { isolation = "schema", database }: PlaceOptions,
  option = "--database",
): Promise<{ isolation: Isolation; database: string }> {
  const kind = Object.hasOwn(KINDS, isolation) ? KINDS[isolation] : undefined;
  if (!kind) throw new UsageError(`--isolation is shared, schema or database, and not ${isolation}.`);
  if (database !== undefined && !owners.databases.includes(database))
    throw new UsageError(
      `${option} ${database}: the settings name no such one. There are: ${owners.databases.join(", ")}.`,
    );
  return placeIn(owners, kind, database ?? null);
}

/**
 * A place of that kind in that database; in none in particular, it is `main`, or for a database of its own a free one.
 * @throws RefusedError when none is free
 */
export async function placeIn(owners: Owners, isolation: Isolation, database: string | null) {
  return { isolation, database: database ?? (isolation === "DATABASE" ? await freeDatabase(owners) : MAIN) };
}

/** The first of the databases in which nobody lives. */
async function freeDatabase(owners: Owners): Promise<string> {
  const homes = await (await owners.main).run("select distinct database from tenantry.homes");
  const taken = homes.map((row) => row.database);
  const free = owners.databases.find((name) => name !== MAIN && !taken.includes(name));
  if (free) return free;
  throw new RefusedError(
    "Every database of the settings has tenants already, and one of its own must be empty. Name one more in TENANTRY_DATABASES, and its owner in TENANTRY_DATABASE_OWNERS.",
  );
}
