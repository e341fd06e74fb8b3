import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { embeddedDatabase, type Login, loginUrl, readLogins, servingUrl } from "../../src/database/embedded/logins.js";
import type { Lease } from "../../src/database/lease.js";
import { MAIN } from "../../src/database/names.js";
import type { Isolation } from "../../src/tenancy/directory/table.js";
import { databaseSql, loginOf, type Login as ServingLogin } from "../../src/tenancy/migrations/logins.js";
import { Owners, type OwnersSettings, withOwners } from "../../src/tenancy/owners.js";
import { OwnerSessions } from "./ownerSessions.js";

/** The folder of the tests' own installation: key, passwords, development issuer. */
export const FOLDER = process.env.TENANTRY_TEST_FOLDER!;

const names = (setting: string | undefined): string[] => (setting ?? "").split(",").filter(Boolean);
/** Databases of demo tenants, which are cloned; and those that wait for a tenant of a test's own. */
const OWN = names(process.env.TENANTRY_TEST_DATABASES);
const SPARE = names(process.env.TENANTRY_TEST_SPARE);

/** A server with a database to clone from. */
export interface Installation {
  readonly folder: string;
  readonly port: number;
  /** Where a pooler stands before it. */
  readonly pooler?: number;
  /** Databases beside the first: those that are cloned with it, and those that are made when they are asked for. */
  readonly own: readonly string[];
  readonly spare: readonly string[];
}

const SHARED: Installation = {
  folder: FOLDER,
  port: Number(process.env.TENANTRY_TEST_PORT),
  pooler: Number(process.env.TENANTRY_TEST_POOLER_PORT ?? process.env.TENANTRY_TEST_PORT),
  own: OWN,
  spare: SPARE,
};

type Rows = readonly Record<string, unknown>[];

/** The databases of one test file: the migrated and seeded ones, cloned. */
export interface TestDatabase {
  /** Of the one with the directory. */
  readonly name: string;
  /** The serving URL of each, by the name that settings give it. */
  readonly databases: Readonly<Record<string, string>>;
  /** What owners' commands are given. */
  readonly owning: OwnersSettings;
  url(login: Login): string;
  /** The settings of an owner's command: the addresses of all that are there. */
  settings(): Record<string, string>;
  /** A statement of the owner's, past every wall. */
  owner(text: string, params?: readonly unknown[], database?: string): Promise<Rows>;
  /** A session of the owner's on one database, for as long as `work` takes. */
  session<T>(database: string, work: (owner: Lease) => Promise<T>): Promise<T>;
  /** Work of the owner's on all databases. */
  owners<T>(work: (owners: Owners) => Promise<T>): Promise<T>;
  /** Where a tenant that a test makes comes to: as the run of all tests says, in a schema of its own unless it says so. */
  placeForTenant(): Promise<{ readonly isolation: Isolation; readonly database: string }>;
  /** An empty database, by its name in the settings. */
  spare(): Promise<string>;
  /** The databases that there are by now, `main` first. */
  made(): readonly string[];
  /** Keeps a connection of the owner's on which this statement was run: with the locks that it took. */
  hold(text: string, database?: string): Promise<{ close(): Promise<void> }>;
  /** A digest of every row of a tenant, or of all: the same as long as nothing was changed. */
  content(tenant?: string): Promise<string>;
  /** What the serving logins sent to the server while `work` ran, in order, as the server itself wrote it down. */
  statements(work: () => Promise<unknown>): Promise<string[]>;
  drop(): Promise<void>;
}

