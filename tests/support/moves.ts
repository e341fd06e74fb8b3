import { MAIN } from "../../src/database/names.js";
import { loadKey } from "../../src/identity/key.js";
import type { Home } from "../../src/tenancy/directory/directory.js";
import { FOLDER, type TestDatabase } from "./database.js";
import { recordOf } from "./sessions.js";
import { until } from "./until.js";

/** Every row that a tenant has in a home, in words, by table; all but its home row, and audit events of this action. */
export async function rowsIn(
  database: TestDatabase,
  home: Home,
  tenant: string,
  but = "",
): Promise<Record<string, string[]>> {
  return database.owners(async (owners) => {
    const owner = await owners.of(home.database);
    const tables = await owner.run(
      `select tablename as name from pg_tables
       where schemaname = $1 and tablename not in ('migrations', 'tenant') order by tablename`,
      [home.schemaName],
    );
    const parts = tables.map(
      ({ name }) =>
        `select '${name}' as name, coalesce(json_agg(t::text order by t::text), '[]') as rows from ${home.schemaName}.${name} t
         where tenant_id = $1 and $2::text is not null ${name === "audit_events" ? "and action <> $2" : ""}`,
    );
    const found = await owner.run(parts.join(" union all "), [tenant, but]);
    return Object.fromEntries(found.map(({ name, rows }) => [name, rows]));
  });
}

/** The same of the home where the directory says that the tenant is. */
export async function rowsOf(database: TestDatabase, slug: string, but = ""): Promise<Record<string, string[]>> {
  const { id, home } = await recordOf(database, slug);
  return rowsIn(database, home, id, but);
}

/** Where the tenant has a home row in any database of the test file's, and what it says. */
export function homeRowsOf(database: TestDatabase, tenant: string) {
  return database.owners(async (owners) => {
    const found: { database: string; schemaName: string; epoch: number; status: string }[] = [];
    for (const one of database.made()) {
      const owner = await owners.of(one);
      const homes = await owner.run("select nspname as name from pg_namespace where nspname ~ '^t_'");
      const parts = homes.map(
        ({ name }) => `select '${name}' as name, epoch, status from ${name}.tenant where tenant_id = $1`,
      );
      for (const { name, epoch, status } of parts.length > 0
        ? await owner.run(parts.join(" union all "), [tenant])
        : [])
        found.push({ database: one, schemaName: String(name), epoch: Number(epoch), status: String(status) });
    }
    return found;
  });
}

/** A place in a transaction at which whoever comes to it waits. */
export interface Stop {
  /** Returns when somebody waits there. */
  readonly reached: () => Promise<void>;
  /** Lets whoever waits go on, and takes the stop away. */
  readonly open: () => Promise<void>;
}

let stops = 0;
// The server is that of other test files, too.
const HERE = "database = (select oid from pg_database where datname = current_database())";

/**
 * Lets whoever changes this table of these rows wait, within the transaction that does it.
 * @param at `insert or update on t_….tenant`
 * @param when a condition on `new` and `old`
 * @param moment before the change, or after all of the transaction but its commit
 */
export async function stopAt(
  database: TestDatabase,
  at: string,
  when: string,
  name = MAIN,
  moment: "before" | "at the end" = "before",
): Promise<Stop> {
  const number = 880_000 + ++stops;
  const stop = `public.stop_${number}`;
  const table = at.split(" on ")[1]!;
  await database.owner(
    `create function ${stop}() returns trigger language plpgsql as
     'begin perform pg_advisory_xact_lock_shared(${number}); return coalesce(new, old); end'`,
    [],
    name,
  );
  const [trigger, after] =
    moment === "before"
      ? [`trigger a_stop_${number} before`, ""]
      : [`constraint trigger a_stop_${number} after`, "deferrable initially deferred"];
  await database.owner(
    `create ${trigger} ${at} ${after} for each row when (${when}) execute function ${stop}()`,
    [],
    name,
  );
  const holder = await database.hold(`select pg_advisory_lock(${number})`, name);
  return {
    reached: () =>
      until(async () => {
        const [row] = await database.owner(
          `select count(*) as waiting from pg_locks where locktype = 'advisory' and not granted and objid = ${number} and ${HERE}`,
          [],
          name,
        );
        return Number(row!.waiting) > 0;
      }),
    async open() {
      await holder.close();
      // The table may have gone with its home.
      await database
        .owner(`drop trigger a_stop_${number} on ${table}`, [], name)
        .catch((error) => /does not exist/.test(error.message) || Promise.reject(error));
      await database.owner(`drop function ${stop}()`, [], name);
    },
  };
}

/** The settings of an owner's command, and of a gateway, on the test file's databases. */
export async function settingsOf(database: TestDatabase) {
  const more = database.made().filter((name) => name !== MAIN);
  const key = await loadKey({ dataDir: FOLDER });
  const pick = (url: (name: string) => string) =>
    JSON.stringify(Object.fromEntries(more.map((name) => [name, url(name)])));
  const serving = {
    PORT: "0",
    TENANTRY_DATA_DIR: FOLDER,
    TENANTRY_DEVELOPMENT: "on",
    TENANTRY_KEY: key.toString("base64url"),
    DATABASE_URL: database.url("tenantry_serve"),
    DATABASE_DOOR_URL: database.url("tenantry_door"),
    TENANTRY_DATABASES: pick((name) => database.databases[name]!),
  };
  return {
    serving,
    owning: {
      ...serving,
      DATABASE_OWNER_URL: database.url("tenantry_owner"),
      TENANTRY_DATABASE_OWNERS: pick((name) => database.owning.databases[name]!.url),
    },
  };
}

/** Lets whoever needs a lock on this table that goes against this mode wait, as long as somebody uses it that way. */
export async function stopLocking(database: TestDatabase, table: string, mode: string, name = MAIN): Promise<Stop> {
  const holder = await database.hold(`begin; lock table ${table} in ${mode} mode`, name);
  return {
    reached: () =>
      until(async () => {
        const [row] = await database.owner(
          `select count(*) as waiting from pg_locks where relation = $1::regclass and not granted and ${HERE}`,
          [table],
          name,
        );
        return Number(row!.waiting) > 0;
      }),
    open: () => holder.close(),
  };
}
