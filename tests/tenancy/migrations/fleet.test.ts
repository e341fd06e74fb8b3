import { withOwner } from "../../../src/database/owner.js";
import { newId, type TenantId } from "../../../src/ids.js";
import { createTenant } from "../../../src/tenancy/create.js";
import { checkFleet } from "../../../src/tenancy/migrations/check.js";
import { type Files, ownFiles } from "../../../src/tenancy/migrations/files.js";
import { migrate, rehearseAll } from "../../../src/tenancy/migrations/migrate.js";
import { shapesOf } from "../../../src/tenancy/migrations/shape.js";
import { ownVersion } from "../../../src/tenancy/migrations/versions.js";
import { withOwners } from "../../../src/tenancy/owners.js";
import { eraseTenant } from "../../../src/tenancy/tenants/erase.js";
import { getTenant } from "../../../src/tenancy/tenants/record.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import {
  type EmptyTenant,
  emptyTenants,
  filesWith,
  homesWithColumn,
  later,
  migrateWith,
  recordIn,
} from "../../support/fleet.js";
import { stopLocking } from "../../support/moves.js";
import { until } from "../../support/until.js";
import { openWay } from "../../support/way.js";

const NICKNAMES = later("add_nicknames", 'ALTER TABLE "users" ADD COLUMN "nickname" text;');
const MOTTOS = {
  ...later("add_mottos", 'ALTER TABLE "users" ADD COLUMN "motto" text;'),
  name: "99990102000000_add_mottos",
};
const LAST = ownFiles().tenant.at(-1)!.name;

let database: TestDatabase;
let tenants: EmptyTenant[];
let all: string[];

beforeAll(async () => {
  database = await cloneDatabase();
  tenants = await emptyTenants(database, 2);
  const rows = await database.owner("select schema_name from tenantry.homes where database = 'main' order by 1");
  all = rows.map(({ schema_name }) => String(schema_name));
});
afterAll(() => database.drop());

/** Every home as it was before the test. */
afterEach(() =>
  database.owners(async (owners) => {
    const [main, { version, lineage }] = [await owners.main, ownVersion()];
    for (const { schema_name: schema, database: where } of await main.run("select * from tenantry.homes")) {
      const owner = await owners.of(String(where));
      await owner.run(`alter table ${schema}.users drop column if exists nickname, drop column if exists motto;
        delete from ${schema}.migrations where name > '9999'`);
    }
    await main.run("update tenantry.homes set version = $1, lineage = $2, problem = null", [version, lineage]);
  }),
);

const remembered = async (schema: string) =>
  (await database.owner("select version, problem from tenantry.homes where schema_name = $1", [schema]))[0];

/** A reader in a table of this home, for as long as `work` takes: nobody can alter the table. */
const whileRead = <T>(schema: string, work: (done: () => Promise<unknown>) => Promise<T>): Promise<T> =>
  withOwner(database.url("tenantry_owner"), async (reader) => {
    await reader.run("begin");
    await reader.run(`select from ${schema}.users`);
    return work(() => reader.run("commit"));
  });

