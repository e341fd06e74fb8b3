import { brokenConstraint } from "../../src/database/errors.js";
import type { Leases } from "../../src/database/leases.js";
import { newId, type TenantId } from "../../src/ids.js";
import { ddlOnCitus, enteringOnCitus } from "../../src/tenancy/citus.js";
import { createTenant } from "../../src/tenancy/create.js";
import type { TenantRecord } from "../../src/tenancy/directory/directory.js";
import type { Isolation } from "../../src/tenancy/directory/table.js";
import { ownFiles } from "../../src/tenancy/migrations/files.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { filesWith, later, migrateWith } from "../support/fleet.js";
import { openLeases, recordOf } from "../support/sessions.js";
import { openWay, type Way } from "../support/way.js";

const HOME = `t_${"0".repeat(32)}`;

describe("enteringOnCitus", () => {
  const tenant = newId<TenantId>();

  it("tells Citus to pass settings on before it sets any, in statements of their own", () => {
    expect(enteringOnCitus(HOME, tenant)).toEqual([
      "set local citus.propagate_set_commands = 'local'",
      `set local search_path = ${HOME}, pg_temp`,
      `set local tenantry.tenant_id = '${tenant}'`,
    ]);
  });

  it.each([
    ["public", tenant],
    [`${HOME}, public`, tenant],
    [HOME, "'; reset role; --"],
    [HOME, ""],
  ])("writes neither %s nor %s into a text unless both are what they should be", (schema, id) => {
    expect(() => enteringOnCitus(schema, id as TenantId)).toThrow(TypeError);
  });
});

describe("ddlOnCitus", () => {
  const sql = ownFiles()
    .tenant.map((file) => file.sql)
    .join("\n");
  const TABLES = [...sql.matchAll(/CREATE TABLE "(\w+)"/g)].map(([, name]) => name);

  it("spreads every table of a shared home by its tenant, beside the tenant's own row, before anything refers to it", () => {
    const text = ddlOnCitus(sql, "SHARED");

    const spread = [...text.matchAll(/^select pg_catalog.create_distributed_table\((.*)\);$/gm)].map(
      ([, args]) => args,
    );
    expect(spread).toEqual(
      TABLES.map((name) => `'${name}', 'tenant_id', colocate_with => '${name === "tenant" ? "none" : "tenant"}'`),
    );
    expect(spread).toHaveLength(18);
    const joins = [...text.matchAll(/^ALTER TABLE "(\w+)" ADD CONSTRAINT \S+ FOREIGN KEY [^;]*? REFERENCES "(\w+)"/gm)];
    expect(joins.length).toBeGreaterThan(6);
    for (const { index, 1: from, 2: to } of joins)
      for (const name of [from, to]) expect(text.indexOf(`create_distributed_table('${name}'`)).toBeLessThan(index);
    expect(text).toMatch(/^set local citus.multi_shard_modify_mode = 'sequential';\n.*sharding = off;\n/);
  });

  it.each(["SCHEMA", "DATABASE"] as const)(
    "keeps a home of kind %s on one server, and its SQL as it is",
    (isolation) => {
      expect(ddlOnCitus(sql, isolation)).toBe(
        `set local citus.multi_shard_modify_mode = 'sequential';\nset local citus.enable_schema_based_sharding = on;\n${sql}`,
      );
    },
  );
});

/**
 * A database whose catalogue names the extension, on plain PostgreSQL: it shows which statements Tenantry sends to Citus, and
 * nothing of what Citus makes of them. Its function is a stand-in that writes down for what it is called.
 */
async function pretend(database: TestDatabase, name: string) {
  for (const text of [
    "insert into pg_catalog.pg_extension values (99999, 'citus', 10, 11, false, '13.2-1', null, null)",
    `create table public.spread (
       number int generated always as identity, home text, name text, by text, beside text, mode text, sharding text, keys bigint)`,
    `set allow_system_table_mods = on;
     create function pg_catalog.create_distributed_table(name regclass, by text, colocate_with text) returns void language sql
     as $$ insert into public.spread (home, name, by, beside, mode, sharding, keys)
       select relnamespace::regnamespace, relname, by, colocate_with, current_setting('citus.multi_shard_modify_mode'),
         current_setting('citus.enable_schema_based_sharding'),
         (select count(*) from pg_constraint where conrelid = name and contype = 'f')
       from pg_class where oid = name $$`,
  ])
    await database.owner(text, [], name);
}

