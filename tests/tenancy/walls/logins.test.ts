import type postgres from "postgres";
import { sqlState } from "../../../src/database/errors.js";
import type { Finding } from "../../../src/tenancy/walls/finding.js";
import { checkLogin } from "../../../src/tenancy/walls/logins.js";
import type { Kind } from "../../../src/tenancy/walls/reach.js";
import { HOME } from "./faults/fault.js";
import { DATABASE, faultsOfBoth, faultsOfDoor, faultsOfServe, LOGIN, OWNER } from "./faults/ofLogins.js";
import { databaseWithOwnLogins } from "./ownLogins.js";

let database: Awaited<ReturnType<typeof databaseWithOwnLogins>>;

beforeAll(async () => {
  database = await databaseWithOwnLogins();
});
afterAll(() => database.drop());

async function asLogin<T>(
  kind: Kind,
  work: (client: postgres.Sql) => Promise<T>,
  settings: Record<string, string> = {},
): Promise<T> {
  const client = database.connect(kind, settings);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What the login finds about itself on a new connection, in the names that the faults use. */
async function check(kind: Kind, settings: Record<string, string> = {}): Promise<Finding[]> {
  const named = (text: string) =>
    text.replaceAll(database.logins[kind], LOGIN).replaceAll(database.name, DATABASE).replaceAll(database.home, HOME);
  const found = await asLogin(kind, (client) => checkLogin((text) => client.unsafe(text), kind), settings);
  return found.map(({ what, mend }) => ({ what: named(what), mend: named(mend) }));
}

async function change(kind: Kind, text: string): Promise<void> {
  await database.owner.unsafe(
    text.replaceAll(LOGIN, database.logins[kind]).replaceAll(DATABASE, database.name).replaceAll(HOME, database.home),
  );
}

// Both are judged by the same text in what concerns neither homes nor the directory, so one of them stands for both there.
const FAULTS = {
  serve: [...faultsOfBoth, ...faultsOfServe],
  door: [...faultsOfBoth.slice(0, 2), ...faultsOfDoor],
};

const whatOf = (findings: readonly Finding[]) => findings.map(({ what }) => what).sort();

describe.each(["serve", "door"] as const)("checkLogin of %s", (kind) => {
  it("finds nothing in a migrated database", async () => {
    expect(await check(kind)).toEqual([]);
  });

  describe.each(FAULTS[kind])("$name", ({ fault, finds, undo }) => {
    it(`is found and named, and gone when ${undo ? "it is undone" : "what the finding says is done"}`, async () => {
      await change(kind, fault);
      const found = await check(kind);
      await change(kind, undo ?? found.map(({ mend }) => mend).join("\n"));
      const left = await check(kind);

      expect(whatOf(found)).toEqual([...finds].sort());
      expect(left).toEqual([]);
    });
  });

  it("is content with extensions, whose views and functions everybody may use", async () => {
    const extensions = ["pg_stat_statements", "pg_buffercache", "pgcrypto", "citext", "hstore"];
    for (const extension of extensions) await change(kind, `create extension ${extension} schema public`);
    const found = await check(kind);
    for (const extension of extensions) await change(kind, `drop extension ${extension}`);

    expect(found).toEqual([]);
  });

  it("finds that the login owns the database", async () => {
    await change(kind, `alter database ${DATABASE} owner to ${LOGIN}`);
    const found = await check(kind);
    await change(kind, `alter database ${DATABASE} owner to ${OWNER}`);

    expect(whatOf(found)).toContain(`The login ${LOGIN} owns database ${DATABASE}, and no wall holds an owner.`);
  });

  it("finds that the login owns something in another database", async () => {
    const { name, logins } = database;
    await database.changeElsewhere(`create schema ${name} authorization ${logins[kind]}`);
    const found = await check(kind);
    await database.changeElsewhere(`drop schema ${name}`);

    expect(whatOf(found)).toEqual([`The login ${LOGIN} owns something in another database of this server.`]);
  });

  it("finds a large object that a statement of the login left behind", async () => {
    const oid = await asLogin(kind, async (client) => {
      const [row] = await client`select lo_from_bytea(0, 'a note'::bytea) as oid`;
      return row?.oid;
    });
    const found = await check(kind);
    await database.owner`select lo_unlink(${oid})`;

    expect(whatOf(found)).toEqual([`The login ${LOGIN} owns large object ${oid}, and no wall holds an owner.`]);
  });

  it("finds a time limit that the URL takes away", async () => {
    const found = await check(kind, { statement_timeout: "0" });

    expect(found).toEqual([
      {
        what: `The URL of the login ${LOGIN} undoes the setting statement_timeout.`,
        mend: "Take statement_timeout out of the options of the URL.",
      },
    ]);
  });

  it("is content with other time limits than its own", async () => {
    expect(await check(kind, { statement_timeout: "2s", lock_timeout: "1min" })).toEqual([]);
  });

  it("finds a time limit that a statement of this session took away", async () => {
    const found = await asLogin(kind, async (client) => {
      await client.unsafe("set lock_timeout = 0");
      return checkLogin((text) => client.unsafe(text), kind);
    });

    expect(found.map(({ what }) => what)).toEqual([
      `The setting lock_timeout is not in force in a session of the login ${database.logins[kind]}.`,
    ]);
  });
});

describe("a serving login", () => {
  const REFUSED = "42501";
  const attempts = (home: string) => [
    "create temporary table users (like pg_catalog.pg_class)",
    "create temporary view users as select 1",
    "create temporary sequence users",
    "create function pg_temp.current_setting(text, boolean) returns text language sql as 'select null'",
    `create table ${home}.roles_of_mine (tenant_id uuid)`,
    `create view ${home}.users as select 1`,
    `create function ${home}.current_setting(text, boolean) returns text language sql as 'select null'`,
    `create operator ${home}.= (leftarg = uuid, rightarg = uuid, function = pg_catalog.uuid_eq)`,
    "create table tenantry.tenants_of_mine (id uuid)",
    "create function public.now() returns date language sql as 'select null::date'",
    "create table public.users (tenant_id uuid)",
    "create schema mine",
    `alter table ${home}.users disable row level security`,
    `drop policy users_of_this_tenant on ${home}.users`,
    `truncate ${home}.users`,
  ];

  it.each(["serve", "door"] as const)(
    "%s can make nothing that stands in for a tenant's table or a function",
    async (kind) => {
      for (const attempt of attempts(database.home)) {
        const refusal = await asLogin(kind, (client) => client.unsafe(attempt)).catch(sqlState);

        expect({ attempt, refusal }).toEqual({ attempt, refusal: REFUSED });
      }
    },
  );
});
