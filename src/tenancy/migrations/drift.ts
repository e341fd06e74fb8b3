import type { Lease } from "../../database/lease.js";
import type { Query } from "../walls/finding.js";
import { baselineSql, newSchemaName } from "./baseline.js";
import { type Migration, type Names, pending } from "./files.js";
import { ensureLogins, type Login, quote } from "./logins.js";
import { differences, digestsOf, type Shape, shapesOf } from "./shape.js";
import { inTrial } from "./transaction.js";
import { placesIn, versionOf } from "./versions.js";

/** A home and what is wrong with it. */
export interface Odd {
  readonly schema: string;
  /** The last migration in its own record; null where there is none. */
  readonly version: string | null;
  readonly why: string;
}

/** What a look at the homes of one database found. */
export interface Looked {
  /** Homes in whose own record a migration is missing. */
  readonly behind: readonly Odd[];
  /** Homes that are not built as the migrations in their record build one. */
  readonly drifted: readonly Odd[];
}

// Keeps a statement's answer, and what it locks, to a size that a server with its settings untouched can bear.
const HOMES_AT_ONCE = 250;
const SHAPES_AT_ONCE = 20;
// Whoever changed a home by hand wants to know what; a home of something else altogether would fill pages.
const MOST_DIFFERENCES = 10;

/**
 * Compares the catalogue of each home with that of one which is made anew from the same migrations, in a transaction that is
 * not kept. A few statements for each 250 homes, and one for each 20 that differ.
 * @param logins that are to have rights there, and that nobody may have made yet
 * @param onLooked is told how many more have been looked at
 */
export async function lookAtHomes(
  owner: Lease,
  schemas: readonly string[],
  files: readonly Migration[],
  names: Names,
  isInTransaction: boolean,
  logins: readonly Login[] = [],
  onLooked: (homes: number) => void = () => {},
): Promise<Looked> {
  const query: Query = (text, params) => owner.run(text, params);
  const records = new Map<string, string[]>();
  const digests = new Map<string, string>();
  for (let at = 0; at < schemas.length; at += HOMES_AT_ONCE) {
    const some = schemas.slice(at, at + HOMES_AT_ONCE);
    for (const [schema, record] of await recordsOf(query, some)) records.set(schema, record);
    for (const [schema, digest] of await digestsOf(query, some)) digests.set(schema, digest);
    onLooked(some.length);
  }

  const places = placesIn(files);
  const models = new Map<number, { readonly digest: string; readonly shape: Shape }>();
  const behind: Odd[] = [];
  const suspects: { readonly schema: string; readonly version: string | null; readonly model: Shape }[] = [];
  for (const schema of schemas) {
    const record = records.get(schema);
    if (!record) {
      behind.push({ schema, version: null, why: "There is no such schema, or no record in it of what ran." });
      continue;
    }
    const [{ version, lineage }, why] = [versionOf(record), behindOf(files, record)];
    if (why) behind.push({ schema, version, why });
    const place = places.get(lineage!);
    if (place === undefined) continue;
    if (!models.has(place))
      models.set(place, await modelOf(owner, files.slice(0, place), names, isInTransaction, logins));
    const model = models.get(place)!;
    if (digests.get(schema) !== model.digest) suspects.push({ schema, version, model: model.shape });
  }

  const drifted: Odd[] = [];
  for (let at = 0; at < suspects.length; at += SHAPES_AT_ONCE) {
    const some = suspects.slice(at, at + SHAPES_AT_ONCE);
    const shapes = await shapesOf(
      query,
      some.map(({ schema }) => schema),
    );
    for (const { schema, version, model } of some) {
      const found = differences(model, shapes.get(schema) ?? new Map());
      const more = found.length - MOST_DIFFERENCES;
      const why = [...found.slice(0, MOST_DIFFERENCES), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
      if (why) drifted.push({ schema, version, why });
    }
  }
  return { behind, drifted };
}

/** Why a home of this record is behind; null when it is not. */
function behindOf(files: readonly Migration[], record: readonly string[]): string | null {
  try {
    const due = pending(files, record);
    return due.length === 0 ? null : `It lacks ${due.map(({ name }) => name).join(", ")}.`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The names in the records of these homes; none of a home that has no record. */
async function recordsOf(query: Query, schemas: readonly string[]): Promise<Map<string, string[]>> {
  const there = await query(
    `select n.nspname as schema from pg_catalog.pg_namespace n
     join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = 'migrations' and c.relkind = 'r'
     where n.nspname = any (string_to_array($1, ','))`,
    [schemas.join()],
  );
  if (there.length === 0) return new Map();
  const rows = await query(
    there
      .map(
        ({ schema }) =>
          `select '${schema}' as schema, string_agg(name, ',' order by name collate "C") as names from ${quote(String(schema))}.migrations`,
      )
      .join(" union all "),
  );
  return new Map(rows.map(({ schema, names }) => [String(schema), names ? String(names).split(",") : []]));
}

/** How a home is built that is made from these migrations. */
async function modelOf(
  owner: Lease,
  files: readonly Migration[],
  names: Names,
  isInTransaction: boolean,
  logins: readonly Login[],
) {
  const make = async () => {
    const [schema, query]: [string, Query] = [newSchemaName(), (text, params) => owner.run(text, params)];
    if (logins.length > 0) await ensureLogins(owner, logins);
    await owner.run(baselineSql(schema, names, files));
    await owner.run("set local search_path = ''");
    const [digests, shapes] = [await digestsOf(query, [schema]), await shapesOf(query, [schema])];
    return { digest: digests.get(schema)!, shape: shapes.get(schema)! };
  };
  return isInTransaction ? make() : inTrial(owner, make);
}
