import postgres from "postgres";
import { checkHomes } from "../../../src/tenancy/walls/catalogue.js";
import type { Finding, Query } from "../../../src/tenancy/walls/finding.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { until } from "../../support/until.js";
import { HOME, OF_THIS_TENANT, OTHER } from "./faults/fault.js";
import { faultsOfKeys } from "./faults/ofKeys.js";
import { faultsOfObjects } from "./faults/ofObjects.js";
import { faultsOfRights } from "./faults/ofRights.js";
import { faultsOfTables } from "./faults/ofTables.js";

const FAULTS = [...faultsOfTables, ...faultsOfKeys, ...faultsOfObjects, ...faultsOfRights];

let database: TestDatabase;
let owner: postgres.Sql;
let serve: postgres.Sql;
let homes: readonly string[];

beforeAll(async () => {
  database = await cloneDatabase();
  const options = { max: 1, fetch_types: false, onnotice: () => {} };
  owner = postgres(database.url("tenantry_owner"), options);
  serve = postgres(database.url("tenantry_serve"), options);
  const rows = await owner`select nspname from pg_namespace where nspname ~ '^t_' order by nspname`;
  homes = rows.map((row) => String(row.nspname));
});

afterAll(async () => {
  await Promise.all([owner.end(), serve.end()]);
  await database.drop();
});

const through =
  (client: postgres.Sql): Query =>
  (text, params) =>
    client.unsafe(text, params as string[], { prepare: true });

/** What the serving login finds after these changes, in a transaction that leaves nothing behind. */
async function findAfter(...changes: string[]): Promise<Finding[]> {
  const named = (text: string, from: readonly string[], to: readonly string[]) =>
    from.reduce((said, name, index) => said.replaceAll(name, to[index]!), text);
  await owner.unsafe("begin");
  try {
    for (const change of changes) {
      await owner.unsafe(`set local search_path = ${homes[0]}`);
      await owner.unsafe(named(change, [HOME, OTHER], homes));
    }
    await owner.unsafe("set local search_path = ''; set local role tenantry_serve");
    const findings = await checkHomes(through(owner));
    return findings.map(({ what, mend }) => ({
      what: named(what, homes, [HOME, OTHER]),
      mend: named(mend, homes, [HOME, OTHER]),
    }));
  } finally {
    await owner.unsafe("rollback");
  }
}

