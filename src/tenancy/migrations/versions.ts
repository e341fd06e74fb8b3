import { createHash } from "node:crypto";
import type { Lease } from "../../database/lease.js";
import type { Home } from "../directory/directory.js";
import { type Migration, ownFiles } from "./files.js";

/** What the directory remembers of how far a home is. */
export interface Version {
  readonly version: string | null;
  readonly lineage: string | null;
}

/** The version of a home in which the migrations of these names ran. */
export function versionOf(names: readonly string[]): Version {
  const lineage = createHash("sha256").update(names.join("\n")).digest("hex").slice(0, 16);
  return { version: names.at(-1) ?? null, lineage };
}

/** The version of a home that is made now. */
export const ownVersion = (): Version => versionOf(ownFiles().tenant.map(({ name }) => name));

/** Every version on the way through `files`: how many of them have run, by the lineage that the directory remembers. */
export function placesIn(files: readonly Migration[]): ReadonlyMap<string, number> {
  const names = files.map(({ name }) => name);
  return new Map([...names.keys(), names.length].map((count) => [versionOf(names.slice(0, count)).lineage!, count]));
}

/** Remembers how far a home is, and that nothing is the matter with it. */
export async function remember(
  main: Lease,
  { database, schemaName }: Home,
  names: readonly string[] = ownFiles().tenant.map(({ name }) => name),
): Promise<void> {
  const { version, lineage } = versionOf(names);
  await main.run(
    "update tenantry.homes set version = $3, lineage = $4, problem = null where database = $1 and schema_name = $2",
    [database, schemaName, version, lineage],
  );
}

/** The same as SQL without values, for one message with others; of a home in the directory's own database. */
export function rememberSql({ database, schemaName }: Home, names: readonly string[]): string {
  const { version, lineage } = versionOf(names);
  const [is, came, at, called] = [version ?? "", lineage ?? "", database, schemaName].map(
    (text) => `'${text.replaceAll("'", "''")}'`,
  );
  return `update tenantry.homes set version = ${is}, lineage = ${came}, problem = null
    where database = ${at} and schema_name = ${called}`;
}

/** Remembers why a home could not be brought further. */
export async function rememberProblem(main: Lease, { database, schemaName }: Home, problem: string): Promise<void> {
  await main.run("update tenantry.homes set problem = $3 where database = $1 and schema_name = $2", [
    database,
    schemaName,
    problem,
  ]);
}
