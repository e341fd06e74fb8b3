import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditOf } from "../../support/audit.js";
import { command, run } from "../../support/command.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { owningSettings } from "../../support/settings.js";
import { until } from "../../support/until.js";
import { type Planted, world } from "../../support/world.js";

const HEAD = "external_id,email,name,organization,organization_name,organization_slug,parent,roles,expires_at";
const folder = mkdtempSync(join(tmpdir(), "tenantry-import-"));

let gateway: TestGateway;
let acme: Planted;
let other: Planted;
let env: Record<string, string>;
let home: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  env = await owningSettings(gateway.database);
  const sketch = (slug: string) => ({
    tree: { [slug]: { [`${slug}-north`]: {} } },
    roles: { clerk: { at: `${slug}-north`, permissions: ["organizations:read"] } },
    people: { ada: [{ at: slug, roles: ["owner"], reach: "SUBTREE" as const }] },
  });
  ({ acme, other } = await world(gateway, { acme: sketch("acme"), other: sketch("other") }));
  home = homeOf(gateway, "acme");
  await home("update users set external_id = 'u-ada'", []);
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

const file = (lines: readonly string[], name = "users.csv"): string => {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
};
const bring = async (path: string, ...more: string[]) => {
  const { code, stdout, stderr } = await run(["import", path, "--tenant", "acme", "--json", ...more], { env });
  const lines = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { code, rows: lines.slice(0, -1), sum: lines.at(-1), stderr };
};
const peopleIn = async (slug: string) =>
  (
    await home(
      `select u.external_id || coalesce(' ' || string_agg(coalesce(g.role_key, r.key) || ' ' || g.reach, ', ' order by coalesce(g.role_key, r.key)), '') as who
       from memberships m join users u on u.id = m.user_id join organizations o on o.id = m.organization_id
         left join grants g on g.membership_id = m.id left join roles r on r.id = g.role_id
       where o.slug = $1 group by u.id, u.external_id order by 1`,
      [slug],
    )
  ).map(({ who }) => who);
const content = () => gateway.database.content("acme");
const countsAreExact = () =>
  home(
    `select o.slug from organizations o
     where o.member_count <> (select count(*) from memberships m where m.organization_id = o.id)`,
    [],
  );

const ROWS = [
  HEAD,
  ",,,o-west,West,west,,,",
  ",,,o-store,Store,store,o-west,,",
  "u-1,One@acme.test,One,o-store,,,,member;guest:subtree,",
  "u-2,,Two,acme-north,,,,clerk,2126-01-01T00:00:00Z",
  "u-3,three@acme.test,,,,,,,",
  "u-1,,,o-west,,,,,",
];

