import { sqlState } from "../../src/database/errors.js";
import type { Leases } from "../../src/database/leases.js";
import { MAIN } from "../../src/database/names.js";
import { newId, type TenantId } from "../../src/ids.js";
import { createTenant } from "../../src/tenancy/create.js";
import { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { sealNow } from "../support/audit.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { openLeases, recordOf, write } from "../support/sessions.js";

let database: TestDatabase;
let leases: Leases;
let northwind: TenantRecord;
let meridian: TenantRecord;
beforeAll(async () => {
  database = await cloneDatabase();
  leases = openLeases(database.url("tenantry_serve"), { size: 1 });
  [northwind, meridian] = await Promise.all([recordOf(database, "northwind"), recordOf(database, "meridian")]);
});
afterAll(async () => {
  await leases.close();
  await database.drop();
});

/** What somebody might take for a tenant's id. */
const WRONG: Record<string, (other: TenantRecord) => string> = {
  "an empty text": () => "",
  "the word null": () => "null",
  "a star": () => "*",
  "another tenant in capitals": ({ id }) => id.toUpperCase(),
  "another tenant and a null byte": ({ id }) => `${id}\0`,
  "ten thousand characters": () => "x".repeat(10_000),
  "SQL text": ({ id }) => `${id}' or true --`,
};
const TABLES = [
  ...["tenant", "organizations", "slugs", "users", "roles", "memberships", "grants"],
  ...["invitations", "offered_grants", "outbox", "organization_domains", "join_policies", "join_requests"],
  "ownership_offers",
  ...["audit_events", "audit_seals", "audit_unsealed", "audit_values"],
];

/** What stands in the tables that the demonstration leaves empty; `$2` is a new uuid. */
const now = "'created_at', now(), 'updated_at', now()";
const ASIDE: Readonly<Record<string, string>> = {
  invitations: `jsonb_build_object('organization_id', o.id, 'email', $2::text, 'inviter_id', u.id, 'status', 'OPEN', 'token_hash', sha256($2::text::bytea), 'expires_at', now(), ${now})`,
  offered_grants: "jsonb_build_object('invitation_id', $2::text, 'role_key', 'guest', 'reach', 'SUBTREE')",
  outbox: `jsonb_build_object('ended_at', now(), 'due_at', now(), 'attempts', 1, ${now})`,
  organization_domains: `jsonb_build_object('organization_id', o.id, 'domain', $2::text, 'proof', 'p', ${now})`,
  join_policies: `jsonb_build_object('organization_id', o.id, 'mode', 'OFF', 'grants', '[]'::jsonb, 'set_by', u.id, ${now})`,
  join_requests: `jsonb_build_object('organization_id', o.id, 'email', 'e', 'display_name', 'n', 'identity', sha256($2::text::bytea), 'status', 'OPEN', ${now})`,
  ownership_offers: `jsonb_build_object('from_user_id', u.id, 'user_id', u.id, 'expires_at', now(), ${now})`,
};

/** A session of the tenant works, and sees the tenant and nobody else. */
async function expectConfined(tenant: TenantRecord, from = leases): Promise<void> {
  const session = await TenantSession.open(from, tenant, "read");
  const seen = await session.query("select distinct tenant_id from organizations", []);
  await session.commit();
  expect(seen).toMatchObject([{ tenant_id: tenant.id }]);
}

describe("TenantSession.open", () => {
  it.each(Object.entries(WRONG))("does not open for %s", async (_name, value) => {
    await expect(TenantSession.open(leases, value(meridian) as never, "read")).rejects.toThrow(TypeError);

    expect(leases.counts.open).toBe(leases.counts.idle);
  });

  it.each([
    ["nothing", () => undefined],
    ["null", () => null],
    ["an object of the same shape", () => ({ ...meridian })],
    ["a clone", () => structuredClone(meridian)],
    ["what inherits from a record", () => Object.create(meridian)],
    ["a proxy of a record", () => new Proxy(meridian, {})],
    ["an object with the prototype of a record", () => Object.setPrototypeOf({ ...meridian }, TenantRecord.prototype)],
  ])("does not open for %s", async (_name, value) => {
    await expect(TenantSession.open(leases, value() as never, "read")).rejects.toThrow(TypeError);

    expect(leases.counts.open).toBe(leases.counts.idle);
  });
});

describe("TenantRecord", () => {
  it.each(Object.entries(WRONG))("is not made with %s for an id", (_name, value) => {
    const { slug, home, epoch, createdAt } = meridian;

    expect(() => new TenantRecord(value(meridian) as never, slug, home, epoch, createdAt)).toThrow("not in order");
  });

  it.each([
    ["public", "public"],
    ["two schemas", `t_${"a".repeat(32)}, public`],
    ["a quoted name", `"t_${"a".repeat(32)}"`],
    ["capitals", `t_${"A".repeat(32)}`],
    ["a line break", `t_${"a".repeat(32)}\n`],
    ["nothing", ""],
  ])("is not made with %s for a schema", (_name, schemaName) => {
    const { id, slug, epoch, createdAt } = meridian;

    expect(() => new TenantRecord(id, slug, { database: "main", schemaName }, epoch, createdAt)).toThrow(
      "not in order",
    );
  });

  it("cannot be turned into another tenant's", () => {
    expect(() => Object.assign(northwind, { id: meridian.id })).toThrow(TypeError);
  });
});

describe("the serving login", () => {
  it("is tried here against every table of a home but the owner's record of its migrations, which it cannot read", async () => {
    const tables = await database.owner("select tablename from pg_tables where schemaname = $1", [
      meridian.home.schemaName,
    ]);
    const session = await TenantSession.open(leases, meridian, "read");

    const read = session.query("select from migrations", []);

    await expect(read).rejects.toMatchObject({ code: "42501" });
    await session.rollback();
    expect(tables.map(({ tablename }) => tablename).sort()).toEqual([...TABLES, "migrations"].sort());
  });

  it("meets no conflict with anything that another tenant has, even in the same home", async () => {
    const place = { isolation: "SCHEMA", database: MAIN } as const;
    const tenant = { id: newId<TenantId>(), slug: "fresh", ...place, createdAt: new Date(), identities: [] };
    await database.owners((owners) => createTenant(owners, tenant, async () => {}));
    const fresh = await recordOf(database, "fresh");
    // One event that is sealed, and one that is not.
    for (let n = 0; n < 2; n++) {
      await sealNow({ serve: leases, database }, "northwind");
      const theirs = await TenantSession.open(leases, northwind, "change");
      const ofEvent = [northwind.id, await write(theirs)];
      await theirs.query("insert into audit_unsealed (tenant_id, event_id) values ($1, $2)", ofEvent);
      await theirs.query(
        "insert into audit_values (tenant_id, commitment, subject_id, salt, value) values ($1, uuid_send($2), $2, '', '{}')",
        ofEvent,
      );
      for (const [table, values] of Object.entries(ASIDE))
        await theirs.query(
          `insert into ${table} select r.* from organizations o, users u, jsonb_populate_record(null::${table}, ${values} || jsonb_build_object('tenant_id', $1::text, 'id', $2::text)) r limit 1 on conflict do nothing`,
          ofEvent,
        );
      await theirs.commit();
    }
    // In the order of their foreign keys. The home's own row is the owner's to write.
    const tables = TABLES.slice(1);
    const rows = new Map<string, unknown>();
    for (const table of tables) {
      const source = `${northwind.home.schemaName}.${table}`;
      await database.owner(`insert into ${fresh.home.schemaName}.${table} select * from ${source}`);
      const [same] = await database.owner(
        `select jsonb_agg(to_jsonb(t) || jsonb_build_object('tenant_id', $1::text))::text as rows from ${source} t`,
        [fresh.id],
      );
      rows.set(table, same!.rows);
    }

    const session = await TenantSession.open(leases, fresh, "change");
    const written = tables.map((table) =>
      session.query(`insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1::text::jsonb)`, [
        rows.get(table),
      ]),
    );
    const seen = tables.map((table) => session.query(`select count(*)::int as count from ${table}`, []));
    await session.commit();

    const counts = (await Promise.all(written)).map(({ count }) => count);
    expect((await Promise.all(seen)).map(([row]) => row!.count)).toEqual(counts);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it.each([
    ["a temporary table", "create temporary table organizations (id uuid)"],
    ["a temporary view", "create temporary view organizations as select 1 as id"],
    ["a table in pg_temp", "create table pg_temp.organizations (id uuid)"],
    ["a table in public", "create table public.organizations (id uuid)"],
    ["a table in the tenant's home", "create table organizations_too (id uuid)"],
    ["a function in public", "create function public.lower(text) returns text language sql as 'select $1'"],
    ["a function in pg_temp", "create function pg_temp.lower(text) returns text language sql as 'select $1'"],
    ["a function in the tenant's home", "create function lower(text) returns text language sql as 'select $1'"],
    ["an operator", "create operator public.= (leftarg = uuid, rightarg = uuid, function = uuid_eq)"],
    ["a schema", "create schema t_mine"],
  ])("cannot make %s", async (_name, text) => {
    const session = await TenantSession.open(leases, northwind, "change");

    await expect(session.query(text, [])).rejects.toMatchObject({ code: "42501" });

    await session.rollback();
  });

  it("is not misled by what stands in public under the names that it uses", async () => {
    await database.owner("create table public.organizations (tenant_id text)");
    await database.owner("insert into public.organizations values ('not a tenant')");
    await database.owner("grant select on public.organizations to public");
    await database.owner(
      "create function public.current_setting(text, boolean) returns text language sql as 'select null::text'",
    );

    await expectConfined(northwind);
  });
});

describe.each([
  ["SCHEMA", "northwind", "meridian"],
  ["SHARED", "meridian", "northwind"],
  ["DATABASE", "lumen", "northwind"],
])("the serving login in a home of %s", (isolation, slug, elsewhere) => {
  let tenant: TenantRecord;
  let other: TenantRecord;
  let own: Leases;
  beforeAll(async () => {
    [tenant, other] = await Promise.all([recordOf(database, slug), recordOf(database, elsewhere)]);
    const { database: name } = tenant.home;
    own = openLeases({ [name]: database.databases[name]! }, { size: 1 });
  });
  afterAll(() => own.close());
  const lend = () => own.acquire("", undefined, tenant.home.database);
  const renew = () => lend().then((lease) => lease.condemn(new Error("a test's")));

  it("is tried in such a home", async () => {
    const [row] = await database.owner("select isolation from tenantry.tenants where slug = $1", [slug]);
    expect(row).toEqual({ isolation });
  });

  /** Rows that it sees in the home with this for a tenant; null where it gets an error instead. */
  async function rowsFor(value: string | null): Promise<number | null> {
    const lease = await lend();
    void lease.run("begin read only");
    void lease.run("select set_config('search_path', $1, true)", [tenant.home.schemaName]);
    if (value !== null) void lease.run("select set_config('tenantry.tenant_id', $1, true)", [value]);
    try {
      const counts = TABLES.map((table) => lease.run(`select count(*)::int as count from ${table}`));
      return (await Promise.all(counts)).reduce((sum, [row]) => sum + Number(row!.count), 0);
    } catch (error) {
      expect(sqlState(error)).toMatch(/^22/);
      return null;
    } finally {
      await lease.run("rollback");
      lease.release();
    }
  }

  it.each(Object.entries(WRONG))(
    "sees no row with %s for a tenant, and the connection is as good as new",
    async (_name, value) => {
      const wrong = value(other);
      // Once on a connection that served nobody, once on one that has just served the tenant.
      await renew();
      expect([0, null]).toContain(await rowsFor(wrong));
      await expectConfined(tenant, own);

      expect([0, null]).toContain(await rowsFor(wrong));
      await expectConfined(tenant, own);
    },
  );

  it("sees no row without a tenant, before and after one was served, and some with the tenant", async () => {
    await renew();
    expect(await rowsFor(null)).toBe(0);
    await expectConfined(tenant, own);

    expect(await rowsFor(null)).toBe(0);
    expect(await rowsFor(tenant.id)).toBeGreaterThan(0);
  });

  it("writes no row of another tenant's", async () => {
    const session = await TenantSession.open(own, tenant, "change");

    await expect(write(session, other.id)).rejects.toMatchObject({ code: "42501" });

    await session.rollback();
  });
});
