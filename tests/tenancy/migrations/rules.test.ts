import { readMigrations } from "../../../src/tenancy/migrations/files.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";

/** Statements of a migration, without its comments. No text in one holds a semicolon; a test below would find it. */
const statementsOf = (sql: string): string[] =>
  sql
    .replaceAll(/^--.*$/gm, "")
    .split(";")
    .map((statement) => statement.trim())
    .filter(Boolean);

const LISTED = '"\\w+"(?:, "\\w+")*';
const OF_THIS_TENANT = "\\(tenant_id = nullif\\(current_setting\\('tenantry\\.tenant_id', true\\), ''\\)::uuid\\)";
/** Of the kind that every PostgreSQL has, so that a prepared statement fits every home; instants to the millisecond. */
const TYPE = "(?:uuid|text|boolean|integer|bigint|bytea|jsonb|timestamp\\(3\\) with time zone)(?:\\[\\])?";
/** What the application does not give is written out: no function is asked for it. */
const COLUMN = `"\\w+" ${TYPE}(?: DEFAULT (?:'[^']*'|\\d+|true|false))?(?: NOT NULL)?`;
// What Citus puts behind a name ends in a digit, and a name is known without it.
const NAME = '"\\w*[a-z]"';
const CHECK = `CONSTRAINT ${NAME} CHECK \\((?:(?! now\\b|clock_timestamp|random)[^])+\\)`;
const KEY = `CONSTRAINT ${NAME} (?:PRIMARY KEY|UNIQUE)\\("tenant_id"(?:,"\\w+")*\\)`;
const REFERENCE = `CONSTRAINT ${NAME} FOREIGN KEY \\("tenant_id"(?:,"\\w+")+\\) REFERENCES "\\w+"\\("tenant_id"(?:,"\\w+")+\\)(?: ON DELETE (?:CASCADE|RESTRICT))?`;
const CHANGE = [
  "ENABLE ROW LEVEL SECURITY",
  `ADD COLUMN ${COLUMN}`,
  'DROP (?:COLUMN|CONSTRAINT) "\\w+"',
  "ALTER COLUMN \"\\w+\" (?:DROP|SET) (?:NOT NULL|DEFAULT(?: (?:'[^']*'|\\d+))?)",
  `ADD (?:${CHECK}|${KEY}|${REFERENCE})`,
].join("|");