describe("migrate", () => {
  it("brings every home of every database to the new version, with its record and the directory's memory", async () => {
    const { homes, applied, behind } = await migrateWith(database, filesWith(NICKNAMES));

    expect(behind).toEqual([]);
    expect(applied).toHaveLength(homes);
    expect(new Set(applied.map(({ migration }) => migration))).toEqual(new Set([NICKNAMES.name]));
    expect(await homesWithColumn(database, "nickname")).toEqual(all);
    for (const schema of all) {
      expect(await recordIn(database, schema)).toEqual([...ownFiles().tenant, NICKNAMES].map(({ name }) => name));
      expect(await remembered(schema)).toEqual({ version: NICKNAMES.name, problem: null });
    }
  });

  it("runs each migration once in each home, of two runs at once", async () => {
    const files = filesWith(NICKNAMES, MOTTOS);

    const [one, other] = await Promise.all([migrateWith(database, files), migrateWith(database, files)]);

    expect([one.behind, other.behind]).toEqual([[], []]);
    expect(one.applied.length + other.applied.length).toBe(2 * one.homes);
    expect(Math.min(one.applied.length, other.applied.length)).toBe(0);
  });

  it("does not look at homes that the directory knows to be complete", async () => {
    // Whoever looked would find no record.
    await database.owner(`alter table ${tenants[0]!.schema}.migrations rename to hidden`);

    expect(await migrateWith(database, ownFiles())).toMatchObject({ applied: [], behind: [] });
    expect((await migrateWith(database, ownFiles(), { everyHome: true })).behind).toMatchObject([
      { schema: tenants[0]!.schema, why: expect.stringContaining("no record") },
    ]);
    await database.owner(`alter table ${tenants[0]!.schema}.hidden rename to migrations`);
  });

  it.each([
    ["has forgotten where a home is", "version = null, lineage = null"],
    ["is behind, as after a crash between a home and its memory", "version = 'x', lineage = 'unknown'"],
  ])("looks at the home's own record where the directory %s, and runs nothing twice", async (_what, change) => {
    await database.owner(`update tenantry.homes set ${change} where schema_name = $1`, [tenants[0]!.schema]);

    const { applied, behind } = await migrateWith(database, ownFiles());

    expect([applied, behind]).toEqual([[], []]);
    expect(await remembered(tenants[0]!.schema)).toEqual({ version: LAST, problem: null });
  });

  it("goes on when a home fails, keeps why in the directory, and brings it up when it is mended", async () => {
    const { slug, schema } = tenants[1]!;
    await database.owner(`alter table ${schema}.users add column nickname integer`);

    const first = await migrateWith(database, filesWith(NICKNAMES, MOTTOS));

    const why = `${NICKNAMES.name} failed: column "nickname" of relation "users" already exists`;
    expect(first.behind).toEqual([{ database: "main", schema, tenants: [slug], version: LAST, why }]);
    expect(await homesWithColumn(database, "motto")).toEqual(all.filter((home) => home !== schema));
    expect(await remembered(schema)).toEqual({ version: LAST, problem: why });

    await database.owner(`alter table ${schema}.users drop column nickname`);
    const second = await migrateWith(database, filesWith(NICKNAMES, MOTTOS));

    expect(second.behind).toEqual([]);
    expect(second.applied).toEqual([NICKNAMES, MOTTOS].map(({ name }) => ({ schema, migration: name })));
    expect(await remembered(schema)).toEqual({ version: MOTTOS.name, problem: null });
  });

  it("tries a home again that somebody reads, behind all others", async () => {
    const busy = tenants[0]!.schema;

    const { behind } = await whileRead(busy, async (done) => {
      const run = migrateWith(database, filesWith(NICKNAMES), { pace: { tries: 50 } });
      await until(async () => (await homesWithColumn(database, "nickname")).length === all.length - 1);
      await done();
      return run;
    });

    expect(behind).toEqual([]);
    expect(await homesWithColumn(database, "nickname")).toEqual(all);
  });

  it("leaves a home behind that somebody reads all the time, and says so", async () => {
    const busy = tenants[0]!.schema;

    const { behind } = await whileRead(busy, () => migrateWith(database, filesWith(NICKNAMES)));

    expect(behind).toMatchObject([
      { schema: busy, why: expect.stringContaining("has held a lock in it all the time") },
    ]);
    expect(await homesWithColumn(database, "nickname")).toEqual(all.filter((home) => home !== busy));
  });

  it("goes on in a new session where one was lost", async () => {
    const busy = tenants[0]!.schema;

    const { behind } = await whileRead(busy, async (done) => {
      const run = migrateWith(database, filesWith(NICKNAMES), { lockMs: 60_000 });
      await until(async () => {
        const [row] = await database.owner(
          `select count(pg_terminate_backend(pid))::int as killed from pg_stat_activity
           where datname = $1 and wait_event_type = 'Lock'`,
          [database.name],
        );
        return Number(row!.killed) > 0;
      });
      await done();
      return run;
    });

    expect(behind).toEqual([]);
    expect(await homesWithColumn(database, "nickname")).toEqual(all);
  });

  it("goes to the server and back twice at most for each home that is as the directory remembers it", async () => {
    const way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
    const { main } = database.owning.databases;
    const owning = {
      ...database.owning,
      databases: { ...database.owning.databases, main: { ...main!, url: way.url(main!.url) } },
    };
    const tripsOf = async (files: Files) => {
      const before = way.trips;
      const { applied } = await withOwners(owning, (owners) => migrate(owners, { files, pace: { workers: 1 } }));
      return { ran: applied.length, trips: way.trips - before };
    };
    const few = await tripsOf(filesWith(NICKNAMES));
    const more = await emptyTenants(database, 4);

    const many = await tripsOf(filesWith(NICKNAMES, MOTTOS));

    await way.close();
    await database.owners(async (owners) => {
      for (const { slug } of more) await eraseTenant(owners, await getTenant(await owners.main, slug));
    });
    // What runs in the new homes is both migrations, at once.
    expect(many.ran - few.ran).toBe(2 * more.length);
    expect(many.trips - few.trips).toBeLessThanOrEqual(2 * more.length);
  });

  it("fails the homes of a database that is away, and no others", async () => {
    const place = { isolation: "DATABASE", database: await database.spare() } as const;
    const [away] = await emptyTenants(database, 1, place);
    const { databases } = database.owning;
    const nowhere = { ...databases[place.database]!, url: "postgres://nobody:nothing@127.0.0.1:1/nowhere" };
    const owning = { ...database.owning, databases: { ...databases, [place.database]: nowhere } };

    const { behind } = await withOwners(owning, (owners) => migrate(owners, { files: filesWith(NICKNAMES) }));

    expect(behind).toMatchObject([{ tenants: [away!.slug], why: "Its database does not answer." }]);
    expect(await homesWithColumn(database, "nickname")).toEqual(all);
    expect((await migrateWith(database, filesWith(NICKNAMES))).applied).toHaveLength(1);
    expect(await homesWithColumn(database, "nickname", place.database)).toEqual([away!.schema]);
  });

  it("takes a database that has no room for all workers for full, and not for away", async () => {
    const place = { isolation: "SCHEMA", database: await database.spare() } as const;
    const there = await emptyTenants(database, 4, place);
    const few = `few_${database.name}`;
    const { databases } = database.owning;
    const url = new URL(databases[place.database]!.url);
    Object.assign(url, { username: few, password: "few" });
    const owning = {
      ...database.owning,
      databases: { ...databases, [place.database]: { ...databases[place.database]!, url: url.href } },
    };
    // One for the trial of what is to run, and one for a worker.
    await database.owner(`create role ${few} login connection limit 2 password 'few' in role tenantry_owner`);

    const { behind } = await withOwners(owning, (owners) =>
      migrate(owners, { files: filesWith(NICKNAMES), pace: { workers: 4 } }),
    );

    expect(behind).toEqual([]);
    expect(await homesWithColumn(database, "nickname", place.database)).toEqual(
      there.map(({ schema }) => schema).sort(),
    );
    await database.owners(async (owners) => {
      for (const { slug } of there) await eraseTenant(owners, await getTenant(await owners.main, slug));
      const other = await owners.of(place.database);
      await other.run(`reassign owned by ${few} to tenantry_owner`);
      await other.run(`drop role ${few}`);
    });
  });

  it("leaves a tenant alone that is just being made in another database", async () => {
    const place = { isolation: "DATABASE", database: await database.spare() } as const;
    const during = await database.owners(async (owners) => {
      let seen: unknown;
      const id = "01890000-0000-7000-8000-000000000001" as never;
      const tenant = { id, slug: "coming", ...place, createdAt: new Date(), identities: [] };
      await createTenant(owners, tenant, async () => {
        seen = await migrateWith(database, ownFiles());
      });
      return seen;
    });

    expect(during).toMatchObject({ applied: [], behind: [], unmade: 1 });
    expect(await migrateWith(database, ownFiles())).toMatchObject({ applied: [], behind: [], unmade: 0 });
  });

  it("comes back to a home that an older version was making when it came by", async () => {
    const place = { isolation: "SCHEMA", database: await database.spare() } as const;
    const tenant = { id: newId<TenantId>(), slug: "late", ...place, createdAt: new Date(), identities: [] };
    let migrating: ReturnType<typeof migrateWith> | undefined;
    let left = 0;

    // One home holds the run up until the other, which it has passed over, is there.
    await whileRead(tenants[0]!.schema, async () => {
      await database.owners((owners) =>
        createTenant(owners, tenant, async () => {
          const onHome = (done: number, of: number) => {
            left = of - done;
          };
          const pace = { workers: 2, tries: 50 };
          migrating = migrateWith(database, filesWith(NICKNAMES), { onHome, pace });
          await until(async () => left === 1);
        }),
      );
    });
    const { behind, unmade, applied } = await migrating!;

    const [home] = await homesWithColumn(database, "nickname", place.database);
    expect({ behind, unmade }).toEqual({ behind: [], unmade: 0 });
    expect(applied.map(({ schema }) => schema)).toContain(home);
    await database.owners(async (owners) => {
      await eraseTenant(owners, await getTenant(await owners.main, "late"));
    });
  });

  it("brings the homes of canaries first, and touches no other when one of them fails", async () => {
    const [canary, other] = tenants;
    await database.owner(`alter table ${canary!.schema}.users add column nickname text`);

    const { applied, behind } = await migrateWith(database, filesWith(NICKNAMES), { canaries: [canary!.slug] });

    expect(applied).toEqual([]);
    expect(await homesWithColumn(database, "nickname")).toEqual([canary!.schema]);
    const whyOf = (schema: string) => behind.find((home) => home.schema === schema)?.why;
    expect(whyOf(canary!.schema)).toContain("already exists");
    expect(whyOf(other!.schema)).toContain("a home that was to come first has failed");
  });

  it("goes on to all others when the canaries are well", async () => {
    const { applied, homes } = await migrateWith(database, filesWith(NICKNAMES), { canaries: [tenants[1]!.slug] });

    expect(applied).toHaveLength(homes);
    expect(applied[0]).toEqual({ schema: tenants[1]!.schema, migration: NICKNAMES.name });
  });

  it("refuses a canary that is no tenant", async () => {
    const run = migrateWith(database, filesWith(NICKNAMES), { canaries: [tenants[0]!.slug, "nobody"] });

    await expect(run).rejects.toThrow("There is no tenant nobody.");
    expect(await homesWithColumn(database, "nickname")).toEqual([]);
  });

  it("stops behind the migration that is named, and goes on from there the next time", async () => {
    const files = filesWith(NICKNAMES, MOTTOS);

    const first = await migrateWith(database, files, { last: NICKNAMES.name });
    const again = await migrateWith(database, files, { last: NICKNAMES.name });
    const rest = await migrateWith(database, files);

    expect(new Set(first.applied.map(({ migration }) => migration))).toEqual(new Set([NICKNAMES.name]));
    expect(again.applied).toEqual([]);
    expect(new Set(rest.applied.map(({ migration }) => migration))).toEqual(new Set([MOTTOS.name]));
    expect(rest.applied).toHaveLength(first.homes);
  });

  it("names a migration that is dated before one that ran, and runs nothing", async () => {
    await migrateWith(database, filesWith(MOTTOS));

    const run = migrateWith(database, filesWith(NICKNAMES, MOTTOS));

    await expect(run).rejects.toThrow(`The migration ${NICKNAMES.name} is dated before ${MOTTOS.name}`);
    expect(await homesWithColumn(database, "nickname")).toEqual([]);
  });

  it.each([
    ["fails", "SELECT 1 / 0;", "division by zero"],
    [
      "makes a table without row security",
      'CREATE TABLE "notes" ("tenant_id" uuid PRIMARY KEY);',
      /notes has row security off/,
    ],
    [
      "takes row security off beside a policy",
      'ALTER TABLE "users" DISABLE ROW LEVEL SECURITY;',
      /users has row security off/,
    ],
    [
      "has a policy that shows all",
      'ALTER POLICY "users_of_this_tenant" ON "users" USING (true);',
      /users_of_this_tenant of table .*users is not the wall/,
    ],
    [
      "has a policy for SELECT alone",
      `DROP POLICY "users_of_this_tenant" ON "users";
       CREATE POLICY "shown" ON "users" FOR SELECT USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);`,
      /shown of table .*users is not the wall/,
    ],
  ])("touches no home when a migration %s in an empty one", async (_what, sql, words) => {
    const run = migrateWith(database, filesWith(NICKNAMES, { ...MOTTOS, sql }));

    await expect(run).rejects.toThrow(words);
    expect(await homesWithColumn(database, "nickname")).toEqual([]);
  });

  it("keeps nothing of what runs in a home whose walls somebody has opened, and names the hole", async () => {
    const { schema } = tenants[1]!;
    await database.owner(`alter table ${schema}.users disable row level security`);

    const { behind } = await migrateWith(database, filesWith(NICKNAMES));

    expect(behind).toMatchObject([
      { schema, why: expect.stringContaining(`Table ${schema}.users has row security off`) },
    ]);
    expect(behind[0]!.why).toContain(`would leave ${schema} open, so none of them was kept`);
    expect(await homesWithColumn(database, "nickname")).toEqual(all.filter((home) => home !== schema));
    expect(await recordIn(database, schema)).not.toContain(NICKNAMES.name);
    await database.owner(`alter table ${schema}.users enable row level security`);
  });
});

