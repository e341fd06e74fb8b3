import { randomUUID } from "node:crypto";
import type { Lease } from "../../../src/database/lease.js";
import { MAIN } from "../../../src/database/names.js";
import { newId, type TenantId } from "../../../src/ids.js";
import { readTables } from "../../../src/tenancy/homeTables.js";
import { baselineSql, createHome, newSchemaName } from "../../../src/tenancy/migrations/baseline.js";
import { checkFleet } from "../../../src/tenancy/migrations/check.js";
import { type Looked, lookAtHomes } from "../../../src/tenancy/migrations/drift.js";
import { ownFiles, spell } from "../../../src/tenancy/migrations/files.js";
import { differences, digestsOf, shapesOf } from "../../../src/tenancy/migrations/shape.js";
import { altersTablesAlone, type Touching, wallsDigestOf } from "../../../src/tenancy/migrations/touched.js";
import { inTrial } from "../../../src/tenancy/migrations/transaction.js";
import type { Route } from "../../../src/tenancy/move/route.js";
import { layTraces, removeTraces } from "../../../src/tenancy/move/trace.js";
import { Owners } from "../../../src/tenancy/owners.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { type EmptyTenant, emptyTenants, filesWith, later } from "../../support/fleet.js";
import { HOME, OTHER } from "../walls/faults/fault.js";
import { faultsOfKeys } from "../walls/faults/ofKeys.js";
import { faultsOfObjects } from "../walls/faults/ofObjects.js";
import { faultsOfRights } from "../walls/faults/ofRights.js";
import { faultsOfTables } from "../walls/faults/ofTables.js";

const NAMES = { door: "tenantry_door", serve: "tenantry_serve" };
const FILES = ownFiles().tenant;

let database: TestDatabase;
let home: EmptyTenant;
let other: EmptyTenant;
let owners: Owners;
let owner: Lease;

beforeAll(async () => {
  database = await cloneDatabase();
  [home, other] = (await emptyTenants(database, 2)) as [EmptyTenant, EmptyTenant];
  // One connection for the whole file, so that what was planted can be taken back.
  owners = new Owners(database.owning);
  owner = await owners.main;
});
afterAll(async () => {
  await owners.close();
  await database.drop();
});

const query = (text: string, params?: unknown[]) => owner.run(text, params);
const named = (text: string) => text.replaceAll(HOME, home.schema).replaceAll(OTHER, other.schema);

/** What is found in both homes after this change of the first, of which nothing is kept. */
const lookAfter = (change: string): Promise<Looked> =>
  inTrial(owner, async () => {
    await owner.run(`set local search_path = ${home.schema}; ${named(change)}`);
    return lookAtHomes(owner, [home.schema, other.schema], FILES, NAMES, true);
  });

