import type { Leases } from "../../src/database/leases.js";
import { slugsAhead } from "../../src/features/organizations/loader.js";
import type { Ahead } from "../../src/graphql/ahead.js";
import { Operation } from "../../src/graphql/operation.js";
import type { HomeAnswer } from "../../src/graphql/scope.js";
import type { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { openLeases, recordOf } from "../support/sessions.js";
import { type Planted, world } from "../support/world.js";

const never = new AbortController().signal;

describe("what is read ahead", () => {
  let database: TestDatabase;
  let northwind: TenantRecord;
  let leases: Leases;
  beforeAll(async () => {
    database = await cloneDatabase();
    northwind = await recordOf(database, "northwind");
    leases = openLeases(database.url("tenantry_serve"));
  });
  afterAll(async () => {
    await leases.close();
    await database.drop();
  });

  /** An operation of which access is answered so, and what happened in it, in order. */
  function operation(answer: HomeAnswer) {
    const happened: string[] = [];
    const settings = {
      leases,
      signal: never,
      readAccess: async (session: { query: (text: string, params: unknown[]) => Promise<unknown> }) => {
        await session.query("select 'access'", []);
        happened.push("access was answered");
        return answer;
      },
      tenant: async () => northwind,
      onChange: () => {},
    };
    return { current: new Operation(settings as never), happened };
  }
  const reading = (happened: string[], text: string): Ahead => ({
    keyOf: () => null,
    send: async (session, _fields, keys) => {
      happened.push(`${keys.join()} was sent`);
      return session.query(text, []);
    },
  });

  it("is sent before access is answered, once for all that is asked for, and found by whoever asks for any of it", async () => {
    const { current, happened } = operation({} as never);
    const what = reading(happened, "select 1 as one");

    await current.query([], { wanted: new Map([[what, new Set(["a", "b"])]]) });
    const { ahead } = current.scope!;
    const [all, one, more] = [ahead!.rowsOf(what, ["a", "b"]), ahead!.rowsOf(what, ["b"]), ahead!.rowsOf(what, ["c"])];
    const other = ahead!.rowsOf(reading(happened, "select 2"), ["a"]);

    expect(happened).toEqual(["a,b was sent", "access was answered"]);
    expect([await all, await one]).toEqual([[{ one: 1 }], [{ one: 1 }]]);
    expect([more, other]).toEqual([null, null]);
    await current.end();
  });

  it("fails who asks for it and nobody else, and nothing where nobody does", async () => {
    const { current, happened } = operation({} as never);
    const what = reading(happened, "select 1 / 0");

    await current.query([], { wanted: new Map([[what, new Set(["a"])]]) });

    await expect(current.scope!.ahead!.rowsOf(what, ["a"])).rejects.toThrow("division by zero");
    await current.end();

    const refused = operation(null);
    await expect(
      refused.current.query([], { wanted: new Map([[reading([], "select 1 / 0"), new Set(["a"])]]) }),
    ).rejects.toThrow();
    expect([refused.current.scope, leases.counts.open - leases.counts.idle]).toEqual([null, 0]);
  });

  it("is asked for by a slug that can be one, and by nothing else", () => {
    const keyOf = (by: object) => slugsAhead.keyOf({ by });

    expect(["north", ""].map((slug) => keyOf({ slug }))).toEqual(["north", ""]);
    expect([keyOf({ slug: "no\0rth" }), keyOf({ slug: "\ud800" }), keyOf({ slug: null }), keyOf({ id: "x" })]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe("an organization by its slug", () => {
  let gateway: TestGateway;
  let acme: Planted;
  beforeAll(async () => {
    gateway = await openGateway();
    ({ acme } = await world(gateway, {
      acme: {
        tree: { acme: { north: {}, south: {} } },
        people: {
          olga: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
          mia: [{ at: "north", roles: ["member"] }],
          gone: [{ at: "acme", roles: ["member"] }],
        },
      },
    }));
  });
  afterAll(() => gateway.close());

  const SELECT = 'from "slugs"';
  const asking = (statements: readonly string[]) => statements.filter((text) => text.includes(SELECT));

  it("is read with all others that the document asks for by theirs, hidden and missing ones too", async () => {
    const document = `query ($one: String!) {
      one: organization(by: { slug: $one }) { slug } again: organization(by: { slug: "north" }) { name }
      hidden: organization(by: { slug: "south" }) { slug } missing: organization(by: { slug: "nowhere" }) { slug }
    }`;
    const answer = await acme.as("mia").get(document, { one: "north" });

    const statements = await gateway.database.statements(() => acme.as("mia").get(document, { one: "north" }));

    expect(answer).toEqual({
      one: { slug: "north" },
      again: { name: expect.any(String) },
      hidden: null,
      missing: null,
    });
    expect([asking(statements).length, statements.length]).toEqual([1, 5]);
  });

  it("is not read for who leaves it out", async () => {
    const document = `query ($is: Boolean!) { viewer { __typename } organization(by: { slug: "north" }) @include(if: $is) { slug } }`;

    const out = await gateway.database.statements(() => acme.as("mia").get(document, { is: false }));

    expect(asking(out)).toEqual([]);
  });

  it("is told to nobody whom the home does not let in", async () => {
    const document = '{ organization(by: { slug: "acme" }) { slug name } }';
    expect(await acme.as("gone").get(document)).toMatchObject({ organization: { slug: "acme" } });
    await homeOf(gateway, acme.slug)("update users set identity = null where id = $1", [acme.users.gone]);

    const { data, errors } = await acme.as("gone").ask(document);

    expect([data?.organization ?? null, errors?.map(({ extensions }) => extensions.code)]).toEqual([
      null,
      ["TENANT_NOT_FOUND"],
    ]);
  });

  it("is refused by a slug that no text can be, and is nothing by one that nobody has", async () => {
    const told = ["no\\u0000rth", "nowhere"].map(async (slug) => {
      const { data, errors } = await acme.as("mia").ask(`{ organization(by: { slug: "${slug}" }) { slug } }`);
      return [data?.organization ?? null, errors?.[0]?.extensions?.code];
    });

    expect(await Promise.all(told)).toEqual([
      [null, "BAD_USER_INPUT"],
      [null, undefined],
    ]);
  });
});