describe("tenantry import", () => {
  it("says in a dry run what would be done, row by row, and does nothing", async () => {
    const before = await content();

    const { code, rows, sum } = await bring(file(ROWS), "--dry-run");

    expect(code).toBe(0);
    expect(rows.map(({ did }) => did)).toEqual([
      ["organization west made"],
      ["organization store made"],
      ["person made", "member of store", "given member", "given guest:subtree"],
      ["person made", "member of acme-north", "given clerk"],
      ["person made"],
      ["member of west"],
    ]);
    expect(sum).toMatchObject({ dryRun: true, rows: 6, changed: 6, refused: 0 });
    expect(await content()).toBe(before);
  });

  it("brings in people, organizations, memberships and roles, counts exactly, and notes all of it as the operator's", async () => {
    const { code, sum } = await bring(file(ROWS));

    expect([code, sum.changed]).toEqual([0, 6]);
    expect(await peopleIn("store")).toEqual(["u-1 guest SUBTREE, member ORGANIZATION"]);
    expect(await peopleIn("acme-north")).toEqual(["u-2 clerk ORGANIZATION"]);
    expect(await peopleIn("west")).toEqual(["u-1"]);
    expect(await countsAreExact()).toEqual([]);
    const [one] = await home("select email, email_verified, display_name from users where external_id = 'u-1'", []);
    expect(one).toEqual({ email: "one@acme.test", email_verified: false, display_name: "One" });
    const events = await auditOf(gateway.database, acme, "membership.added");
    expect(events).toHaveLength(3);
    expect(events.every(({ actor_id }) => actor_id === null)).toBe(true);
    const { organization } = await acme
      .as("ada")
      .get('{ organization(by: { slug: "store" }) { parent { slug } memberCount } }');
    expect(organization).toEqual({ parent: { slug: "west" }, memberCount: 1 });
  });

  it("changes nothing the second time", async () => {
    const before = await content();

    const { code, sum } = await bring(file(ROWS));

    expect([code, sum.unchanged, sum.changed]).toEqual([0, 6, 0]);
    expect(await content()).toBe(before);
  });

  it("changes what a later file says otherwise, and takes nothing away", async () => {
    const { sum } = await bring(
      file([HEAD, "u-1,uno@acme.test,Uno,o-store,Stores,,,,", "u-2,,,acme-north,,,,guest,", "u-3,,,acme-north,,,,,"]),
    );

    expect(sum).toMatchObject({ changed: 3 });
    expect(await peopleIn("store")).toEqual(["u-1 guest SUBTREE, member ORGANIZATION"]);
    expect(await peopleIn("acme-north")).toEqual(["u-2 clerk ORGANIZATION, guest ORGANIZATION", "u-3"]);
    expect(await home("select email, display_name from users where external_id = 'u-1'", [])).toEqual([
      { email: "uno@acme.test", display_name: "Uno" },
    ]);
    expect(await home("select name from organizations where slug = 'store'", [])).toEqual([{ name: "Stores" }]);
  });

  it("takes lines of JSON as well", async () => {
    const line = { external_id: "u-4", name: "Four", organization: "acme-north", roles: ["guest", "clerk:subtree"] };

    const { code } = await bring(file([JSON.stringify(line)], "users.ndjson"));

    expect(code).toBe(0);
    expect(await peopleIn("acme-north")).toContain("u-4 clerk SUBTREE, guest ORGANIZATION");
  });

  it("refuses a row that cannot be meant, says why, and brings in the others", async () => {
    const bad = [
      ",x@acme.test,,,,,,,",
      "u-5,nobody,,,,,,,",
      "u-5,,,o-nowhere,,,,,",
      "u-5,,,o-new,New,west,,,",
      "u-5,,,acme-north,,,,emperor,",
      "u-5,,,acme,,,,clerk,",
      "u-5,,,o-store,,,acme-north,,",
      "u-5,uno@acme.test,,,,,,,",
      "u-5,,,,,,,member,",
      "u-ada,,,acme,,,,,2126-01-01T00:00:00Z",
      "u-5,,,acme,,,,owner:subtree,2126-01-01T00:00:00Z",
      ",,,,,,,,",
    ];

    const { code, rows, sum } = await bring(file([HEAD, ...bad, "u-6,,Six,acme-north,,,,,"]));

    expect(code).toBe(4);
    expect(rows.map(({ line }) => line)).toEqual(bad.map((_, n) => n + 2));
    expect(rows.every(({ refused }) => typeof refused === "string")).toBe(true);
    expect(sum).toMatchObject({ refused: bad.length, changed: 1 });
    expect(await home("select from users where external_id = 'u-5'", [])).toEqual([]);
    expect(await peopleIn("acme-north")).toContain("u-6");
  });

  it.each([
    [["--tenant", "acme"], "missing.csv", 2, "is not there"],
    [["--tenant", "nothing"], null, 2, "nothing"],
  ] as const)("refuses %j %s with one clear error", async (options, name, code, words) => {
    const path = name ?? file(ROWS);

    const refused = await run(["import", path, ...options], { env });

    expect(refused.code).toBe(code);
    expect(refused.stderr).toContain(words);
  });

  it("brings in nothing of a file that breaks off", async () => {
    const before = await content();

    const { code, stderr } = await bring(file([...ROWS, 'u-9,"']));

    expect(code).toBe(2);
    expect(stderr).toContain("its quotes do not end");
    expect(await content()).toBe(before);
  });

  it("touches no other tenant", async () => {
    const [row] = await homeOf(gateway, other.slug)("select count(*) from users", []);

    expect(row!.count).toBe("1");
  });

  it("killed in the middle, is simply run again, and comes to the same", async () => {
    const lines = Array.from({ length: 3000 }, (_, n) => `k-${n},k${n}@acme.test,K ${n},acme-north,,,,member,`);
    const path = file([HEAD, ...lines], "many.csv");
    const count = async () =>
      Number((await home("select count(*) from users where external_id like 'k-%'", []))[0]!.count);
    const first = command(["import", path, "--tenant", "acme"], { env });

    await until(async () => (await count()) > 0);
    first.child.kill("SIGKILL");
    const how = await first.ended;
    const half = await count();
    await until(async () => (await bring(path)).code !== 3);

    expect(how).toBe("SIGKILL");
    expect(half % 500).toBe(0);
    expect(await count()).toBe(3000);
    expect(await countsAreExact()).toEqual([]);
    expect((await bring(path)).sum).toMatchObject({ unchanged: 3000, changed: 0 });
  });
});