describe("lookAtHomes", () => {
  it("finds nothing where migrations alone have been", async () => {
    expect(await lookAfter("select")).toEqual({ behind: [], drifted: [] });
  });

  it.each([
    ["a column too many", "alter table users add column shoe_size integer", "column users.shoe_size is not of ours"],
    ["a column too few", "alter table users drop column locale", "column users.locale is missing"],
    [
      "another type",
      "alter table users alter column locale type varchar(5)",
      "column users.locale is (character varying(5)) and not (text)",
    ],
    [
      "another default",
      "alter table users alter column status set default 'SUSPENDED'",
      "column users.status is (text not null default 'SUSPENDED'::text)",
    ],
    [
      "a column that may be null",
      "alter table users alter column status drop not null",
      "column users.status is (text default 'ACTIVE'::text) and not (text not null",
    ],
    ["an index too few", "drop index users_by_email", "index users_by_email is missing"],
    [
      "an index of other columns",
      "drop index users_by_email; create index users_by_email on users (tenant_id, locale)",
      "index users_by_email is (CREATE INDEX",
    ],
    ["a check too few", "alter table users drop constraint users_status", "constraint users.users_status is missing"],
    [
      "a key that was not looked over",
      "alter table grants drop constraint grants_role_fkey; alter table grants add constraint grants_role_fkey foreign key (tenant_id, role_id) references roles (tenant_id, id) not valid",
      "NOT VALID",
    ],
    [
      "another policy",
      "alter policy users_of_this_tenant on users using (true)",
      "policy users.users_of_this_tenant is (for * to {0} using true",
    ],
    [
      "row security that is off",
      "alter table users disable row level security",
      "table users is (kind r, persistence p, of tenantry_owner) and not (kind r, persistence p, row security",
    ],
    ["a right too many", "grant delete on users to tenantry_serve", "the rights on users is"],
    ["a right too few", "revoke select on users from tenantry_serve", "the rights on users is"],
    ["a table of somebody else's", "create table notes (tenant_id uuid primary key)", "table notes is not of ours"],
    ["a table too few", "drop table slugs", "table slugs is missing"],
    [
      "a trigger",
      "create trigger t before update on users for each row execute function suppress_redundant_updates_trigger()",
      "trigger users.t is not of ours",
    ],
    ["a function", "create function f() returns int language sql as 'select 1'", "function f() is not of ours"],
    [
      "a key from elsewhere",
      `create table ${OTHER}.spies (tenant_id uuid, id uuid, foreign key (tenant_id, id) references ${HOME}.users)`,
      "triggers of keys of users is (12 enabled O) and not (10 enabled O)",
    ],
  ])("names %s", async (_what, change, words) => {
    const { drifted, behind } = await lookAfter(change);

    expect(behind).toEqual([]);
    expect(drifted.find(({ schema }) => schema === home.schema)?.why).toContain(words);
  });

  it("takes a column that was added and removed again for no difference", async () => {
    expect((await lookAfter("alter table users add column x text; alter table users drop column x")).drifted).toEqual(
      [],
    );
  });

  it("names ten differences of a home at most, and says how many more there are", async () => {
    const columns = Array.from({ length: 12 }, (_, n) => `add column x${n} text`).join(", ");

    const { drifted } = await lookAfter(`alter table users ${columns}`);

    expect(drifted[0]!.why.split("; ")).toHaveLength(11);
    expect(drifted[0]!.why).toMatch(/; and 2 more$/);
  });

  it("compares a home with the migrations in its own record, and names those that it lacks", async () => {
    const older = newSchemaName();

    const { behind, drifted } = await inTrial(owner, async () => {
      await owner.run(baselineSql(older, NAMES, FILES.slice(0, -1)));
      return lookAtHomes(owner, [older, other.schema], FILES, NAMES, true);
    });

    expect(behind).toEqual([{ schema: older, version: FILES.at(-2)!.name, why: `It lacks ${FILES.at(-1)!.name}.` }]);
    expect(drifted).toEqual([]);
  });

  it("takes what a mover has laid into a home for no difference", async () => {
    const id = newId<TenantId>();
    const place = { database: MAIN, schemaName: home.schema, isolation: "SCHEMA" } as const;
    const route: Route = {
      id: randomUUID(),
      tenant: id,
      slug: "any",
      from: place,
      to: place,
      status: "ACTIVE",
      epoch: 1,
    };

    await layTraces(owner, route, await readTables(owner, home.schema), NAMES);
    const found = await lookAtHomes(owner, [home.schema, other.schema], FILES, NAMES, false);
    await removeTraces(owner, route);

    expect(found).toEqual({ behind: [], drifted: [] });
  });

  it("says where there is no home, and where it has no record", async () => {
    const missing = newSchemaName();

    const found = await inTrial(owner, async () => {
      await owner.run(`drop table ${home.schema}.migrations`);
      return lookAtHomes(owner, [missing, home.schema, other.schema], FILES, NAMES, true);
    });

    expect(found.behind.map(({ schema }) => schema)).toEqual([missing, home.schema]);
  });
});

describe("a digest of a home", () => {
  // On it rests that a home which is built like a sound one need not be looked at again. What is in other schemas is no part
  // of a home: there the gateway looks.
  const faults = [...faultsOfTables, ...faultsOfKeys, ...faultsOfObjects, ...faultsOfRights].filter(
    ({ name }) => name !== "a function elsewhere that runs as its owner",
  );

  it.each(faults.map((one) => [one.name, one.fault]))("is another one after %s", async (_name, fault) => {
    const both = async () => [...(await digestsOf(query, [home.schema, other.schema])).values()];
    const before = await both();

    const after = await inTrial(owner, async () => {
      await owner.run(`set local search_path = ${home.schema}; ${named(fault)}`);
      await owner.run("set local search_path = ''");
      return both();
    });

    expect(before).toHaveLength(2);
    expect(after).not.toEqual(before);
  });

  /** Of what this change leaves behind in both homes, alone and with all their other tables. */
  const ofWallsAfter = (change: string, touching: Touching = "anything") =>
    inTrial(owner, async () => {
      await owner.run(`set local search_path = ${home.schema}; ${named(change)}`);
      await owner.run("set local search_path = ''");
      const both = async () => [
        await wallsDigestOf(query, home.schema, touching),
        await wallsDigestOf(query, other.schema, touching),
      ];
      const alone = await both();
      for (const { schema } of [home, other])
        for (const { name } of await readTables(owner, schema)) await owner.run(`lock table ${schema}."${name}"`);
      return { alone, all: await both() };
    });

  it.each(faults.map((one) => [one.name, one.fault]))(
    "of its walls alone is another one after %s, in what was touched and in the whole",
    async (_name, fault) => {
      const [sound, broken] = [await ofWallsAfter("select"), await ofWallsAfter(fault)];

      expect(sound.all).not.toContain(null);
      expect(broken.alone).not.toEqual(sound.alone);
      expect(broken.all).not.toEqual(sound.all);
    },
  );

  it.each(faults.flatMap(({ name, fault }) => (altersTablesAlone(fault) ? [[name, fault]] : [])))(
    "of the tables alone that are locked is another one after %s",
    async (_name, fault) => {
      const [sound, broken] = [await ofWallsAfter("select", "tables"), await ofWallsAfter(fault!, "tables")];

      expect(broken.alone).not.toEqual(sound.alone);
      expect(broken.all).not.toEqual(sound.all);
    },
  );

  it("of its walls alone does not know of columns that no wall depends on", async () => {
    const [one, another] = [
      await ofWallsAfter("alter table users add column shoe_size integer"),
      await ofWallsAfter("alter table users add column hat_size text"),
    ];

    expect(one).toEqual(another);
    expect(one.all).toEqual((await ofWallsAfter("select")).all);
  });
});

