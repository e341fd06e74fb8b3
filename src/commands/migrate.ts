import { productOf } from "../access/catalogue.js";
import { readSettings } from "../config.js";
import { withOwner } from "../database/owner.js";
import { adoptProduct } from "../tenancy/directory/product.js";
import { ensureLogins, loginOf, loginsSql } from "../tenancy/migrations/logins.js";
import { migrate } from "../tenancy/migrations/migrate.js";
import { withOwnersDatabase } from "./database.js";
import { UsageError } from "./explain.js";
import { progress } from "./progress.js";

/** `tenantry migrate`: makes the serving logins, and brings the directory and every home to this version. */
export async function migrateCommand(options: { printSql?: boolean; json?: boolean }): Promise<void> {
  const settings = readSettings(process.env);
  if (options.printSql) {
    const { DATABASE_URL, DATABASE_DOOR_URL } = settings;
    if (!DATABASE_URL || !DATABASE_DOOR_URL)
      throw new UsageError("--print-sql is for a real database: set DATABASE_URL and DATABASE_DOOR_URL.");
    const database = decodeURIComponent(new URL(DATABASE_URL).pathname.slice(1));
    process.stdout.write(`${loginsSql(database, [loginOf(DATABASE_DOOR_URL), loginOf(DATABASE_URL)]).join(";\n")};\n`);
    return;
  }
  const { homes, applied } = await withOwnersDatabase(settings, ({ ownerUrl, serve, door }) =>
    withOwner(ownerUrl, async (owner) => {
      await ensureLogins(owner, [door, serve]);
      const migrated = await migrate(owner, { door: door.name, serve: serve.name }, progress("Tenants looked at"));
      await adoptProduct(owner, productOf(settings.TENANTRY_PRODUCT));
      return migrated;
    }),
  );
  process.send?.({ homes });
  if (options.json) process.stdout.write(`${JSON.stringify({ homes, applied })}\n`);
  else if (applied.length === 0)
    process.stdout.write(
      `Everything is at this version: the directory, and ${homes} ${homes === 1 ? "tenant" : "tenants"}.\n`,
    );
  else for (const { schema, migration } of applied) process.stdout.write(`${schema}  ${migration}\n`);
}