/** Everything that a migration of homes says. One that has to say something else gives it a line here, and a reason. */
const FORMS: Readonly<Record<string, RegExp>> = {
  table: new RegExp(
    `^CREATE TABLE "\\w+" \\(\\n\\t"tenant_id" uuid(?: PRIMARY KEY)?(?:,\\n\\t(?:${COLUMN}|${KEY}|${CHECK}))*\\n\\)$`,
  ),
  change: new RegExp(`^ALTER TABLE "\\w+" (?:${CHANGE})(?:, (?:${CHANGE}))*$`),
  index: /^CREATE INDEX "\w+" ON "\w+" \("tenant_id"[^;]*$/,
  unique: new RegExp(`^CREATE UNIQUE INDEX ${NAME} ON "\\w+" \\("tenant_id"[^;]*$`),
  dropped: /^DROP INDEX "\w+"$/,
  policy: new RegExp(
    `^CREATE POLICY "(\\w+)_of_this_tenant" ON "\\1" AS PERMISSIVE FOR ALL TO public USING ${OF_THIS_TENANT} WITH CHECK ${OF_THIS_TENANT}$`,
  ),
  way: /^GRANT USAGE ON SCHEMA "\{\{schema\}\}" TO "\{\{serve\}\}"$/,
  right: new RegExp(`^GRANT (?:SELECT|INSERT|UPDATE|DELETE)(?: \\(${LISTED}\\))? ON ${LISTED} TO "\\{\\{serve\\}\\}"$`),
};

const strange = (sql: string): string[] =>
  statementsOf(sql).filter((statement) => !Object.values(FORMS).some((form) => form.test(statement)));

const HOMES = readMigrations("tenant");
const TABLES = HOMES.flatMap(({ sql }) => [...sql.matchAll(/CREATE TABLE "(\w+)"/g)].map(([, name]) => name!));

describe("a migration of homes", () => {
  it.each(HOMES)("$name says nothing but what Citus and a fleet of homes can bear", ({ sql }) => {
    expect(strange(sql)).toEqual([]);
  });

  it("is written in all of the forms, so that none is there for nothing", () => {
    const all = HOMES.flatMap(({ sql }) => statementsOf(sql));

    for (const form of Object.values(FORMS)) expect(all.some((statement) => form.test(statement))).toBe(true);
  });

  it("gives every table row security, and the policy that is the wall", () => {
    const all = HOMES.map(({ sql }) => sql).join(";\n");

    expect(TABLES.length).toBeGreaterThan(6);
    for (const name of TABLES) {
      expect(all).toContain(`ALTER TABLE "${name}" ENABLE ROW LEVEL SECURITY`);
      expect(all).toContain(`CREATE POLICY "${name}_of_this_tenant" ON "${name}" `);
    }
  });

  const table = (columns: string) => `CREATE TABLE "hats" (\n\t"tenant_id" uuid,\n\t${columns}\n);`;
  const policy = 'CREATE POLICY "hats_of_this_tenant" ON "hats" AS PERMISSIVE FOR ALL TO public';
  it.each([
    ["a table without the tenant", 'CREATE TABLE "hats" (\n\t"id" uuid PRIMARY KEY\n);'],
    ["a key that does not begin with the tenant", table('CONSTRAINT "hats_pkey" PRIMARY KEY("id","tenant_id")')],
    ["a key of its own column", table('"id" uuid PRIMARY KEY')],
    ["a name that ends in a digit", table('CONSTRAINT "hats_key_2" UNIQUE("tenant_id","id")')],
    ["an instant to the microsecond", table('"at" timestamp with time zone NOT NULL')],
    ["a type of its own", table('"size" "hat_size" NOT NULL')],
    ["an id that PostgreSQL makes", table('"id" uuid DEFAULT gen_random_uuid() NOT NULL')],
    ["a clock that PostgreSQL reads", 'ALTER TABLE "hats" ADD COLUMN "at" timestamp(3) with time zone DEFAULT now();'],
    ["a sequence", table('"nth" bigserial')],
    ["an unlogged table", table('"id" uuid').replace("TABLE", "UNLOGGED TABLE")],
    ["inheritance", `${table('"id" uuid').slice(0, -1)} INHERITS ("users");`],
    ["forced row security", 'ALTER TABLE "hats" FORCE ROW LEVEL SECURITY;'],
    ["no row security", 'ALTER TABLE "hats" DISABLE ROW LEVEL SECURITY;'],
    ["a policy that lets all through", `${policy} USING (true) WITH CHECK (true);`],
    [
      "a policy that raises without a tenant",
      `${policy} USING (tenant_id = current_setting('tenantry.tenant_id')::uuid);`,
    ],
    ["a unique index over tenants", 'CREATE UNIQUE INDEX "hats_size_key" ON "hats" ("size");'],
    ["an index over tenants", 'CREATE INDEX "hats_by_size" ON "hats" ("size");'],
    [
      "a reference that can join two tenants",
      'ALTER TABLE "hats" ADD CONSTRAINT "hats_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id");',
    ],
    [
      "a reference that empties the tenant",
      'ALTER TABLE "hats" ADD CONSTRAINT "hats_fkey" FOREIGN KEY ("tenant_id","user_id") REFERENCES "users"("tenant_id","id") ON DELETE SET NULL;',
    ],
    [
      "a reference to the directory",
      'ALTER TABLE "hats" ADD CONSTRAINT "hats_fkey" FOREIGN KEY ("tenant_id","id") REFERENCES "tenantry"."tenants"("tenant_id","id");',
    ],
    ["an enum", "CREATE TYPE \"hat_size\" AS ENUM ('S', 'M');"],
    ["a domain", 'CREATE DOMAIN "size" AS text;'],
    ["a trigger", 'CREATE TRIGGER "worn" AFTER UPDATE ON "hats" FOR EACH ROW EXECUTE FUNCTION wear();'],
    ["a view", 'CREATE VIEW "all_hats" AS SELECT * FROM "hats";'],
    ["a function", "CREATE FUNCTION wear() RETURNS int LANGUAGE sql AS 'select 1';"],
    ["a right on whatever there is", 'GRANT SELECT ON ALL TABLES IN SCHEMA "{{schema}}" TO "{{serve}}";'],
    ["a right for everybody", 'GRANT SELECT ON "hats" TO PUBLIC;'],
    ["a right to empty a table", 'GRANT TRUNCATE ON "hats" TO "{{serve}}";'],
  ])("may not have %s", (_what, sql) => {
    expect(strange(sql)).toHaveLength(1);
  });
});

describe("a migration of the directory", () => {
  it("has nothing to do with homes: no reference into one, and no right in one", () => {
    const all = readMigrations("directory")
      .map(({ sql }) => sql)
      .join("\n");
    const targets = [...all.matchAll(/REFERENCES (\S+?)\(/g)].map(([, target]) => target);

    expect(targets.length).toBeGreaterThan(2);
    expect(targets.filter((target) => !target!.startsWith('"tenantry".'))).toEqual([]);
    expect(all).not.toMatch(/\{\{(serve|schema)\}\}/);
    expect(all).not.toMatch(/\bON ALL TABLES\b|\bTO PUBLIC\b/i);
  });
});

describe("a home as the migrations make it", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await cloneDatabase();
  });
  afterAll(() => database.drop());

  /** Anybody may be without these, and so any number of people are. */
  const MANY_WITHOUT = ["users_identity_key"];

  it("has no unique index that a missing value gets past unless it says so", async () => {
    const loose = async () =>
      (
        await database.owner(`
          select distinct c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
          join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
          join pg_attribute a on a.attrelid = t.oid and a.attnum = any (i.indkey::int2[]) and not a.attnotnull
          where n.nspname ~ '^t_' and i.indisunique and not i.indnullsnotdistinct
            and coalesce(pg_get_expr(i.indpred, t.oid), '') !~ format('\\m%s IS NOT NULL', a.attname) order by 1`)
      ).map(({ name }) => name);
    expect(await loose()).toEqual(MANY_WITHOUT);

    const [{ home } = {}] = await database.owner("select min(nspname) as home from pg_namespace where nspname ~ '^t_'");
    await database.owner(`create unique index loose_key on ${home}.users (tenant_id, external_id)`);

    expect(await loose()).toEqual(["loose_key", ...MANY_WITHOUT]);
  });
});
