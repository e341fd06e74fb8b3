import { type Column, names } from "../homeTables.js";

/*
 * Rows on the way between two connections: one array for each column, as text from end to end. PostgreSQL writes the arrays
 * and PostgreSQL reads them; nothing here looks inside, so no type can lose anything.
 */

/** Columns that were packed, in order; null where there were no rows. */
export type Packed = readonly (string | null)[];

const nth = (index: number): string => `v${index}`;

/** The select list that packs these columns of `from`. */
export const pack = (columns: readonly Column[], from: string, prefix = ""): string =>
  columns
    .map((column, index) => `array_agg(${names([column], from)}::text)::text as ${prefix}${nth(index)}`)
    .join(", ");

/** The packed columns in a row that was selected with `pack`. */
export const packedIn = (row: Readonly<Record<string, unknown>>, columns: readonly Column[], prefix = ""): Packed =>
  columns.map((_, index) => row[`${prefix}${nth(index)}`] as string | null);

/** The rows again, from parameters that begin with number `first`: what stands behind FROM. */
export const unpack = (columns: readonly Column[], first: number, alias: string): string =>
  `unnest(${columns.map((_, index) => `$${first + index}::text::text[]`).join(", ")}) as ${alias}(${columns.map((_, index) => nth(index)).join(", ")})`;

/** The select list of what was unpacked, each value of its type. */
export const typed = (columns: readonly Column[], alias: string): string =>
  columns.map(({ type }, index) => `${alias}.${nth(index)}::${type}`).join(", ");

/** Whether a row of `table` has the key that was unpacked. */
export const hasKey = (key: readonly Column[], table: string, alias: string): string =>
  key.map((column, index) => `${names([column], table)} = ${alias}.${nth(index)}::${column.type}`).join(" and ");
