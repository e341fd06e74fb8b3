import { randomBytes } from "node:crypto";
import { newId, type TenantId } from "../../src/ids.js";
import { createTenant } from "../../src/tenancy/create.js";
import type { Isolation } from "../../src/tenancy/directory/table.js";
import { type Files, type Migration, ownFiles } from "../../src/tenancy/migrations/files.js";
import { type MigrateOptions, migrate } from "../../src/tenancy/migrations/migrate.js";
import type { TestDatabase } from "./database.js";

/** A tenant without content, and where it lives. */
export interface EmptyTenant {
  readonly slug: string;
  readonly schema: string;
}

/** Makes tenants without content, each in a home of its own. */
export async function emptyTenants(
  database: TestDatabase,
  count: number,
  place: { readonly isolation: Isolation; readonly database: string } = { isolation: "SCHEMA", database: "main" },
): Promise<EmptyTenant[]> {
  const slugs = Array.from({ length: count }, () => `t-${randomBytes(6).toString("hex")}`);
  await database.owners(async (owners) => {
    for (const slug of slugs) {
      const tenant = { id: newId<TenantId>(), slug, ...place, createdAt: new Date(), identities: [] };
      await createTenant(owners, tenant, async () => {});
    }
  });
  const rows = await database.owner("select slug, schema_name from tenantry.tenants");
  const schemas = new Map(rows.map((row) => [row.slug, String(row.schema_name)]));
  return slugs.map((slug) => ({ slug, schema: schemas.get(slug)! }));
}

/** Later than every migration there will be. */
export const later = (name: string, sql: string): Migration => ({ name: `99990101000000_${name}`, sql });

/** The migrations of this version, and these after them. */
export const filesWith = (...more: readonly Migration[]): Files => ({
  ...ownFiles(),
  tenant: [...ownFiles().tenant, ...more],
});

/** Runs the migrations, with no patience for locks. */
export const migrateWith = (database: TestDatabase, files: Files, options: MigrateOptions = {}) =>
  database.owners((owners) =>
    migrate(owners, { files, lockMs: 50, ...options, pace: { workers: 2, tries: 2, ...options.pace } }),
  );

/** The names in a home's own record of migrations, in order. */
export async function recordIn(database: TestDatabase, schema: string, where = "main"): Promise<string[]> {
  const rows = await database.owner(`select name from ${schema}.migrations order by name collate "C"`, [], where);
  return rows.map(({ name }) => String(name));
}

/** Homes in which a table has a column of this name, in order. */
export async function homesWithColumn(database: TestDatabase, column: string, where = "main"): Promise<string[]> {
  const rows = await database.owner(
    `select n.nspname from pg_attribute a join pg_class c on c.oid = a.attrelid
     join pg_namespace n on n.oid = c.relnamespace
     where a.attname = $1 and c.relkind = 'r' order by 1`,
    [column],
    where,
  );
  return rows.map(({ nspname }) => String(nspname));
}
