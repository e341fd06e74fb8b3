import { type Column, type SQL, sql } from "drizzle-orm";

/**
 * Rows of a table as JSON: a list of values in the order of these columns, without their names, which take PostgreSQL as long
 * to write as the rows take to be found. `row` makes of it what a statement of its own would have answered.
 */
export function jsonOf<Row>(columns: Readonly<Record<keyof Row, Column>>) {
  const all = Object.entries<Column>(columns);
  const isInstant = all.map(([, column]) => column.getSQLType().startsWith("timestamp"));
  const json: SQL = sql`json_build_array(${sql.join(
    all.map(([, column]) => column),
    sql`, `,
  )})`;
  const row = (values: readonly unknown[]): Row => {
    const made: Record<string, unknown> = {};
    for (const [n, [name]] of all.entries()) {
      const value = values[n];
      made[name] = isInstant[n] && value !== null ? new Date(value as string) : value;
    }
    return made as Row;
  };
  return { json, row };
}
