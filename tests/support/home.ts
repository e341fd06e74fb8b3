import type { TestDatabase } from "./database.js";
import { recordOf } from "./sessions.js";

export type Sql = (text: string, params?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;

interface Somewhere {
  readonly database: TestDatabase;
}

/**
 * Runs `work` on one connection in the home of a tenant, with every right to read and write there and to nothing else:
 * what no mutation does. Row security holds, for a home may be that of others as well.
 */
export const inHome = <T>(somewhere: Somewhere, tenant: string, work: (sql: Sql) => Promise<T>): Promise<T> =>
  ownerInHome(somewhere, tenant, async (sql) => {
    await sql("set role tenantry_test");
    return work(sql);
  });

/** The same as the owner of the tables, for what changes them: all tenants that the home has are before it. */
export async function ownerInHome<T>(
  { database }: Somewhere,
  tenant: string,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { id, home } = await recordOf(database, tenant);
  return database.session(home.database, async (owner) => {
    await owner.run("select set_config('search_path', $1, false), set_config('tenantry.tenant_id', $2, false)", [
      home.schemaName,
      id,
    ]);
    return work(async (text, params = []) => [...(await owner.run(text, params))]);
  });
}

/** A statement in the home of a tenant. */
export const homeOf =
  (somewhere: Somewhere, tenant: string): Sql =>
  (text, params) =>
    inHome(somewhere, tenant, (sql) => sql(text, params));

/** The login that serves a tenant, and the server's own name of the database that it is in. */
export async function servingOf({ database }: Somewhere, tenant: string) {
  const { home } = await recordOf(database, tenant);
  const { username, pathname } = new URL(database.databases[home.database]!);
  return { login: username, database: pathname.slice(1) };
}

/** All that stands in the home of a tenant, as text. */
export async function everythingIn(sql: Sql): Promise<string> {
  const tables = await sql(
    "select relname from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r'",
  );
  const parts = tables
    .filter(({ relname }) => relname !== "migrations")
    .map(({ relname }) => `select string_agg(t::text, '') as text from ${relname} t`);
  return (await sql(parts.join(" union all "))).map(({ text }) => text).join("\n");
}