describe("checkHomes", () => {
  it("finds nothing in a migrated database, whoever asks", async () => {
    expect(homes.length).toBeGreaterThan(1);

    expect(await checkHomes(through(owner))).toEqual([]);
    expect(await checkHomes(through(serve))).toEqual([]);
    expect(await checkHomes(through(serve), homes)).toEqual([]);
  });

  describe.each(FAULTS)("$name", ({ fault, finds, isMended }) => {
    it("is found and named, and nothing else is", async () => {
      const found = await findAfter(fault);

      expect(found.map(({ what }) => what).sort()).toEqual([...finds].sort());
      for (const { mend } of found) expect(mend).not.toBe("");
    });

    if (isMended) {
      it("is gone when what the finding says is done", async () => {
        const found = await findAfter(fault);

        expect(await findAfter(fault, ...found.map(({ mend }) => mend))).toEqual([]);
      });
    }
  });

  it("is not taken in by a policy that reads like the wall and calls a function of another schema", async () => {
    const path = `disguise, pg_catalog, ${homes[0]}`;
    await owner.unsafe("begin");
    await owner.unsafe(`create schema disguise;
      create function disguise.current_setting(text, boolean) returns text language sql as $$ select '' $$;
      set local search_path = ${path};
      alter policy users_of_this_tenant on users using (${OF_THIS_TENANT}) with check (${OF_THIS_TENANT})`);
    const [policy] = await owner`select qual from pg_policies where policyname = 'users_of_this_tenant' group by qual`;

    const found = await checkHomes(through(owner), [homes[0]!]);

    await owner.unsafe("rollback");
    expect(policy?.qual).toContain("NULLIF(current_setting('tenantry.tenant_id'");
    expect(found.map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/^Policy users_of_this_tenant of table .* is not the wall/),
    );
  });

  it("looks only at the homes that are asked for", async () => {
    await owner.unsafe("begin");
    await owner.unsafe(`alter table ${homes[0]}.users disable row level security`);

    const found = [await checkHomes(through(owner), [homes[0]!]), await checkHomes(through(owner), [homes[1]!])];
    const none = await checkHomes(through(owner), []);

    await owner.unsafe("rollback");
    expect(found.map(({ length }) => length)).toEqual([1, 0]);
    expect(none).toEqual([]);
  });

  it.each([`t_${"0".repeat(32)}`, "tenantry", "public", 'no"where'])("says that there is no home %s", async (name) => {
    const [finding, ...more] = await checkHomes(through(serve), [name, homes[0]!]);

    expect(finding?.what).toMatch(/^There is no home .* in this database\.$/);
    expect(finding?.what).toContain(name.replaceAll('"', '""'));
    expect(more).toEqual([]);
  });

  it("names ten of a kind at most", async () => {
    const tables = Array.from({ length: 12 }, (_, n) => `create table extra_${n} (tenant_id uuid primary key);`);

    const found = await findAfter(tables.join(""));

    expect(found.filter(({ what }) => what.endsWith("has no policy."))).toHaveLength(10);
  });

  it("quotes the names of what it found", async () => {
    const found = await findAfter(`create policy "it's; 100%" on users using (true)`);

    expect(found[0]?.what).toContain(`Policy "it's; 100%" of table t_home.users`);
    expect(found[0]?.mend).toBe(`DROP POLICY "it's; 100%" ON t_home.users;`);
  });

  it("looks at every home of more than one statement can hold", async () => {
    const last = `t_${"f".repeat(32)}`;
    await owner.unsafe("begin");
    await owner.unsafe(`do $$ begin
      for n in 1..1000 loop execute format('create schema %I', 't_' || lpad(to_hex(n), 32, '0')); end loop;
      create schema ${last}; create view ${last}.all_settings as select * from pg_settings;
    end $$`);
    let statements = 0;

    const found = await checkHomes((text, params) => {
      statements++;
      return through(owner)(text, params);
    });

    await owner.unsafe("rollback");
    expect(found.map(({ mend }) => mend)).toEqual([`DROP VIEW ${last}.all_settings;`]);
    expect(statements).toBe(9);
  });

  it("looks at fewer at once where a statement may not take as long as it would", async () => {
    await owner.unsafe("begin");
    await owner.unsafe(`do $$ begin
      for n in 1..300 loop execute format('create schema %I', 't_' || lpad(to_hex(n), 32, '0')); end loop;
    end $$`);
    const counts: number[] = [];
    const tooLong = async () => {
      await serve.unsafe("set statement_timeout = '1ms'");
      await serve.unsafe("select pg_sleep(5)").finally(() => serve.unsafe("reset statement_timeout"));
    };
    const look = (most: number) =>
      checkHomes(async (text, params) => {
        const count = Number(/order by n.nspname limit (\d+)/.exec(text)?.[1]);
        counts.push(count);
        if (count > most) await tooLong();
        return through(owner)(text, params);
      });

    const found = await look(63);
    const tries = [...counts];
    await expect(look(5)).rejects.toMatchObject({ code: "57014" });
    await owner.unsafe("rollback");

    expect([found, tries]).toEqual([[], [125, 63, 63, 63, 63, 63]]);
  });

  // The last one, for the home is gone after it.
  it("is not alarmed by a home that is dropped while it looks", async () => {
    const [oldest] = await owner`
      select n.nspname as home from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname ~ '^t_' order by p.oid limit 1`;
    await owner.unsafe("begin");
    await owner.unsafe(`drop schema ${oldest!.home} cascade`);
    const looking = checkHomes(through(serve));
    await until(async () => {
      const [row] = await database.owner(
        "select count(*) > 0 as waits from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())",
      );
      return row!.waits === true;
    });
    await owner.unsafe("commit");

    expect(await looking).toEqual([]);
  });
});
