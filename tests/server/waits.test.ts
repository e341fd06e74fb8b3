import { Access } from "../../src/access/access.js";
import type { Execute } from "../../src/graphql/execution.js";
import { execute } from "../../src/graphql/executor/execute.js";
import { DEFAULT_LIMITS } from "../../src/graphql/limits.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { ownerInHome } from "../support/home.js";
import { type Sent, sentBy } from "../support/sent.js";
import { type Planted, world } from "../support/world.js";

// Twice as many fields may be waited for, and rows be read.
const [OBJECTS, MOST] = [1000, 2000];
const slugs = Array.from({ length: 20 }, (_, n) => `o${n}`);
const everywhere = (role: string) => slugs.map((at) => ({ at, roles: [role, "reader"] }));

/** How often a resolver was called that is waited for. */
let called = 0;
const counted = new WeakSet<object>();
const counting: Execute = (args) => {
  const fields = (args.schema.getType("Organization") as never as { getFields(): Fields }).getFields();
  const { ancestors } = fields as { ancestors: Fields[string] };
  if (!counted.has(ancestors)) {
    counted.add(ancestors);
    const { resolve } = ancestors;
    ancestors.resolve = (...given) => {
      called++;
      return resolve(...given);
    };
  }
  return execute(args);
};
type Fields = Record<string, { resolve: (...given: unknown[]) => unknown }>;

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway({ limits: { ...DEFAULT_LIMITS, answerObjects: OBJECTS }, execute: counting });
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: Object.fromEntries(slugs.map((slug) => [slug, {}])) },
      roles: { reader: { permissions: ["members:read"] } },
      people: {
        olga: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ...Object.fromEntries(slugs.map((_slug, n) => [`p${n}`, [...everywhere("member"), { at: "acme" }]])),
      },
    },
  }));
  await ownerInHome(gateway, "acme", (owner) => owner("analyze organizations, users, roles, memberships, grants"));
});
afterAll(() => gateway.close());

const aliases = (count: number, field: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => `a${n}: ${field(n)}`).join(" ");
const refusals = (errors: readonly { message: string; path?: unknown[]; extensions: Record<string, unknown> }[] = []) =>
  errors.map(({ path, extensions }) => [path, extensions.code, extensions.limit]);
const refused = (root: string) => [[[root], "COST_EXCEEDED", "answerObjects"]];

describe("fields that are waited for", () => {
  /** Each member of each of the members' organizations. */
  const within = (slug: string) =>
    `{ organization(by: { slug: "${slug}" }) { memberships(first: 20) { nodes { organization { memberships(first: 20) {
       nodes { organization { ${aliases(50, () => "ancestors { id }")} } } } } } } } }`;

  it.each(["o1", "acme"])("are no more than may be, of %s, whether they come to something or not", async (slug) => {
    called = 0;

    const { status, data, errors } = await acme.as("olga").ask(within(slug));

    expect([status, data, refusals(errors)]).toEqual([400, { organization: null }, refused("organization")]);
    expect(errors![0]!.message).toBe(
      "This would be more than 2000 fields to wait for, the most that an answer has. Ask for shorter pages, or for fewer of them in one another.",
    );
    expect(called).toBeGreaterThan(1000);
    expect(called).toBeLessThan(MOST + 50);
  });
});

describe("rows of lists", () => {
  /** How many rows came for lists, by the same statements sent again. */
  const rowsOf = async (sent: readonly Sent[]) => {
    const lists = sent.filter(({ text }) => text.includes("jsonb_to_recordset"));
    let rows = 0;
    await ownerInHome(gateway, "acme", async (owner) => {
      for (const [n, { text, values }] of lists.entries()) {
        await owner(`prepare sent_${n} as ${text}`);
        rows += (await owner(`execute sent_${n}(${values})`)).length;
        await owner(`deallocate sent_${n}`);
      }
    });
    return { statements: lists.length, rows };
  };

  it.each([
    ["in one order", (n: number) => `memberships(first: ${100 - n})`],
    ["in many", (n: number) => `memberships(${["first", "last"][n % 2]}: ${100 - n}, orderBy: ${ORDERS[n % 4]})`],
  ])("are no more than may be, %s, though none of them is shown", async (_what, list) => {
    let answer: Awaited<ReturnType<ReturnType<Planted["as"]>["ask"]>> | undefined;
    const document = `{ organizations(first: 100) { nodes { ${aliases(49, (n) => `${list(n)} { pageInfo { hasNextPage } }`)} } } }`;

    const sent = await sentBy(gateway.database, async () => {
      answer = await acme.as("olga").ask(document);
    });

    expect([answer!.status, answer!.data]).toEqual([400, { organizations: null }]);
    expect(refusals(answer!.errors)).toEqual(refused("organizations"));
    const { statements, rows } = await rowsOf(sent);
    expect(statements).toBeGreaterThan(1);
    expect(rows).toBeLessThan(2 * MOST + 100);
  });
  const ORDERS = ["CREATED_AT_ASC", "CREATED_AT_DESC", "NAME_ASC", "NAME_DESC"];

  it("are as many as an answer may hold, however long the lists might have been", async () => {
    const list = (order: string) => `memberships(first: 100, orderBy: ${order}) { nodes { id } }`;

    const { organizations } = await acme
      .as("olga")
      .get(`{ organizations(first: 100) { nodes { a: ${list("NAME_ASC")} b: ${list("CREATED_AT_ASC")} } } }`);

    const all = organizations.nodes.map(({ a, b }: Record<"a" | "b", { nodes: object[] }>) => [
      a.nodes.length,
      b.nodes.length,
    ]);
    // The owner is a member of the root beside all others.
    expect(all).toEqual([[21, 21], ...slugs.map(() => [20, 20])]);
  });

  it("are as many of each list as it asks for", async () => {
    const { organizations } = await acme
      .as("olga")
      .get(
        `{ organizations(first: 2) { nodes { ${aliases(9, (n) => `memberships(first: ${n + 1}) { nodes { id } pageInfo { hasNextPage } }`)} } } }`,
      );

    for (const node of organizations.nodes)
      expect(Object.values<{ nodes: object[] }>(node).map(({ nodes }) => nodes.length)).toEqual([
        1, 2, 3, 4, 5, 6, 7, 8, 9,
      ]);
  });
});

