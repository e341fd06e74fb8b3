import type postgres from "postgres";
import { sqlState } from "../../../src/database/errors.js";
import { ensureLogins } from "../../../src/tenancy/migrations/logins.js";
import { inTrial } from "../../../src/tenancy/migrations/transaction.js";
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

describe("checkLogin of a database that is there for homes alone", () => {
  const alone = () => asLogin("serve", (client) => checkLogin((text) => client.unsafe(text), "alone"));
  const letIn = (...who: string[]) =>
    database.owner.unsafe(`grant connect on database ${database.name} to ${who.join(", ")}`);
  beforeAll(() => letIn(database.logins.serve));
  afterAll(() => letIn("public", database.logins.door));

  it("finds that every login of the server may connect", async () => {
    const found = await alone();
    await database.owner.unsafe(found.map(({ mend }) => mend).join("\n"));

    expect(whatOf(found).filter((what) => what.includes("PUBLIC"))).toEqual([
      `Every login of the server (PUBLIC) can connect to the database ${database.name}, which is for its own serving login.`,
    ]);
    expect(await alone()).toEqual([]);
  });

  it("finds that a login which serves another database may connect, and nothing in one that serves none", async () => {
    const { name, logins } = database;
    await letIn(logins.door, "pg_monitor");
    const found = await alone();
    await database.owner.unsafe(found.map(({ mend }) => mend).join("\n"));
    const left = await alone();
    await database.owner.unsafe(`revoke connect on database ${name} from pg_monitor`);

    expect(whatOf(found)).toEqual([
      `The login ${logins.door}, which serves another database, can connect to the database ${name}.`,
    ]);
    expect(left).toEqual([]);
  });
});

describe("ensureLogins of an owner who may make no logins", () => {
  /** What it says, and who may connect afterwards; nothing of it is kept. */
  const asOwner = (ownsDatabase: boolean, isAlone: boolean) =>
    database.asOwner((owner) =>
      inTrial(owner, async () => {
        const [weak, logins] = [`${database.name}_weak`, Object.values(database.logins)];
        await owner.run(`create role ${weak}`);
        if (ownsDatabase) await owner.run(`alter database ${database.name} owner to ${weak}`);
        await owner.run(`set local role ${weak}`);
        await ensureLogins(
          owner,
          logins.map((name) => ({ name, password: "as it was" })),
          isAlone,
        );
        const [row] = await owner.run(
          "select has_database_privilege('pg_monitor', current_database(), 'CONNECT') as may",
        );
        return row!.may;
      }),
    );

  it("closes a database of its own to others, where there are the logins already", async () => {
    expect([await asOwner(true, true), await asOwner(true, false), await asOwner(false, false)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it("says that it cannot close a database that is another's", async () => {
    await expect(asOwner(false, true)).rejects.toThrow(
      `may not close the database ${database.name} to other logins. Run \`tenantry migrate --print-sql\``,
    );
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