describe("rehearseAll", () => {
  it("says what would run, and changes nothing", async () => {
    const content = async () => {
      const rows = await database.owner("select * from tenantry.homes order by schema_name");
      const [there] = await database.owner("select count(*) as schemas from pg_namespace");
      const query = (text: string, params?: unknown[]) => database.owner(text, params);
      return { rows, there, shapes: await shapesOf(query, all), records: await recordIn(database, all[0]!) };
    };
    const before = await content();

    const { applied, behind } = await database.owners((owners) =>
      rehearseAll(owners, { files: filesWith(NICKNAMES, MOTTOS), last: NICKNAMES.name }),
    );

    expect(behind).toEqual([]);
    expect(applied.map(({ schema }) => schema)).toEqual(expect.arrayContaining(all));
    expect(new Set(applied.map(({ migration }) => migration))).toEqual(new Set([NICKNAMES.name]));
    expect(await content()).toEqual(before);
  });

  it("says so when a migration does not run", async () => {
    const run = database.owners((owners) =>
      rehearseAll(owners, { files: filesWith({ ...NICKNAMES, sql: "SELECT 1 / 0;" }) }),
    );

    await expect(run).rejects.toThrow("division by zero");
  });

  it("tells what a directory lacks that is not there at all", async () => {
    await database.owner("alter schema tenantry rename to hidden");

    const { applied, homes } = await database.owners((owners) => rehearseAll(owners));

    expect(applied).toEqual(ownFiles().directory.map(({ name }) => ({ schema: "tenantry", migration: name })));
    expect(homes).toBe(0);
    expect(await database.owner("select to_regnamespace('tenantry') is null as gone")).toEqual([{ gone: true }]);
    await database.owner("alter schema hidden rename to tenantry");
  });
});

