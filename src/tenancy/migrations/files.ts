import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Migration {
  /** Its folder: the time it was written, and what it does. Migrations run in the order of their names. */
  readonly name: string;
  readonly sql: string;
}

/** All migrations of one version, in order. */
export interface Files {
  readonly directory: readonly Migration[];
  readonly tenant: readonly Migration[];
}

/** The names that only the deployment knows. Each stands in a migration as `{{door}}`, inside quotes. */
export interface Names {
  readonly door: string;
  readonly serve: string;
  readonly schema?: string;
}

const FOLDER = fileURLToPath(new URL("../../../drizzle", import.meta.url));

let read: Files | null = null;

/** Those of this version, read once. */
export function ownFiles(): Files {
  read ??= { directory: readMigrations("directory"), tenant: readMigrations("tenant") };
  return read;
}

/** Every migration of the directory, or of a tenant's home, in order. */
export function readMigrations(of: "directory" | "tenant"): Migration[] {
  return readdirSync(join(FOLDER, of), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, sql: readFileSync(join(FOLDER, of, name, "migration.sql"), "utf8") }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Those of `files` that are still to run.
 * @throws Error that names the file when what ran and what is here do not fit: a migration that this version does not
 *   know, or one that is dated before another that already ran and so would run in another order here than elsewhere
 */
export function pending(files: readonly Migration[], applied: readonly string[]): Migration[] {
  const known = new Set(files.map((file) => file.name));
  const stranger = applied.find((name) => !known.has(name));
  if (stranger) {
    throw new Error(
      `The database was migrated by a newer version: it knows ${stranger}, which is not here. Update Tenantry.`,
    );
  }
  const last = applied.reduce((latest, name) => (name > latest ? name : latest), "");
  const rest = files.filter((file) => !applied.includes(file.name));
  const late = rest.find((file) => file.name < last);
  if (late)
    throw new Error(`The migration ${late.name} is dated before ${last}, which already ran. Give it a later name.`);
  return rest;
}

/**
 * The migrations up to one, and with it.
 * @param last its name, or what it does: `add_list_indexes`
 * @returns null when there is not exactly one of that name
 */
export function upTo(files: readonly Migration[], last: string): readonly Migration[] | null {
  const fits = files.flatMap(({ name }, index) => (name === last || name.replace(/^\d+_/, "") === last ? index : []));
  return fits.length === 1 ? files.slice(0, fits[0]! + 1) : null;
}

/** The text of a migration with the deployment's names in it, quoted as identifiers. */
export function spell({ name, sql }: Migration, names: Names): string {
  return sql.replaceAll(/\{\{(\w+)\}\}/g, (_, key: string) => {
    const value = names[key as keyof Names];
    if (!value) throw new Error(`The migration ${name} wants a name that is not there: ${key}.`);
    return value.replaceAll('"', '""');
  });
}
