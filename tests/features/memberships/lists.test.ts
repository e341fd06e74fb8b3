import fc from "fast-check";
import type { Caller, TestGateway } from "../../support/gateway.js";
import { openGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { listDocument, ofPage, walk } from "../../support/pages.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

const HOUR = 3_600_000;
const soon = new Date(Date.now() + HOUR);
const later = new Date(Date.now() + 48 * HOUR);
const past = new Date(Date.now() - HOUR);

let gateway: TestGateway;
let guild: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  ({ guild } = await world(gateway, {
    guild: {
      tree: { guild: { hall: { forge: {}, loom: {} } } },
      roles: { smith: { at: "hall", permissions: ["invoices:read"] } },
      people: {
        olga: [{ at: "guild", roles: ["owner"], reach: "SUBTREE" }],
        hera: [{ at: "hall", roles: ["admin"], reach: "SUBTREE" }],
        // At hall without a grant that reaches down.
        hans: [{ at: "hall", roles: ["member"] }],
        ends: [{ at: "hall", roles: ["member"], reach: "SUBTREE", grantsUntil: past }],
        fred: [{ at: "forge", roles: ["member", "smith"] }],
        fina: [{ at: "forge", roles: ["guest"], until: soon }],
        fran: [{ at: "forge", roles: ["smith"], suspended: true, until: later }],
        gone: [{ at: "forge", roles: ["member"], until: past }],
        once: [{ at: "forge", roles: ["smith"], grantsUntil: past }],
      },
    },
  }));
  sql = homeOf(gateway, "guild");
  await sql("update users set display_name = 'Freda Ahn-Müller' where email = 'fred@guild.test'");
});
afterAll(() => gateway.close());

const DOCUMENT =
  "query($slug: String!, $filter: MembershipFilter, $orderBy: MembershipOrder) { organization(by: { slug: $slug }) { memberships(filter: $filter, orderBy: $orderBy, first: 100) { nodes { user { email } status via organization { slug } } } } }";

interface Node {
  readonly user: { readonly email: string };
  readonly status: string;
  readonly via: string;
  readonly organization: { readonly slug: string };
}

async function nodes(caller: Caller, slug: string, filter?: object, orderBy?: string): Promise<Node[]> {
  return (await caller.get(DOCUMENT, { slug, filter, orderBy })).organization.memberships.nodes;
}
const names = (found: readonly Node[]) => found.map(({ user }) => user.email.split("@")[0]);
const list = async (filter?: object, orderBy?: string) =>
  names(await nodes(guild.as("olga"), "forge", filter, orderBy));

