import { MAIN } from "../../database/names.js";
import { pending, readMigrations } from "../migrations/files.js";
import type { Check, Problem } from "./problem.js";

const APPLIED = (schema: string) => `select name from "${schema}".migrations order by name`;

/** Whether the directory, and every home that is there, is at this version. */
export const migrationsCheck: Check = {
  name: "migrations",
  async look(owners, databases, onDone) {
    const main = await owners.main;
    const problems = [behind("The directory", "directory", await main.run(APPLIED("tenantry")))];
    const homes = await main.run("select database, schema_name from tenantry.homes");
    for (const [at, { database, schema_name }] of homes.entries()) {
      onDone(at, homes.length);
      if (!databases.includes(String(database))) continue;
      const place = await owners.of(String(database));
      const [there] = await place.run("select to_regclass($1) is not null as there", [`"${schema_name}".migrations`]);
      if (!there?.there) continue;
      const what = `The home ${schema_name} in ${database === MAIN ? "main" : database}`;
      problems.push(behind(what, "tenant", await place.run(APPLIED(String(schema_name)))));
    }
    return problems.flat();
  },
};

function behind(what: string, of: "directory" | "tenant", rows: readonly Record<string, unknown>[]): Problem[] {
  const files = readMigrations(of);
  const applied = rows.map(({ name }) => String(name));
  try {
    const due = pending(files, applied);
    return due.length === 0
      ? []
      : [
          {
            what: `${what} is ${due.length} ${due.length === 1 ? "migration" : "migrations"} behind.`,
            mend: "Run `tenantry migrate`.",
          },
        ];
  } catch (error) {
    return [{ what: `${what} is at another version.`, mend: (error as Error).message }];
  }
}
