import fc from "fast-check";
import { TENANTRY } from "../../bench/peers/documents.mjs";
import type { Again } from "../../src/database/flight.js";
import { boundOf } from "../../src/database/messages.js";
import { AskedBefore, apart } from "../../src/graphql/asked.js";
import { encodeId } from "../../src/graphql/nodeId.js";
import { newId, type TenantId } from "../../src/ids.js";
import { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { type Caller, openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf, type Sql } from "../support/home.js";
import { replay } from "../support/replay.js";
import { recordOf } from "../support/sessions.js";
import { until } from "../support/until.js";
import { openWay, type Way } from "../support/way.js";
import { type Planted, world } from "../support/world.js";

let gateway: TestGateway;
/** The same on the same database, that remembers nothing. */
let forgetful: TestGateway;
let acme: Planted;
let other: Planted;
let sql: Sql;
beforeAll(async () => {
  // With one connection it is known what has been prepared.
  gateway = await openGateway({ leases: 1 });
  ({ acme, other } = await world(gateway, {
    acme: {
      tree: { acme: { north: { oslo: {} }, south: {} } },
      roles: {
        reader: { permissions: ["members:read", "organizations:read"] },
        writer: { permissions: ["members:manage"] },
      },
      people: {
        olga: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        nora: [
          { at: "north", roles: ["admin"], reach: "SUBTREE" },
          { at: "south", roles: ["reader"] },
        ],
        sven: [{ at: "south", roles: ["reader", "writer"] }],
        ole: [{ at: "oslo", roles: ["member"] }],
      },
    },
    other: { tree: { other: {} }, people: { "olga@acme.test": [{ at: "other", roles: ["owner"], reach: "SUBTREE" }] } },
  }));
  sql = homeOf(gateway, "acme");
  forgetful = await openGateway({ database: gateway.database, rememberBytes: 0 });
  // A home that is served often has statements of its own from then on.
  for (const one of [acme.as("olga"), gateway.as("olga@acme.test", "other")])
    await times(6, () => one.ask("{ viewer { __typename } }"));
});
afterAll(async () => {
  await forgetful.close();
  await gateway.close();
});

const SWITCHER = TENANTRY.Q1;
const PAGE = `query ($slug: String!) { organization(by: { slug: $slug }) { name status viewerCan(permission: "members:read") parent { name } ancestors { slug }
  memberships(first: 3) { edges { cursor node { id status expiresAt user { displayName } roles { name permissions } grants { expiresAt } } } pageInfo { hasNextPage } } } }`;
const LISTS = `{ organizations(first: 10) { nodes { slug name memberCount } } users(first: 10) { nodes { displayName memberships(first: 5) { nodes { organization { slug } status } } } } }`;
const CHECKS = (of: Planted) => `{ permissionChecks(checks: [
  { organizationId: "${of.id("Organization", "north")}", permission: "members:read" },
  { organizationId: "${of.id("Organization", "oslo")}", permission: "organizations:update" }]) { allowed } }`;

/** One after the other, and what each is answered. */
async function times(many: number, ask: () => ReturnType<Caller["ask"]>) {
  const told: unknown[] = [];
  for (let n = 0; n < many; n++) {
    const { status, data, errors } = await ask();
    told.push({
      status,
      data,
      errors: errors?.map(({ message, path, extensions }) => ({ message, path, ...extensions, requestId: null })),
    });
  }
  return told;
}

const repeatedBy = async (work: () => Promise<unknown>) => {
  const before = gateway.counts().repeated;
  await work();
  return gateway.counts().repeated - before;
};

describe("what is asked again", () => {
  it("is answered from what was made before from the third time on, whoever else asks", async () => {
    const asOlga = () => acme.as("olga").ask(SWITCHER);

    expect(await repeatedBy(() => times(2, asOlga))).toBe(0);
    expect(await repeatedBy(() => times(3, asOlga))).toBe(3);

    expect(await repeatedBy(() => times(2, () => acme.as("nora").ask(SWITCHER)))).toBe(0);
    expect(await repeatedBy(() => times(2, () => gateway.as("olga@acme.test", "other").ask(SWITCHER)))).toBe(0);
    expect(await repeatedBy(() => acme.as("olga").ask(PAGE, { slug: "north" }))).toBe(0);
    expect(await repeatedBy(() => acme.as("olga").ask(PAGE, { slug: "south" }))).toBe(0);
  });

  it("is each person's own, and each tenant's", async () => {
    const people = [acme.as("olga"), acme.as("nora"), acme.as("ole"), gateway.as("olga@acme.test", other.slug)];
    const first = await Promise.all(people.map((one) => one.get(SWITCHER)));

    for (let n = 0; n < 4; n++) expect(await Promise.all(people.map((one) => one.get(SWITCHER)))).toEqual(first);

    expect(new Set(first.map((answer) => JSON.stringify(answer))).size).toBe(people.length);
  });

  it("is forgotten when others take its room: all that is kept counts, the question with its variables before all", async () => {
    const small = await openGateway({ database: gateway.database, rememberBytes: 400_000, leases: 1 });
    const ask = (n: number) =>
      small
        .as("olga@acme.test", acme.slug)
        .ask("{ viewer { __typename } }", { nobodyAsksForIt: `${n} ${"x".repeat(3900)}` });
    const isRepeated = async (n: number) => {
      const before = small.counts().repeated;
      await ask(n);
      return small.counts().repeated > before;
    };
    await times(6, () => ask(-1));

    for (let n = 0; n < 120; n++) await times(3, () => ask(n));

    expect([await isRepeated(119), await isRepeated(0)]).toEqual([true, false]);
    await small.close();
  });

  it("about somebody who is hidden or missing is not remembered, wherever it is asked", async () => {
    const of = (userId: string) =>
      `{ organization(by: { slug: "north" }) { name explainAccess(subject: { userId: "${userId}" }, permission: "members:read") { allowed } } }`;
    const missing = encodeId("User", newId<never>());
    const ask = (userId: string) => () => acme.as("nora").ask(of(userId));

    expect(await repeatedBy(() => times(5, ask(acme.id("User", "nora"))))).toBe(3);
    for (const userId of [acme.id("User", "olga"), missing]) {
      const [{ data }] = (await times(1, ask(userId))) as [{ data: { organization: { explainAccess: unknown } } }];
      expect(data.organization).toEqual({ name: expect.any(String), explainAccess: null });
      expect(await repeatedBy(() => times(5, ask(userId)))).toBe(0);
    }
  });

  it("with something that ends is repeated, too: no instant of the gateway's stands in its statements", async () => {
    const ask = () => acme.as("olga").ask("{ viewer { ownershipOffers { id } } }");

    expect(await repeatedBy(() => times(5, ask))).toBe(3);
  });

  it("is kept in memory that it shares with nothing, as it is counted", () => {
    const bounds = ["one", "another", ""].map((text) => Buffer.from(text));
    const kept = apart(bounds.map((bound, n) => ({ text: `${n}`, params: [], bound, isOfHome: true })));

    expect(kept.map(({ bound, text }) => [text, bound])).toEqual(bounds.map((bound, n) => [`${n}`, bound]));
    expect(new Set(kept.map(({ bound }) => bound.buffer.byteLength))).toEqual(new Set(["oneanother".length]));
  });

  it("is another question of a tenant that is called otherwise, or was brought in again", () => {
    const home = { database: "main", schemaName: "t_0123456789abcdef0123456789abcdef" } as never;
    const id = newId<TenantId>();
    const by = new AskedBefore(1_000_000).by("ada");
    const keys = [
      new TenantRecord(id, "acme", home, 1, new Date(0)),
      new TenantRecord(id, "acme-2", home, 1, new Date(0)),
      new TenantRecord(id, "acme", home, 1, new Date(1)),
      new TenantRecord(id, "acme", home, 2, new Date(0)),
    ].map((record) => by.recall(record, "{ viewer { id } }")!.key);

    expect(new Set(keys).size).toBe(keys.length);
  });

  it("is read again each time, by the same statements", async () => {
    const ask = () => acme.as("nora").ask(PAGE, { slug: "north" });
    const first = await gateway.database.statements(ask);
    await times(3, ask);

    const again = await gateway.database.statements(ask);

    expect(first.length).toBeGreaterThan(5);
    expect(again).toEqual(first);
  });

  // Whatever happens in between, in whatever order: nobody may tell from the answers that anything is remembered.
  const changes: Record<string, (sql: Sql, on: boolean) => Promise<unknown>> = {
    "an organization is renamed": (run, on) =>
      run("update organizations set name = $1 where slug = 'oslo'", [on ? "Oslo" : "Christiania"]),
    "an organization is suspended": (run, on) =>
      run("update organizations set status = $1 where slug = 'north'", [on ? "ACTIVE" : "SUSPENDED"]),
    "an organization is archived": (run, on) =>
      run("update organizations set status = $1 where slug = 'oslo'", [on ? "ACTIVE" : "ARCHIVED"]),
    "a person is suspended": (run, on) =>
      run("update users set status = $1 where display_name like 'nora%'", [on ? "ACTIVE" : "SUSPENDED"]),
    "a membership is suspended": (run, on) =>
      run("update memberships set status = $1 from users u where u.id = user_id and u.display_name like 'sven%'", [
        on ? "ACTIVE" : "SUSPENDED",
      ]),
    "a membership has ended": (run, on) =>
      run(
        `update memberships set expires_at = $1 from users u, organizations o
         where u.id = user_id and u.display_name like 'nora%' and o.id = organization_id and o.slug = 'south'`,
        [on ? null : new Date(0)],
      ),
    "a grant has ended": (run, on) =>
      run(
        `update grants set expires_at = $1 from memberships m, users u
         where m.id = membership_id and u.id = m.user_id and u.display_name like 'ole%'`,
        [on ? null : new Date(0)],
      ),
    "a role gives less": (run, on) =>
      run("update roles set permissions = $1 where key = 'reader'", [on ? "{members:read,organizations:read}" : "{}"]),
    "a grant reaches less": (run, on) =>
      run(
        `update grants set reach = $1 from memberships m, users u
         where m.id = membership_id and u.id = m.user_id and u.display_name like 'nora%' and role_key = 'admin'`,
        [on ? "SUBTREE" : "ORGANIZATION"],
      ),
    "somebody has another name": (run, on) =>
      run("update users set display_name = $1 where display_name like 'ole%'", [on ? "ole" : "ole bull"]),
    "the tenant is suspended": (run, on) => run("update tenant set status = $1", [on ? "ACTIVE" : "SUSPENDED"]),
  };

  it("is answered as by a gateway that remembers nothing, whatever happens in between", async () => {
    const asked = [
      { document: SWITCHER },
      { document: PAGE, variables: { slug: "north" } },
      { document: PAGE, variables: { slug: "oslo" } },
      { document: PAGE, variables: { slug: "nowhere" } },
      { document: LISTS },
      { document: TENANTRY.Q3 },
      { document: CHECKS(acme) },
    ];
    const people = ["olga", "nora", "sven", "ole"];
    const step = fc.record({
      what: fc.constantFrom(...Object.keys(changes), null),
      who: fc.constantFrom(...people),
      nth: fc.nat(asked.length - 1),
      times: fc.integer({ min: 1, max: 3 }),
    });
    const state = new Map<string, boolean>();
    const repeated = gateway.counts().repeated;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
        for (const { what, who, nth, times: many } of steps) {
          if (what) {
            const on = !(state.get(what) ?? true);
            state.set(what, on);
            await changes[what]!(sql, on);
          }
          const { document, variables } = asked[nth]!;
          const email = `${who}@acme.test`;
          const [expected] = await times(1, () => forgetful.as(email, "acme").ask(document, variables));
          const told = await times(many, () => gateway.as(email, "acme").ask(document, variables));
          expect(told).toEqual(told.map(() => expected));
        }
      }),
      { numRuns: Number(process.env.TENANTRY_ASKED_AGAIN ?? 12), ...replay },
    );
    for (const [what, on] of state) if (!on) await changes[what]!(sql, true);
    // Otherwise nothing was shown.
    expect(gateway.counts().repeated - repeated).toBeGreaterThan(10);
  });

  it("of what ends by the clock is answered anew when it has ended, though no row is another", async () => {
    const bySven =
      "from memberships m join users u on u.id = m.user_id where m.id = membership_id and u.display_name like 'sven%'";
    const ask = () => acme.as("olga").ask(PAGE, { slug: "south" });
    const rolesOfSven = async () => /"sven[^}]*},"roles":(\[[^\]]*\])/.exec(JSON.stringify((await ask()).data))?.[1];
    await sql(`update grants set expires_at = clock_timestamp() + interval '3 seconds' from (select id from memberships) m
      where exists (select ${bySven})`);

    const repeated = await repeatedBy(() => times(6, ask));
    const live = await rolesOfSven();
    await until(async () => {
      const [row] = await sql(
        `select bool_and(expires_at <= clock_timestamp()) as over from grants where exists (select ${bySven})`,
      );
      return row?.over === true;
    });
    const ended = await rolesOfSven();

    expect(repeated).toBeGreaterThan(0);
    expect([live?.includes("members:"), ended]).toEqual([true, "[]"]);
    const [expected] = await times(1, () => forgetful.as("olga@acme.test", "acme").ask(PAGE, { slug: "south" }));
    expect(await times(4, ask)).toEqual([expected, expected, expected, expected]);
    await sql("update grants set expires_at = null");
  });

  it("with errors, with reasons, and about what is not there is not remembered", async () => {
    const refused = () =>
      acme.as("ole").ask(`{ organization(by: { slug: "oslo" }) { invitations(first: 1) { nodes { id } } } }`);
    const explained = () => acme.as("nora", { "x-tenantry-explain": "1" }).ask(SWITCHER);
    const partly = () =>
      acme.as("ole").ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {
        ids: ["oslo", "south"].map((slug) => acme.id("Organization", slug)),
      });
    const missing = () => acme.as("olga").ask(`{ organization(by: { slug: "nowhere" }) { id } }`);
    const hidden = () => acme.as("ole").ask(`{ organization(by: { slug: "south" }) { id } }`);
    const identity = () => acme.as("olga").ask("{ identity { id tenants { slug } } viewer { user { id } } }");
    const schema = () => acme.as("olga").ask("{ __schema { queryType { name } } viewer { user { id } } }");

    for (const ask of [refused, explained, partly, missing, hidden, identity, schema])
      expect(await repeatedBy(() => times(5, ask))).toBe(0);
    expect((await missing()).data).toEqual({ organization: null });
    expect((await hidden()).data).toEqual({ organization: null });
    expect((await refused()).errors).toBeDefined();
  });

  it("is refused when the home has another turn, or a token no longer leads there", async () => {
    const ask = () => acme.as("nora").ask(SWITCHER);
    await times(4, ask);
    const [before] = await times(1, ask);

    await sql("update tenant set epoch = epoch + 1");
    const gone = await ask();
    await sql("update tenant set epoch = epoch - 1");

    expect(gone.errors?.[0]?.extensions?.code).toBe("TENANT_NOT_FOUND");
    expect(await times(2, ask)).toEqual([before, before]);
  });
});

