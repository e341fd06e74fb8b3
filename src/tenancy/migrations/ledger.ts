import type { Lease } from "../../database/lease.js";
import { quote } from "./logins.js";

/** The migrations that ran in a schema, in order; `[]` where there is none. */
export async function appliedIn(owner: Lease, schema: string): Promise<string[]> {
  const [there] = await owner.run("select to_regclass($1) is not null as there", [`${quote(schema)}.migrations`]);
  if (!there?.there) return [];
  const rows = await owner.run(`select name from ${quote(schema)}.migrations order by name`);
  return rows.map((row) => String(row.name));
}