describe("on a database that has the extension", () => {
  let database: TestDatabase;
  let spare: string;
  let way: Way;
  let leases: Leases;
  let northwind: TenantRecord;
  beforeAll(async () => {
    database = await cloneDatabase();
    spare = await database.spare();
    for (const name of ["main", spare]) await pretend(database, name);
    way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
    northwind = await recordOf(database, "northwind");
    leases = openLeases(way.url(database.url("tenantry_serve")), { size: 1 });
  });
  afterAll(async () => {
    await leases.close();
    await way.close();
    await database.drop();
  });

  const use = async () => {
    const session = await TenantSession.open(leases, northwind, "change");
    const rows = await session.query("select distinct tenant_id from organizations where tenant_id = $1", [
      northwind.id,
    ]);
    await session.commit();
    return rows;
  };

  it("a session enters its home with settings that Citus passes on, in the same message as its first statement", async () => {
    await use();

    const before = way.trips;
    const statements = await database.statements(use);

    expect(way.trips - before).toBe(2);
    expect(statements).toEqual([
      "begin isolation level read committed read write",
      ...enteringOnCitus(northwind.home.schemaName, northwind.id),
      expect.stringMatching(/^select pg_advisory_xact_lock_shared\(\$1::bigint\)/),
      expect.stringMatching(/^select distinct tenant_id from organizations/),
      "commit",
    ]);
    expect(await use()).toEqual([{ tenant_id: northwind.id }]);
  });

  it("a session leaves nothing to the next, and no plans of what is said once", async () => {
    const { pid } = await leases.acquire(northwind.home.schemaName).then((lease) => {
      lease.release();
      return lease;
    });
    for (let nth = 0; nth < 20; nth++) await use();

    const lease = await leases.acquire(northwind.home.schemaName);
    const [settings] = await lease.run(
      `select current_setting('search_path') as path, current_setting('tenantry.tenant_id', true) as tenant,
         (select count(*)::int from pg_prepared_statements where statement ~ '^set ') as plans`,
    );
    lease.release();

    expect(settings).toEqual({ path: '""', tenant: "", plans: 0 });
    expect(lease.pid).toBe(pid);
  });

  async function make(isolation: Isolation) {
    const slug = `made-${isolation.toLowerCase()}`;
    const tenant = { id: newId<TenantId>(), slug, database: spare, createdAt: new Date(), identities: [], isolation };
    await database.owners((owners) => createTenant(owners, tenant, async () => {}));
    const record = await recordOf(database, slug);
    const spread = await database.owner(
      "select name, by, beside, mode, sharding, keys::int from public.spread where home = $1 order by number",
      [record.home.schemaName],
      spare,
    );
    return { record, spread };
  }

  it("a shared home is spread table by table while it is made and when it gets another, and its tenant is served", async () => {
    const { record, spread } = await make("SHARED");
    const more = later(
      "add_hats",
      `CREATE TABLE "hats" (\n\t"tenant_id" uuid,\n\t"id" uuid,\n\tCONSTRAINT "hats_pkey" PRIMARY KEY("tenant_id","id")\n);
       ALTER TABLE "hats" ENABLE ROW LEVEL SECURITY;
       CREATE POLICY "hats_of_this_tenant" ON "hats" AS PERMISSIVE FOR ALL TO public
         USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid)
         WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);`,
    );
    await migrateWith(database, filesWith(more));
    const [hats] = await database.owner("select home, by, beside from public.spread where name = 'hats'", [], spare);

    const serving = openLeases(database.databases);
    const session = await TenantSession.open(serving, record, "read");
    const rows = await session.query("select tenant_id from tenant where tenant_id = $1", [record.id]);
    await session.commit();
    await serving.close();

    const beside = (name: unknown) => (name === "tenant" ? "none" : "tenant");
    const alike = { by: "tenant_id", mode: "sequential", sharding: "off", keys: 0 };
    expect(spread).toHaveLength(18);
    expect(spread).toEqual(spread.map(({ name }) => ({ name, beside: beside(name), ...alike })));
    expect(hats).toEqual({ home: record.home.schemaName, by: "tenant_id", beside: "tenant" });
    expect(rows).toEqual([{ tenant_id: record.id }]);
  });

  it("a home of one's own is not spread", async () => {
    expect((await make("SCHEMA")).spread).toEqual([]);
  });

  it("a broken constraint is known by its name, whichever part of the table says it", async () => {
    const breaking = (code: string, message: string) =>
      database
        .owner(`do $$ begin raise exception using errcode = '${code}', message = '${message}'; end $$`)
        .then(() => "nothing", brokenConstraint);

    expect([
      await breaking("23505", 'duplicate key value violates unique constraint "organizations_slug_key_102008"'),
      await breaking(
        "23503",
        'insert on table "grants_102009" violates foreign key constraint "grants_role_fkey_102009"',
      ),
      await breaking("23514", 'new row for relation "users_102011" violates check constraint "users_status_102011"'),
      await breaking("42501", 'permission denied for table "users_102011"'),
    ]).toEqual(["organizations_slug_key", "grants_role_fkey", "users_status", null]);
  });
});