describe("altersTablesAlone", () => {
  it.each([
    'ALTER TABLE "users" ADD COLUMN "nickname" text;',
    "alter table users add column a text;\n\n alter\ttable roles add column b text",
    'ALTER TABLE "users" ADD COLUMN "a" text;--> statement-breakpoint\nALTER TABLE "users" ADD COLUMN "b" text;',
  ])("is so of %p", (sql) => expect(altersTablesAlone(sql)).toBe(true));

  it.each([
    "GRANT SELECT ON users TO public;",
    "ALTER TABLE users ADD COLUMN a text; GRANT SELECT ON roles TO public;",
    "ALTER TABLE users ADD COLUMN a text;--> statement-breakpoint\nGRANT SELECT ON roles TO public;",
    "ALTER TABLE users ADD COLUMN a text DEFAULT '-- '; GRANT SELECT ON roles TO public; --'",
    "/* ALTER TABLE */ GRANT SELECT ON roles TO public",
    "ALTER TABLE users ADD COLUMN a text; /* ; ALTER TABLE */ GRANT SELECT ON roles TO public",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO public",
    "ALTER TABLESPACE fast RENAME TO slow",
  ])("is not of %p", (sql) => expect(altersTablesAlone(sql)).toBe(false));
});

describe("createHome", () => {
  it("makes in one text what the migrations make one by one", async () => {
    const [one, whole] = [newSchemaName(), newSchemaName()];

    const shapes = await inTrial(owner, async () => {
      await owner.run(`create schema ${one}`);
      for (const migration of FILES) {
        await owner.run(`set local search_path = ${one}, pg_temp`);
        await owner.run(spell(migration, { ...NAMES, schema: one }));
      }
      await owner.run("create table migrations (name text primary key, applied_at timestamptz not null)");
      await createHome(owner, whole, NAMES, "SCHEMA");
      const [row] = await owner.run(`select string_agg(name, ',' order by name) as names from ${whole}.migrations`);
      expect(row!.names).toBe(FILES.map(({ name }) => name).join());
      return shapesOf(query, [one, whole]);
    });

    expect(shapes.get(whole)!.size).toBeGreaterThan(100);
    expect(differences(shapes.get(one)!, shapes.get(whole)!)).toEqual([]);
  });

  it("takes no other name than that of a home", () => {
    expect(() => baselineSql('public"; drop schema public', NAMES)).toThrow("A home is called t_");
  });
});

describe("checkFleet", () => {
  it("looks at the homes of every database, and changes nothing", async () => {
    const [{ count }] = (await owner.run("select count(*)::int as count from tenantry.homes")) as never as [
      { count: number },
    ];
    const before = await database.owner("select * from tenantry.homes order by schema_name");

    const checked = await checkFleet(owners);

    expect(checked).toEqual({ homes: count, directory: [], behind: [], drifted: [], unmade: 0 });
    expect(await database.owner("select * from tenantry.homes order by schema_name")).toEqual(before);
  });

  it("names every home that a newer version has not reached, whatever the directory remembers", async () => {
    const next = later("add_nicknames", 'ALTER TABLE "users" ADD COLUMN "nickname" text;');

    const { behind, homes } = await checkFleet(owners, filesWith(next));

    expect(behind).toHaveLength(homes);
    expect(behind.find(({ schema }) => schema === home.schema)).toEqual({
      database: "main",
      schema: home.schema,
      tenants: [home.slug],
      version: FILES.at(-1)!.name,
      why: `It lacks ${next.name}.`,
    });
  });
});
