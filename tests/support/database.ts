import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Login } from "../../src/database/embedded/logins.js";
import { loginUrl, readLogins } from "../../src/database/embedded/logins.js";
import { withOwner } from "../../src/database/owner.js";
import { databaseSql } from "../../src/tenancy/migrations/logins.js";

/** The folder of the tests' own installation: key, passwords, development issuer. */
export const FOLDER = process.env.TENANTRY_TEST_FOLDER!;

/** A database of one test file's own: the migrated and seeded one, cloned. */
export interface TestDatabase {
  readonly name: string;
  url(login: Login): string;
  /** A statement of the owner's, past every wall. */
  owner(text: string, params?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** A digest of every row of a tenant, or of all: the same as long as nothing was changed. */
  content(tenant?: string): Promise<string>;
  /** What the serving logins sent to the server while `work` ran, in order, as the server itself wrote it down. */
  statements(work: () => Promise<unknown>): Promise<string[]>;
  drop(): Promise<void>;
}

/** Clones the template. Dropped after the test file. */
export async function cloneDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  const logins = await readLogins(FOLDER);
  const port = Number(process.env.TENANTRY_TEST_PORT);
  const urlOf = (login: Login, database: string) => loginUrl(logins, login, port, database);
  await withOwner(urlOf("tenantry_owner", "postgres"), (owner) =>
    owner.run(`create database ${name} template tenantry`),
  );
  const owner = (text: string, params: readonly unknown[] = []) =>
    withOwner(urlOf("tenantry_owner", name), async (lease) => [...(await lease.run(text, params))]);
  for (const text of databaseSql(name, ["tenantry_door", "tenantry_serve"])) await owner(text);

  const content = async (tenant: string | null = null) => {
    const tables = await owner(
      `select format('%I.%I', p.schemaname, p.tablename) as name from pg_tables p
       join tenantry.tenants t on t.schema_name = p.schemaname where $1::text is null or t.slug = $1 order by 1`,
      [tenant],
    );
    const digests = tables.map(
      ({ name }) => `select md5(string_agg(t::text, '' order by t::text)) as digest from ${name} t`,
    );
    return (await owner(digests.join(" union all "))).map(({ digest }) => digest).join();
  };

  const log = join(FOLDER, "postgres.log");
  return {
    name,
    url: (login) => urlOf(login, name),
    owner,
    content,
    async statements(work) {
      const from = statSync(log).size;
      await work();
      const file = await open(log);
      const { size } = await file.stat();
      const { buffer } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      await file.close();
      return parse(buffer.toString(), name);
    },
    drop: async () => {
      await withOwner(urlOf("tenantry_owner", "postgres"), (lease) => lease.run(`drop database ${name} with (force)`));
    },
  };
}

// What every new connection asks, once, whoever it is for.
const OPENING = "select pg_backend_pid() as pid";

/** Statements of one database in the server's log; a statement of several lines goes on behind a tab. */
function parse(text: string, database: string): string[] {
  const entries = text.replaceAll("\n\t", " ").split("\n");
  return entries.flatMap((entry) => {
    const [, user, statement] = / db=(?:\S+) user=(\S+) LOG: {2}(?:statement|execute [^:]*): (.*)$/s.exec(entry) ?? [];
    return statement && statement !== OPENING && entry.includes(` db=${database} `) && user !== "tenantry_owner"
      ? [statement.replaceAll(/\s+/g, " ").trim()]
      : [];
  });
}