/** Clones the templates, those of all tests unless a test has a server of its own. Dropped after the test file. */
export async function cloneDatabase(installation: Installation = SHARED): Promise<TestDatabase> {
  const { folder, port, pooler = port, own, spare: spares } = installation;
  const name = `test_${randomBytes(6).toString("hex")}`;
  const logins = await readLogins(folder);
  // Owners go to the server itself: a pooler in transaction mode is not for what they do.
  const portOf = (login: Login) => (login === "tenantry_owner" ? port : pooler);
  const urlOf = (login: Login, database: string) => loginUrl(logins, login, portOf(login), database);
  const nameOf = (database: string) => (database === MAIN ? name : `${name}_${database}`);
  const servingOf = (database: string) => {
    const url = new URL(servingUrl(logins, database, pooler));
    url.pathname = `/${nameOf(database)}`;
    return url.href;
  };
  const more = [...own, ...spares];
  const databases: Record<string, string> = {
    [MAIN]: urlOf("tenantry_serve", name),
    ...Object.fromEntries(more.map((one) => [one, servingOf(one)])),
  };
  const owning: OwnersSettings = {
    door: loginOf(urlOf("tenantry_door", name)),
    databases: Object.fromEntries(
      Object.entries(databases).map(([one, url]) => [
        one,
        { url: urlOf("tenantry_owner", nameOf(one)), serve: loginOf(url) },
      ]),
    ),
  };
  const sessions = new Map<string, OwnerSessions>();
  const ownersOf = (database: string) => {
    const there = sessions.get(database) ?? new OwnerSessions(urlOf("tenantry_owner", nameOf(database)));
    sessions.set(database, there);
    return there;
  };
  const owner = (text: string, params: readonly unknown[] = [], database = MAIN) =>
    ownersOf(database).run(text, params);
  const server = new OwnerSessions(urlOf("tenantry_owner", "postgres"));
  const make = async (database: string, logins: readonly string[], isOwn: boolean, template?: string) => {
    const from = template ? `template ${template} ` : "";
    await server.lend((lease) => lease.run(`create database ${nameOf(database)} ${from}strategy file_copy`));
    await ownersOf(database).lend(async (lease) => {
      for (const text of databaseSql(nameOf(database), logins, isOwn)) await lease.run(text);
    });
  };

  await make(MAIN, ["tenantry_door", "tenantry_serve"], false, "tenantry");
  for (const one of own) await make(one, [embeddedDatabase(one).login], true, embeddedDatabase(one).database);
  const made = [MAIN, ...own];
  const free = [...spares];
  const spare = async () => {
    const one = free.shift();
    if (!one) throw new Error(`A test file has ${spares.length} spare databases, and this one needs more.`);
    await make(one, [embeddedDatabase(one).login], true);
    made.push(one);
    return one;
  };

  const content = async (tenant: string | null = null) => {
    const homes = await owner(
      "select id, database, schema_name from tenantry.tenants where $1::text is null or slug = $1 order by slug",
      [tenant],
    );
    const digests: unknown[] = [];
    for (const { id, database, schema_name } of homes) {
      const tables = await owner(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = $1 and tablename <> 'migrations' order by 1",
        [schema_name],
        String(database),
      );
      const parts = tables.map(
        (table) =>
          `select md5(string_agg(t::text, '' order by t::text)) as digest from ${table.name} t where tenant_id = '${id}'`,
      );
      digests.push(...(await owner(parts.join(" union all "), [], String(database))).map(({ digest }) => digest));
    }
    return digests.join();
  };

  return {
    name,
    databases,
    owning,
    url: (login) => urlOf(login, name),
    settings() {
      const there = made.filter((one) => one !== MAIN);
      const json = (urlFor: (one: string) => string) =>
        JSON.stringify(Object.fromEntries(there.map((one) => [one, urlFor(one)])));
      return {
        DATABASE_URL: urlOf("tenantry_serve", name),
        DATABASE_DOOR_URL: urlOf("tenantry_door", name),
        DATABASE_OWNER_URL: urlOf("tenantry_owner", name),
        TENANTRY_DATABASES: json((one) => databases[one]!),
        TENANTRY_DATABASE_OWNERS: json((one) => urlOf("tenantry_owner", nameOf(one))),
      };
    },
    owner,
    session: (database, work) => ownersOf(database).lend(work),
    owners: (work) => withOwners(owning, work),
    async placeForTenant() {
      const isolation = (process.env.TENANTRY_TEST_ISOLATION ?? "SCHEMA") as Isolation;
      if (isolation !== "DATABASE") return { isolation, database: MAIN };
      // Where a file makes more tenants than there are databases to spare, the first of them have one each.
      return free.length > 0 ? { isolation, database: await spare() } : { isolation: "SCHEMA", database: MAIN };
    },
    spare,
    made: () => made,
    async hold(text, database = MAIN) {
      const owners = new Owners(owning);
      const held = await owners.connect(database);
      await held.lease.run(text);
      return {
        async close() {
          held.lease.release();
          await held.connection.close();
        },
      };
    },
    content,
    statements: (work) => statementsIn(join(folder, "postgres.log"), name, work),
    async drop() {
      await Promise.all([...sessions.values()].map((one) => one.close()));
      await server.lend(async (lease) => {
        for (const one of made) await lease.run(`drop database ${nameOf(one)} with (force)`);
      });
      await server.close();
    },
  };
}

/** What serving logins sent to a test file's databases while `work` ran, by the server's log. */
export async function statementsIn(log: string, name: string, work: () => Promise<unknown>): Promise<string[]> {
  const from = statSync(log).size;
  await work();
  const file = await open(log);
  const { size } = await file.stat();
  const { buffer } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
  await file.close();
  return parse(buffer.toString(), name);
}

// What every new connection asks, once, whoever it is for.
const OPENING = "select pg_backend_pid() as pid,";

/** Says for whose home a connection keeps a statement, and nothing of what it asks. */
export const MARK = / \/\* home \d+ \*\/$/;

/** Statements of one test file's databases in the server's log; a statement of several lines goes on behind a tab. */
function parse(text: string, name: string): string[] {
  const entries = text.replaceAll("\n\t", " ").split("\n");
  return entries.flatMap((entry) => {
    const [, database, user, statement] =
      / db=(\S+) user=(\S+) LOG: {2}(?:statement|execute [^:]*): (.*)$/s.exec(entry) ?? [];
    if (statement?.startsWith("SET ")) return []; // The pooler's own, which brings a session to its client's settings.
    const isOurs = database === name || database?.startsWith(`${name}_`);
    return statement && !statement.startsWith(OPENING) && isOurs && user !== "tenantry_owner"
      ? [statement.replace(MARK, "").replaceAll(/\s+/g, " ").trim()]
      : [];
  });
}

/** What owners' commands are given of a single database; the passwords do not matter to those that only name the logins. */
export const owningOf = (url: string, door: string | ServingLogin, serve: string | ServingLogin): OwnersSettings => {
  const login = (one: string | ServingLogin) => (typeof one === "string" ? { name: one, password: "" } : one);
  return { door: login(door), databases: { [MAIN]: { url, serve: login(serve) } } };
};
