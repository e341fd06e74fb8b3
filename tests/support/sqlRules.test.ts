import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judgeLog, tenantTables } from "./emitted.mjs";
import { faultsOf } from "./sqlRules.mjs";

const TABLES = tenantTables();
const unheld = (table: string) => `${table} is not held to one tenant by a parameter`;

describe("faultsOf", () => {
  it.each([
    'select "name" from "users" where (("users"."tenant_id" = $1) and (("users"."email" = $2) or (false)))',
    "select o.name from memberships m join organizations o on o.tenant_id = m.tenant_id and o.id = m.organization_id where m.tenant_id = $1::uuid",
    "select u.id, (select count(*) from grants g where g.tenant_id = u.tenant_id) from users u where u.tenant_id = $1",
    "with own as materialized (select tenant_id, id from roles where tenant_id = $1) select r.name from own join roles r on r.tenant_id = own.tenant_id",
    "select k.n from jsonb_to_recordset($2) as k(n int) cross join lateral (select id from users where users.tenant_id = $1 limit k.n) page",
    "select id from users where tenant_id = $1 union all select id from roles where tenant_id = $1",
    "insert into slugs (tenant_id, slug) values ($1, $2), ($3, $4) on conflict (tenant_id, slug) do update set slug = excluded.slug",
    "insert into slugs (tenant_id, slug) select $1::uuid, slug from slugs where tenant_id = $2",
    "update users set name = $1 where tenant_id = $2 and updated_at is distinct from $3",
    "select id from organizations where tenant_id = $1 for update",
    "select pg_advisory_xact_lock($1::bigint)",
  ])("has nothing against %s", (text) => {
    expect(faultsOf(text, TABLES)).toEqual([]);
  });

  it.each([
    ["select * from users", [unheld("users")]],
    ["select * from users where id = $1", [unheld("users")]],
    ["select * from users where tenant_id = tenant_id and id = $1", [unheld("users")]],
    ["select * from users where tenant_id = $1 or id = $2", [unheld("users")]],
    ["select * from users where not (tenant_id = $1)", [unheld("users")]],
    ["select * from users u, roles r where u.tenant_id = $1 and r.id = $2", [unheld("roles")]],
    ["select * from memberships m join users u on u.id = m.user_id where m.tenant_id = $1", [unheld("users")]],
    ["select * from memberships m join users u on u.tenant_id = m.tenant_id", [unheld("memberships"), unheld("users")]],
    ["select * from users where tenant_id = $1 and exists (select from grants g where g.id = $2)", [unheld("grants")]],
    ["select id from users where tenant_id = $1 union all select id from roles", [unheld("roles")]],
    ["with own as (select * from roles) select * from own where own.tenant_id = $1", [unheld("roles")]],
    ["delete from grants", [unheld("grants")]],
    ["update users set tenant_id = $1", [unheld("users")]],
    ["insert into slugs (slug) values ($1)", [unheld("slugs")]],
    ["insert into slugs (tenant_id, slug) values ($1, $2), (default, $3)", [unheld("slugs")]],
    ["insert into slugs (tenant_id, slug) values ($1, (select $2))", ["INSERT … VALUES ((SELECT …))"]],
    [
      "insert into slugs (tenant_id) values ($1) on conflict do update set created_at = now()",
      ["the clock in ON CONFLICT DO UPDATE"],
    ],
    ["update users set updated_at = clock_timestamp() where tenant_id = $1", ["a volatile function in UPDATE"]],
    ["select pg_notify('users', $1)", ["NOTIFY inside a transaction"]],
    [
      "select pg_advisory_xact_lock($1), id from users where tenant_id = $2",
      ["locks, and reads what the lock protects"],
    ],
    [
      `select id from t_${"0".repeat(32)}.users where tenant_id = $1`,
      ["names a home, which the session's search_path does"],
    ],
    ["select 1 from information_schema.tables", ["information_schema, which reads the whole catalogue"]],
  ])("finds what is wrong with %s", (text, faults) => {
    expect(faultsOf(text, TABLES).sort()).toEqual([...faults].sort());
  });
});

describe("judgeLog", () => {
  const judge = async (...lines: string[]) => {
    const folder = mkdtempSync(join(tmpdir(), "tenantry-log-"));
    const log = join(folder, "postgres.log");
    writeFileSync(log, `${lines.join("\n")}\n`);
    const verdict = await judgeLog(log);
    rmSync(folder, { recursive: true });
    return verdict;
  };
  const line = (app: string, text: string) =>
    `2026-01-01 00:00:00.000 UTC [1] app=${app} db=test_1 user=tenantry_serve LOG:  ${text}`;

  it("finds a statement of the gateway's, in one line or in several, once however often it was sent", async () => {
    const statement = line("tenantry serve", "execute s1: select *\n\tfrom users\n\twhere id = $1");

    expect(await judge(statement, "\tan answer of nothing", statement)).toEqual({
      judged: 2,
      broken: expect.arrayContaining([`${unheld("users")}: select * from users where id = $1`]),
    });
  });

  it("leaves alone what a test or the owner wrote by hand, and what is about no tenant's table", async () => {
    const lines = [
      line("tenantry test", "statement: select * from users"),
      line("tenantry owner", "statement: delete from users"),
      line("tenantry serve", "statement: commit"),
    ];

    expect(await judge(...lines)).toEqual({ judged: 0, broken: [] });
  });
});
