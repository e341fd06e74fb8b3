import { randomBytes } from "node:crypto";
import type { Lease } from "../../database/lease.js";
import { ddlOnCitus } from "../citus.js";
import { SCHEMA_NAME } from "../directory/directory.js";
import type { Isolation } from "../directory/table.js";
import { type Migration, type Names, ownFiles, spell } from "./files.js";
import { mustStand } from "./walls.js";

export const newSchemaName = (): string => `t_${randomBytes(16).toString("hex")}`;

/** Where a home keeps the names of the migrations that ran in it. */
const LEDGER = "create table migrations (name text primary key, applied_at timestamptz not null)";

/** The SQL that records migrations in the home of the `search_path`. */
export const recordSql = (files: readonly Migration[]): string =>
  `insert into migrations values ${files.map(({ name }) => `('${name.replaceAll("'", "''")}', clock_timestamp())`).join(", ")}`;

const compiled = new WeakMap<readonly Migration[], string>();

/** One text that makes a home, for every home the same but for the names in it: `{{schema}}` and the logins. */
function compile(files: readonly Migration[]): string {
  const known = compiled.get(files);
  if (known !== undefined) return known;
  const text = [
    'create schema "{{schema}}"',
    `select set_config('search_path', '"{{schema}}", pg_temp', true)`,
    ...files.map(({ sql }) => sql),
    LEDGER,
    ...(files.length > 0 ? [recordSql(files)] : []),
  ].join("\n;\n");
  compiled.set(files, text);
  return text;
}

/** The SQL that makes a home at the version of `files`, as one text for one transaction. */
export function baselineSql(schema: string, names: Names, files: readonly Migration[] = ownFiles().tenant): string {
  if (!SCHEMA_NAME.test(schema)) throw new TypeError("A home is called t_ and 32 hexadecimal digits.");
  return spell({ name: "of a home", sql: compile(files) }, { ...names, schema });
}

/**
 * Makes a home at this version, in the caller's transaction, which finds its tables from here on. The schema must not exist.
 * @throws Error that names every hole in its walls
 */
export async function createHome(
  owner: Lease,
  schema: string,
  names: Names,
  isolation: Isolation,
  files: readonly Migration[] = ownFiles().tenant,
): Promise<void> {
  const text = baselineSql(schema, names, files);
  await owner.run(owner.isCitus ? ddlOnCitus(text, isolation) : text);
  await mustStand(owner, schema);
  await owner.run(`set local search_path = ${schema}, pg_temp`);
}
