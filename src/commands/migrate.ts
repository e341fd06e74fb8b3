import { readSettings } from "../config.js";
import { type Login, loginOf, loginsSql } from "../tenancy/migrations/logins.js";
import { migrate } from "../tenancy/migrations/migrate.js";
import { ensureAllLogins } from "../tenancy/owners.js";
import { withOwnersOf } from "./database.js";
import { UsageError } from "./explain.js";
import { progress } from "./progress.js";

/** `tenantry migrate`: makes the serving logins, and brings the directory and every home to this version. */
export async function migrateCommand(options: { printSql?: boolean; json?: boolean }): Promise<void> {
  const settings = readSettings(process.env);
  if (options.printSql) {
    const { DATABASE_URL, DATABASE_DOOR_URL } = settings;
    if (!DATABASE_URL || !DATABASE_DOOR_URL)
      throw new UsageError("--print-sql is for a real database: set DATABASE_URL and DATABASE_DOOR_URL.");
    const print = (url: string, logins: Login[], alone: boolean) =>
      process.stdout.write(
        `${loginsSql(decodeURIComponent(new URL(url).pathname.slice(1)), logins, alone).join(";\n")};\n`,
      );
    print(DATABASE_URL, [loginOf(DATABASE_DOOR_URL), loginOf(DATABASE_URL)], false);
    for (const [name, url] of Object.entries(settings.TENANTRY_DATABASES)) {
      process.stdout.write(`-- In the database ${name}:\n`);
      print(url, [loginOf(url)], true);
    }
    return;
  }
  const { homes, applied } = await withOwnersOf(settings, async (owners) => {
    await ensureAllLogins(owners);
    return migrate(owners, { onHome: progress("Homes looked at") });
  });
  process.send?.({ homes });
  if (options.json) process.stdout.write(`${JSON.stringify({ homes, applied })}\n`);
  else if (applied.length === 0)
    process.stdout.write(
      `Everything is at this version: the directory, and ${homes} ${homes === 1 ? "home" : "homes"}.\n`,
    );
  else for (const { schema, migration } of applied) process.stdout.write(`${schema}  ${migration}\n`);
}
