import { type Column, type SQL, sql } from "drizzle-orm";
import { isUuid } from "../ids.js";

/**
 * Identifiers as one parameter, for `= any(…)`: the text of a statement, and so its plan, does not depend on how many there
 * are.
 */
export function uuids(ids: readonly string[]): SQL {
  return sql`${arrayOf(ids)}::uuid[]`;
}

/** Whether a column holds one of the identifiers that `arrayOf` makes the value of this name. */
export function anyOf(column: Column, name: string): SQL {
  return sql`${column} = any(${sql.placeholder(name)}::uuid[])`;
}

/** Whether a column holds one of the texts of which the JSON is the value of this name. */
export function anyTextOf(column: Column, name: string): SQL {
  return sql`${column} = any(array(select jsonb_array_elements_text(${sql.placeholder(name)}::text::jsonb)))`;
}

/** Texts as one parameter, for `= any(…)`. */
export function texts(values: readonly string[]): SQL {
  return sql`array(select jsonb_array_elements_text(${JSON.stringify(values)}::text::jsonb))`;
}

/** The literal of a uuid array, for a statement written by hand. */
export function arrayOf(ids: readonly string[]): string {
  const stranger = ids.find((id) => !isUuid(id));
  if (stranger !== undefined) throw new TypeError("Not a uuid.");
  return `{${ids.join(",")}}`;
}
