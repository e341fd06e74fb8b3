import type { Tenant } from "../../tenancy/tenants/record.js";
import { print } from "../progress.js";

/** A tenant as commands print it as JSON. */
export const shown = ({ id, slug, status, isolation, database, schemaName, epoch, createdAt }: Tenant) => ({
  slug,
  id,
  status,
  isolation,
  database,
  schema: schemaName,
  epoch,
  createdAt: createdAt.toISOString(),
});

/** Prints words for people, or one line of JSON for scripts. */
export function say(json: boolean | undefined, lines: readonly string[], data: object): void {
  print(json ? `${JSON.stringify(data)}\n` : `${lines.join("\n")}\n`);
}

/** Rows in columns; every one but the last as wide as its widest. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]!.length)));
  return rows.map((row) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index]! + 2))).join(""),
  );
}