describe("Organization.memberships", () => {
  it("leaves ended ones out unless they are asked for, by the clock of the database", async () => {
    expect((await list()).sort()).toEqual(["fina", "fran", "fred", "once"]);
    expect((await list({})).sort()).toEqual(["fina", "fran", "fred", "once"]);
    expect(await list({ status: ["EXPIRED"] })).toEqual(["gone"]);
    expect(await list({ status: ["SUSPENDED"] })).toEqual(["fran"]);
    expect(await list({ status: [] })).toEqual([]);

    await sql("update memberships set expires_at = clock_timestamp() where id = $1", [guild.memberships["fina@forge"]]);
    expect((await list({ status: ["EXPIRED"] })).sort()).toEqual(["fina", "gone"]);
    await sql("update memberships set expires_at = $2 where id = $1", [guild.memberships["fina@forge"], soon]);
  });

  it("shows those that end before an instant", async () => {
    expect(await list({ expiresBefore: new Date(Date.now() + 2 * HOUR).toISOString() })).toEqual(["fina"]);
    expect((await list({ expiresBefore: new Date(Date.now() + 99 * HOUR).toISOString() })).sort()).toEqual([
      "fina",
      "fran",
    ]);
  });

  it("shows those that hold a role, by key or id, by a grant that has not ended", async () => {
    const { organization } = await guild.as("olga").get('{ organization(by: { slug: "forge" }) { roles { id key } } }');
    const idOf = (key: string) => organization.roles.find((role: { key: string }) => role.key === key).id;

    expect((await list({ role: { key: "smith" } })).sort()).toEqual(["fran", "fred"]);
    expect((await list({ role: { id: idOf("smith") } })).sort()).toEqual(["fran", "fred"]);
    expect(await list({ role: { key: "guest" } })).toEqual(["fina"]);
    expect(await list({ role: { id: idOf("guest") } })).toEqual(["fina"]);
    expect(await list({ role: { key: "%" } })).toEqual([]);
  });

  it("shows those that have a grant of a reach, and of that role where one is named", async () => {
    const atHall = async (filter: object) => names(await nodes(guild.as("olga"), "hall", filter)).sort();

    expect(await atHall({ reach: "SUBTREE" })).toEqual(["hera"]);
    expect(await atHall({ reach: "ORGANIZATION" })).toEqual(["hans"]);
    expect(await atHall({ reach: "SUBTREE", role: { key: "admin" } })).toEqual(["hera"]);
    expect(await atHall({ reach: "ORGANIZATION", role: { key: "admin" } })).toEqual([]);
    expect((await list({ reach: "SUBTREE", via: ["DIRECT", "INHERITED"] })).sort()).toEqual(["hera", "olga"]);
  });

  it("shows of those who belong by a grant further up the ones whose role reaches here", async () => {
    const holders = async (filter: object) =>
      names(await nodes(guild.as("olga"), "forge", { via: ["DIRECT", "INHERITED"], ...filter })).sort();

    // Beside a role that reaches down hera has another one at hall alone.
    await sql(
      `insert into grants (tenant_id, id, membership_id, role_key, created_at)
       select tenant_id, gen_random_uuid(), id, 'guest', now() from memberships where id = $1`,
      [guild.memberships["hera@hall"]],
    );

    expect(await holders({ role: { key: "guest" } })).toEqual(["fina"]);
    expect(names(await nodes(guild.as("olga"), "hall", { role: { key: "guest" } }))).toEqual(["hera"]);
    expect(await holders({ role: { key: "admin" } })).toEqual(["hera"]);
    expect(await holders({ reach: "ORGANIZATION" })).toEqual(["fina", "fran", "fred"]);
    expect(await holders({ role: { key: "guest" }, reach: "SUBTREE" })).toEqual([]);
    await sql("delete from grants where role_key = 'guest' and membership_id = $1", [guild.memberships["hera@hall"]]);
  });

  it("searches for how a word of the person's name or address begins", async () => {
    expect(await list({ search: "MÜL" })).toEqual(["fred"]);
    expect(await list({ search: "fred@" })).toEqual(["fred"]);
    expect((await list({ search: "guild" })).sort()).toEqual(["fina", "fran", "fred", "once"]);
    expect(await list({ search: "uild" })).toEqual([]);
  });

  it.each(["NAME", "CREATED_AT"])("is ordered by %s both ways, in pages of any size, from either end", async (by) => {
    const document = (order: string) =>
      listDocument(
        (page) =>
          `organization(by: { slug: "forge" }) { list: memberships(orderBy: ${order}, ${page}) ${ofPage("user { displayName email } createdAt id")} }`,
      );
    const ascending = await walk(guild.as("olga"), document(`${by}_ASC`), { size: 100 });
    const keys = ascending.map((node) =>
      by === "NAME" ? (node.user as { displayName: string }).displayName : String(node.createdAt),
    );

    expect(keys).toEqual([...keys].sort());
    expect(keys).toHaveLength(4);
    for (const size of [1, 3])
      for (const backward of [false, true]) {
        expect(await walk(guild.as("olga"), document(`${by}_ASC`), { size, backward })).toEqual(ascending);
        expect(await walk(guild.as("olga"), document(`${by}_DESC`), { size, backward })).toEqual(
          [...ascending].reverse(),
        );
      }
  });

  it("shows members of organizations above whose grants reach here, where the viewer may read members", async () => {
    const inherited = async (who: string) =>
      (await nodes(guild.as(who), "forge", { via: ["INHERITED"] }))
        .map(({ user, via, organization }) => [user.email.split("@")[0], via, organization.slug])
        .sort();

    expect(await inherited("olga")).toEqual([
      ["hera", "INHERITED", "hall"],
      ["olga", "INHERITED", "guild"],
    ]);
    expect(await inherited("hera")).toEqual([["hera", "INHERITED", "hall"]]);
    expect(await inherited("fred")).toEqual([]);
    const both = await nodes(guild.as("olga"), "forge", { via: ["DIRECT", "INHERITED"] });
    expect(both.filter(({ via }) => via === "DIRECT")).toHaveLength(4);
    expect(both).toHaveLength(6);
    expect(await list({ via: [] })).toEqual([]);
  });

  it("takes a cursor for the same filter and order only", async () => {
    const page = `{ organization(by: { slug: "forge" }) { memberships(first: 1) { pageInfo { endCursor } } } }`;
    const { endCursor } = (await guild.as("olga").get(page)).organization.memberships.pageInfo;
    const codeFor = async (args: string) =>
      (
        await guild
          .as("olga")
          .ask(
            `{ organization(by: { slug: "forge" }) { memberships(after: "${endCursor}", ${args}) { nodes { id } } } }`,
          )
      ).errors?.[0]?.extensions.code;

    expect(await codeFor("first: 2")).toBeUndefined();
    for (const args of ["orderBy: NAME_ASC", 'filter: { search: "f" }', "filter: { via: [INHERITED] }"])
      expect(await codeFor(args)).toBe("BAD_USER_INPUT");
  });

  it("reads all lists of a level in one statement, whatever their filters", async () => {
    const document = (aliases: number) =>
      `{ organizations { nodes { ${Array.from({ length: aliases }, (_, n) => `a${n}: memberships(first: ${n + 1}, filter: { search: "${"fgho"[n % 4]}", via: [DIRECT, INHERITED] }) { nodes { user { email } organization { slug } } }`).join(" ")} } } }`;

    const counts = [];
    for (const aliases of [1, 8])
      counts.push(ofData(await gateway.database.statements(() => guild.as("olga").get(document(aliases)))).length);

    // Organizations, memberships with their people, and their organizations.
    expect(counts).toEqual([3, 3]);
  });

  it("shows what a look at every row finds", async () => {
    const all = await sql(
      "select u.email, u.display_name as name, m.status, m.expires_at, (select array_agg(coalesce(g.role_key, r.key)) from grants g left join roles r on r.id = g.role_id where g.membership_id = m.id and (g.expires_at is null or g.expires_at > now())) as roles from memberships m join users u on u.id = m.user_id join organizations o on o.id = m.organization_id where o.slug = 'forge'",
    );
    const ended = (end: unknown) => end !== null && new Date(end as string) <= new Date();
    const filter = fc.record(
      {
        search: fc.constantFrom("f", "FR", "ahn", "gu", "o", "x", "müller"),
        role: fc.constantFrom("member", "smith", "guest", "owner").map((key) => ({ key })),
        status: fc.subarray(["ACTIVE", "SUSPENDED", "EXPIRED"]),
        expiresBefore: fc.constantFrom(past, soon, later).map((at) => new Date(at.getTime() + 1000).toISOString()),
      },
      { requiredKeys: [] },
    );

    await fc.assert(
      fc.asyncProperty(filter, async (wanted) => {
        const shown = await list(wanted);

        const expected = all.filter(({ email, name, status, expires_at: end, roles }) => {
          const text = `${email} ${name}`.toLowerCase().split(/[^a-z0-9\u0080-\uffff]/);
          return (
            (!wanted.search || text.some((word) => word.startsWith(wanted.search!.toLowerCase()))) &&
            (!wanted.role || ((roles as string[] | null) ?? []).includes(wanted.role.key)) &&
            (wanted.status ?? ["ACTIVE", "SUSPENDED"]).includes(ended(end) ? "EXPIRED" : (status as string)) &&
            (!wanted.expiresBefore || (end !== null && new Date(end as string) < new Date(wanted.expiresBefore)))
          );
        });
        expect([...shown].sort()).toEqual(expected.map(({ email }) => (email as string).split("@")[0]).sort());
      }),
      { numRuns: 100 },
    );
  });
});
