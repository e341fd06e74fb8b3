import type { TestGateway } from "../../support/gateway.js";
import { openGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { listDocument, ofPage, walk } from "../../support/pages.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let firm: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  ({ firm } = await world(gateway, {
    firm: {
      tree: { firm: { east: {}, west: {} } },
      people: {
        olga: [{ at: "firm", roles: ["owner"], reach: "SUBTREE" }],
        // Runs the root alone: nobody in no organization is theirs to see.
        rita: [{ at: "firm", roles: ["admin"] }],
        emil: [{ at: "east", roles: ["member"] }],
        gast: [{ at: "east", roles: ["guest"] }],
        wanda: [{ at: "west", roles: ["member"] }],
        solo: [],
        away: [],
      },
      suspended: ["away"],
    },
  }));
  sql = homeOf(gateway, "firm");
  await sql("update users set external_id = 'crm-1' where email in ('emil@firm.test', 'wanda@firm.test')");
});
afterAll(() => gateway.close());

const names = async (who: string, args = "") =>
  (await firm.as(who).get(`{ users${args} { nodes { displayName } } }`)).users.nodes.map(
    ({ displayName }: { displayName: string }) => displayName,
  );
const user = async (who: string, by: string) =>
  (await firm.as(who).get(`{ user(by: { ${by} }) { displayName } }`)).user?.displayName ?? null;

describe("Query.users", () => {
  it("lists whom the viewer may see, by name", async () => {
    expect(await names("olga")).toEqual(["away", "emil", "gast", "olga", "rita", "solo", "wanda"]);
    expect(await names("emil")).toEqual(["emil", "gast"]);
    expect(await names("gast")).toEqual(["gast"]);
    expect(await names("solo")).toEqual(["solo"]);
  });

  it("keeps those in no organization for who manages the members of the whole tenant", async () => {
    expect(await names("rita")).toEqual(["olga", "rita"]);
  });

  it("shows those whom a filter asks for", async () => {
    expect(await names("olga", "(filter: { status: [SUSPENDED] })")).toEqual(["away"]);
    expect(await names("olga", '(filter: { search: "FIRM" })')).toHaveLength(7);
    expect(await names("olga", '(filter: { search: "w", status: [ACTIVE] })')).toEqual(["wanda"]);
    expect(await names("olga", '(filter: { search: "and" })')).toEqual([]);
    // A hidden person is not found by any search.
    expect(await names("emil", '(filter: { search: "w" })')).toEqual([]);
  });

  it("is read in pages from either end", async () => {
    const document = listDocument((page) => `list: users(${page}) ${ofPage("displayName")}`);
    const all = await names("olga");

    for (const backward of [false, true]) {
      const found = await walk(firm.as("olga"), document, { size: 2, backward });
      expect(found.map(({ displayName }) => displayName)).toEqual(all);
    }
  });

  it("asks strangers to sign in", async () => {
    const { data, errors } = await gateway.anonymous.ask("{ users { nodes { id } } }");

    expect([data, errors?.[0]?.extensions.code]).toEqual([{ users: null }, "UNAUTHENTICATED"]);
  });
});

describe("Query.user", () => {
  it("finds a person by id, address whatever its capitals, and external id", async () => {
    expect(await user("olga", `id: "${firm.id("User", "wanda")}"`)).toBe("wanda");
    expect(await user("olga", 'email: " Wanda@FIRM.test"')).toBe("wanda");
    expect(await user("olga", 'externalId: "crm-1"')).not.toBeNull();
    expect(await user("emil", 'externalId: "crm-1"')).toBe("emil");
    expect(await user("olga", `uuid: "${firm.users.wanda}"`)).toBe("wanda");
    expect(await user("emil", `uuid: "${firm.users.wanda}"`)).toBeNull();
  });

  it("answers null for who is hidden as for who is missing, by the same statements", async () => {
    const ask = (by: string) => firm.as("emil").ask(`{ user(by: { ${by} }) { displayName } }`);
    const [hidden, missing] = ['email: "wanda@firm.test"', 'email: "nobody@firm.test"'];

    expect((await ask(hidden)).data).toEqual({ user: null });
    expect((await ask(missing)).data).toEqual({ user: null });
    expect(await user("emil", `id: "${firm.id("User", "wanda")}"`)).toBeNull();
    expect(await user("emil", 'email: "no address"')).toBeNull();
    const sent = async (by: string) => ofData(await gateway.database.statements(() => ask(by)));
    expect(await sent(hidden)).toEqual(await sent(missing));
  });

  it("reads all addresses of a document in one statement", async () => {
    const document = `{ ${Object.keys(firm.users)
      .map((name, n) => `u${n}: user(by: { email: "${name}@firm.test" }) { id }`)
      .join(" ")} }`;

    const statements = await gateway.database.statements(() => firm.as("olga").get(document));

    expect(ofData(statements)).toHaveLength(1);
  });

  it("shows everybody themselves", async () => {
    expect(await user("solo", `id: "${firm.id("User", "solo")}"`)).toBe("solo");
  });
});