describe("what is searched for", () => {
  const { allows } = Access.prototype;
  let asked = 0;
  beforeEach(() => {
    asked = 0;
    Access.prototype.allows = function (this: Access, ...question) {
      asked++;
      return allows.apply(this, question);
    };
  });
  afterEach(() => {
    Access.prototype.allows = allows;
  });

  it("is found for as many explanations as may be, and for none once they are refused", async () => {
    const explained = (n: number) =>
      `explainAccess(subject: { userId: "${acme.id("User", `p${n % 20}`)}" }, permission: "${["audit:read", "members:manage"][n % 2]}") { remedy { reach } }`;
    const { status, errors } = await acme
      .as("olga")
      .ask(`{ organizations(first: 100) { nodes { ${aliases(40, explained)} } } }`);

    expect([status, refusals(errors)]).toEqual([400, refused("organizations")]);
    expect(asked).toBeLessThan(3000);
  });

  it("is an explanation, too: each is made once, and as many as may be, though nobody asks for its remedy", async () => {
    const permissions = ["audit:read", "members:manage", "roles:manage", "members:invite", "organizations:read"];
    const explained = (n: number) =>
      `explainAccess(subject: { userId: "${acme.id("User", `p${n % 10}`)}" }, permission: "${permissions[n % 5]}") { allowed }`;
    const page = (fields: string) => `{ organizations(first: 21) { nodes { ${fields} } } }`;

    const same = await acme.as("olga").ask(page(aliases(40, () => explained(0))));
    const others = await acme.as("olga").ask(page(aliases(50, (n) => explained(n % 10).replace("p0", `p${n % 7}`))));

    expect(same.status).toBe(200);
    expect([others.status, refusals(others.errors)]).toEqual([400, refused("organizations")]);
  });

  it("are roles of many organizations: those of the tenant count for each of them", async () => {
    await ownerInHome(gateway, "acme", (owner) =>
      owner(`insert into roles (tenant_id, id, key, name, permissions, created_at, updated_at)
        select tenant_id, gen_random_uuid(), 'many-' || n, 'Many', '{}', now(), now() from tenant, generate_series(1, 150) n`),
    );

    const { status, errors } = await acme
      .as("olga")
      .ask("{ organizations(first: 100) { nodes { joinPolicy { mode } roles { key } } } }");
    const one = await acme.as("olga").get('{ organization(by: { slug: "o1" }) { roles { key } } }');

    expect([status, refusals(errors)]).toEqual([400, refused("organizations")]);
    expect(errors![0]!.message).toContain("2000 rows to read");
    const keys = one.organization.roles.map(({ key }: { key: string }) => key);
    expect(keys).toEqual(expect.arrayContaining(["reader", "many-1", "many-150"]));
    await ownerInHome(gateway, "acme", (owner) => owner("delete from roles where key like 'many-%'"));
  });

  it("is found for as many effects of a change as may be, though none of them is shown", async () => {
    const effects = (n: number) => `effects(first: ${100 - n}) { pageInfo { hasNextPage } }`;
    const { status, errors } = await acme
      .as("olga")
      .ask(
        `{ roleUpdatePreview(roleId: "${acme.id("Role", "reader")}", permissions: []) { ${aliases(15, effects)} } }`,
      );

    expect([status, refusals(errors)]).toEqual([400, refused("roleUpdatePreview")]);
    expect(asked).toBeLessThan(30_000);
  });

  it("is found once for each organization that lists what the viewer may give there", async () => {
    const { status } = await acme
      .as("olga")
      .ask(
        `{ organizations(first: 100) { nodes { memberships(first: 10) { nodes { organization { ${aliases(50, () => "grantableRoles { id }")} } } } } } }`,
      );

    expect(status).toBe(400);
    expect(asked).toBeLessThan(3000);
  });
});