describe("a directory that is to be altered", () => {
  const ALTERED: Files = {
    ...ownFiles(),
    directory: [...ownFiles().directory, later("add_mottos", "ALTER TABLE tenantry.tenants ADD COLUMN motto text;")],
  };
  /** Reads as the door does, which waits for a lock no longer than a request may. */
  const reading = () =>
    database
      .session("main", (owner) => owner.run("set lock_timeout = '2s'; select from tenantry.tenants"))
      .then(
        () => "read",
        (error: Error) => error.message,
      );

  it("is read by gateways while homes are rehearsed", async () => {
    const sql = "DO $$ BEGIN IF to_regclass('public.held') IS NOT NULL THEN LOCK TABLE public.held; END IF; END $$;";
    const files = { ...ALTERED, tenant: filesWith({ ...NICKNAMES, sql }).tenant };
    await database.owner("create table public.held ()");
    const stop = await stopLocking(database, "public.held", "share");

    const rehearsing = database.owners((owners) => rehearseAll(owners, { files }));
    await stop.reached();
    const came = await reading();
    await stop.open();

    expect(came).toBe("read");
    expect((await rehearsing).applied).toEqual(
      expect.arrayContaining([{ schema: "tenantry", migration: ALTERED.directory.at(-1)!.name }]),
    );
    await database.owner("drop table public.held");
  });

  it("is read by gateways while homes are compared", async () => {
    const stop = await stopLocking(database, `${tenants[0]!.schema}.migrations`, "access exclusive");

    const checking = database.owners((owners) => checkFleet(owners, ALTERED));
    await stop.reached();
    const came = await reading();
    await stop.open();

    expect(came).toBe("read");
    expect(await checking).toMatchObject({ directory: [ALTERED.directory.at(-1)!.name], behind: [], drifted: [] });
    expect(await homesWithColumn(database, "motto")).toEqual([]);
  });
});