describe("what was sent together", () => {
  it("and is refused costs no connection, and is not tried again at once", async () => {
    const record = await recordOf(gateway.database, "acme");
    const text = "select 1 / $1::int as quotient";
    const open = (again?: Again) => TenantSession.open(gateway.serve, record, "read", undefined, again);
    const first = await open();
    first.note();
    await first.query(text, ["1"]);
    await first.commit();
    const [noted] = first.noted ?? [];

    const refused = await open({ statements: [{ ...noted!, params: ["0"], bound: boundOf(["0"]) }], digest: null });
    const told = await refused.query(text, ["0"]).catch((error) => error.code);
    await refused.rollback();
    const next = await open();
    await next.rollback();

    expect([refused.flight !== null, told]).toEqual([true, "22012"]);
    expect([refused.pid, next.pid]).toEqual([first.pid, first.pid]);
  });

  it("and is not what is asked now is answered right, and soon as quick as before", async () => {
    const ask = () => acme.as("olga").ask(TENANTRY.Q3);
    await times(5, ask);
    const expected = () => times(1, () => forgetful.as("olga@acme.test", "acme").ask(TENANTRY.Q3));

    // Whom the page leads to, the next statement asks for.
    await sql(
      `insert into memberships (tenant_id, id, organization_id, user_id, status, created_at, updated_at)
       select o.tenant_id, md5('one more')::uuid, o.id, u.id, 'ACTIVE', now(), now() from organizations o, users u
       where o.slug = 'acme' and u.display_name like 'ole%'`,
    );
    const told = await times(1, ask);

    expect(told).toEqual(await expected());
    expect(await repeatedBy(() => times(8, ask))).toBeGreaterThan(3);
    await sql("delete from memberships where id = md5('one more')::uuid");
    expect(await times(1, ask)).toEqual(await expected());
  });
});

describe("one way to the server and back", () => {
  let way: Way;
  let near: TestGateway;
  beforeAll(async () => {
    way = await openWay(Number(process.env.TENANTRY_TEST_POOLER_PORT ?? process.env.TENANTRY_TEST_PORT));
    const databases = Object.fromEntries(
      Object.entries(gateway.database.databases).map(([name, url]) => [name, way.url(url)]),
    );
    near = await openGateway({ database: { ...gateway.database, databases }, leases: 1 });
  });
  afterAll(async () => {
    await near.close();
    await way.close();
  });

  it.each([
    ["Q1", undefined],
    ["Q2", { slug: "north" }],
    ["Q3", undefined],
  ] as const)("is all that %s takes when it is asked again", async (operation, variables) => {
    const ask = () => near.as("nora@acme.test", "acme").ask(TENANTRY[operation], variables);
    // A home that is served often has statements of its own by then.
    await times(8, ask);

    const before = way.trips;
    await ask();

    // Behind a pooler nothing is prepared, and so nothing is sent again.
    if (!process.env.TENANTRY_TEST_POOLER_PORT) expect(way.trips - before).toBe(1);
    else expect(way.trips - before).toBeGreaterThan(1);
  });
});
