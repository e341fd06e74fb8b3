import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import type { Lease } from "../../database/lease.js";
import { STATEMENT_TIMEOUT_MS } from "../../database/silence.js";

/** A serving login, as its URL names it. */
export interface Login {
  readonly name: string;
  readonly password: string;
  readonly statementTimeoutMs?: number | undefined;
}

/** What a serving login carries wherever it connects. Set by ALTER ROLE, so that no client has to remember it. */
const settingsOf = ({ statementTimeoutMs = STATEMENT_TIMEOUT_MS }: Login) => ({
  search_path: "",
  statement_timeout: `${statementTimeoutMs}ms`,
  lock_timeout: "2s",
  idle_in_transaction_session_timeout: "10s",
  client_connection_check_interval: "1s",
  // Compiling a plan costs more than any of ours takes.
  jit: "off",
  // Ours read the same pages whatever their values are, and to make a plan takes longer than most of them run.
  plan_cache_mode: "force_generic_plan",
  // What a tenant reads is in memory, or where any page is found as soon as the next. Taken for dearer, small tables are read as a
  // whole, once for each row that leads to one of theirs.
  random_page_cost: "1.1",
});

/** Name and password of a login from its URL. */
export function loginOf(url: string): Login {
  const { username, password } = new URL(url);
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/**
 * The SQL that takes from everybody what could stand in for a tenant's table, and lets the serving logins in.
 * @param alone whether nobody else has business in the database
 */
export function databaseSql(database: string, names: readonly string[], alone = false): string[] {
  return [
    ...(alone ? [`REVOKE CONNECT ON DATABASE ${quote(database)} FROM PUBLIC`] : []),
    // Whoever can make objects can make one that hides a tenant's table, in a schema of theirs or in pg_temp.
    `REVOKE CREATE, TEMPORARY ON DATABASE ${quote(database)} FROM PUBLIC`,
    // Some drop it.
    "DO $$ BEGIN IF to_regnamespace('public') IS NOT NULL THEN REVOKE CREATE ON SCHEMA public FROM PUBLIC; END IF; END $$",
    ...names.map((name) => `GRANT CONNECT ON DATABASE ${quote(database)} TO ${quote(name)}`),
  ];
}

/**
 * The SQL that makes the serving logins and confines them. Running it again changes nothing. Passwords are in it as
 * verifiers only: no log of the server ever holds one in clear.
 */
export function loginsSql(database: string, logins: readonly Login[], alone = false): string[] {
  const roles = logins.flatMap((login) => {
    const { name, password } = login;
    const role = quote(name);
    const options = `LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT PASSWORD '${verifier(password)}'`;
    return [
      `DO $$ BEGIN CREATE ROLE ${role} ${options}; EXCEPTION WHEN duplicate_object THEN ALTER ROLE ${role} ${options}; END $$`,
      ...Object.entries(settingsOf(login)).map(([setting, value]) => `ALTER ROLE ${role} SET ${setting} = '${value}'`),
    ];
  });
  return [
    ...roles,
    ...databaseSql(
      database,
      logins.map(({ name }) => name),
      alone,
    ),
  ];
}

/**
 * Makes the serving logins, and closes the database to all others. Asks first what is there, so that an owner without CREATEROLE can
 * migrate.
 * @throws Error that says what an administrator has to do before
 */
export async function ensureLogins(owner: Lease, logins: readonly Login[], alone = false): Promise<void> {
  const names = logins.map((login) => login.name);
  const [row] = await owner.run(
    `select current_database() as database, (select rolcreaterole or rolsuper from pg_roles where rolname = current_user) as may_create,
            (select count(*) from pg_roles where rolname = any(string_to_array($1, ',')))::int as there,
            (select pg_has_role(current_user, datdba, 'USAGE') from pg_database where datname = current_database()) as owns`,
    [names.join(",")],
  );
  const database = String(row?.database);
  const byAdministrator = "Run `tenantry migrate --print-sql` and let an administrator run what it prints.";
  if (!row?.may_create && Number(row?.there) < names.length)
    throw new Error(`The owner login may not create roles. ${byAdministrator}`);
  if (row?.may_create) for (const text of loginsSql(database, logins, alone)) await owner.run(text);
  else if (row?.owns) for (const text of databaseSql(database, names, alone)) await owner.run(text);
  // PostgreSQL only warns whoever may not take a right from others.
  if (alone && (await isOpenToAll(owner)))
    throw new Error(`The owner login may not close the database ${database} to other logins. ${byAdministrator}`);
}

async function isOpenToAll(owner: Lease): Promise<boolean> {
  const [open] = await owner.run(
    `select from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
     where d.datname = current_database() and a.grantee = 0 and a.privilege_type = 'CONNECT'`,
  );
  return open !== undefined;
}

/** SCRAM-SHA-256 as PostgreSQL stores it (RFC 5803). */
function verifier(password: string): string {
  const salt = randomBytes(16);
  const iterations = 4096;
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, iterations, 32, "sha256");
  const keyed = (text: string) => createHmac("sha256", salted).update(text).digest();
  const stored = createHash("sha256").update(keyed("Client Key")).digest("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${keyed("Server Key").toString("base64")}`;
}

export const quote = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;
