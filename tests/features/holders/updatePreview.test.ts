import { openGateway, type TestGateway } from "../../support/gateway.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

const SALES = ["organizations:read", "members:read", "invoices:read"];
const PAST = new Date(Date.now() - 3_600_000);

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: { store: {}, shop: {} }, south: {} } },
      roles: {
        sales: { at: "north", permissions: SALES },
        lone: { at: "north", permissions: SALES },
        crowd: { permissions: ["organizations:read"] },
        stale: { at: "north", permissions: ["organizations:read", "gone:away"] },
      },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
        // Edits the roles of north, and may read members in one store alone.
        dan: [
          { at: "north", can: ["roles:manage"], reach: "SUBTREE" },
          { at: "store", roles: ["member"] },
        ],
        cleo: [{ at: "store", roles: ["sales"] }],
        carl: [{ at: "shop", roles: ["sales"] }],
        // Have some of it by other ways: here, and from above.
        emma: [{ at: "store", roles: ["sales", "admin"] }],
        finn: [
          { at: "north", roles: ["member"], reach: "SUBTREE" },
          { at: "store", roles: ["sales"] },
        ],
        rita: [{ at: "store", roles: ["sales", "lone"] }],
        gone: [{ at: "store", roles: ["sales"], until: PAST }],
        done: [{ at: "store", roles: ["sales"], grantsUntil: PAST }],
        paul: [{ at: "store", roles: ["sales"], suspended: true }],
        shut: [{ at: "store", roles: ["sales"] }],
        nora: [{ at: "south", roles: ["member"] }],
        ...Object.fromEntries(Array.from({ length: 130 }, (_, n) => [`p${n}`, [{ at: "south", roles: ["crowd"] }]])),
      },
      suspended: ["shut"],
    },
  }));
});
afterAll(() => gateway.close());

const QUERY = `query($roleId: ID!, $permissions: [String!]!, $first: Int, $after: String) {
  roleUpdatePreview(roleId: $roleId, permissions: $permissions) {
    gains loses complete memberCount
    effects(first: $first, after: $after) {
      nodes { membership { user { displayName } organization { slug } } grant { role { key } reach } gains loses }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;
const preview = async (by: string, key: string, permissions: readonly string[], page: object = { first: 100 }) =>
  (await acme.as(by).get(QUERY, { roleId: acme.id("Role", key), permissions, ...page })).roleUpdatePreview;
// biome-ignore lint/suspicious/noExplicitAny: a node as the query above asks for it
const byName = (nodes: any[]) =>
  Object.fromEntries(
    nodes.map(({ membership, gains, loses }) => [membership.user.displayName, { gains, loses }] as const),
  );

describe("roleUpdatePreview", () => {
  it("says what the role, and everybody who has it today, would gain and lose", async () => {
    const found = await preview("ben", "sales", ["organizations:read", "members:invite", "invoices:read"]);

    expect(found).toMatchObject({
      gains: ["members:invite"],
      loses: ["members:read"],
      complete: true,
      memberCount: 5,
    });
    expect(byName(found.effects.nodes)).toEqual({
      cleo: { gains: ["members:invite"], loses: ["members:read"] },
      carl: { gains: ["members:invite"], loses: ["members:read"] },
      // What something else gives them is neither gained nor lost.
      emma: { gains: [], loses: [] },
      finn: { gains: ["members:invite"], loses: [] },
      rita: { gains: ["members:invite"], loses: [] },
    });
    // biome-ignore lint/suspicious/noExplicitAny: as above
    expect(found.effects.nodes.find((one: any) => one.membership.user.displayName === "cleo")).toMatchObject({
      membership: { organization: { slug: "store" } },
      grant: { role: { key: "sales" }, reach: "ORGANIZATION" },
    });
  });

  it("foretells what updateRole then does", async () => {
    const permissions = ["organizations:read", "audit:read"];
    const { effects } = await preview("ben", "lone", permissions);
    const can = async () =>
      (await acme.as("rita").get('{ organization(by: { slug: "store" }) { viewerPermissions } }')).organization
        .viewerPermissions as string[];
    const before = await can();

    await acme
      .as("ada")
      .get(
        "mutation($roleId: ID!, $permissions: [String!]) { updateRole(input: { roleId: $roleId, permissions: $permissions }) { __typename } }",
        { roleId: acme.id("Role", "lone"), permissions },
      );

    const after = await can();
    expect(byName(effects.nodes).rita).toEqual({
      gains: after.filter((one) => !before.includes(one)),
      loses: before.filter((one) => !after.includes(one)),
    });
    expect(byName(effects.nodes).rita!.gains).toEqual(["audit:read"]);
  });

  it("shows nobody whom the viewer does not see, and says that there may be some", async () => {
    const found = await preview("dan", "sales", ["organizations:read", "members:read"]);

    expect(found).toMatchObject({ complete: false, memberCount: 4, loses: ["invoices:read"] });
    expect(Object.keys(byName(found.effects.nodes)).sort()).toEqual(["cleo", "emma", "finn", "rita"]);
  });

  it("counts nothing that is held where the viewer may not look", async () => {
    const found = await preview("dan", "sales", ["organizations:read"]);

    // Finn has members:read from above, which is not for Dan to know.
    expect(byName(found.effects.nodes).finn).toEqual({ gains: [], loses: ["members:read", "invoices:read"] });
    expect(byName((await preview("ben", "sales", ["organizations:read"])).effects.nodes).finn).toEqual({
      gains: [],
      loses: ["invoices:read"],
    });
  });

  it("leaves out what the product does not have any more", async () => {
    expect(await preview("ben", "stale", ["organizations:read"])).toMatchObject({ gains: [], loses: [] });
  });

  it("shows everybody, page after page, in as many statements for many as for few", async () => {
    const few = ofData(await gateway.database.statements(() => preview("ada", "sales", [])));
    const many = ofData(await gateway.database.statements(() => preview("ada", "crowd", [])));
    const names: string[] = [];
    let after: string | null = null;
    do {
      const { effects, memberCount } = await preview("ada", "crowd", [], { first: 50, after });
      expect(memberCount).toBe(130);
      names.push(...Object.keys(byName(effects.nodes)));
      after = effects.pageInfo.hasNextPage ? effects.pageInfo.endCursor : null;
    } while (after !== null);

    expect(new Set(names).size).toBe(130);
    expect(many).toEqual(few);
    expect(many.length).toBeLessThanOrEqual(9);
  });

  it("is null for a role of the catalogue, and for one that is hidden or missing", async () => {
    const { organization } = await acme.as("ada").get('{ organization(by: { slug: "acme" }) { roles { id key } } }');
    const { id: roleId } = organization.roles.find((role: { key: string }) => role.key === "member");

    expect((await acme.as("ada").get(QUERY, { roleId, permissions: [] })).roleUpdatePreview).toBeNull();
    expect(await preview("nora", "sales", [])).toBeNull();
    expect((await acme.as("ada").get(QUERY, { roleId: "garbage", permissions: [] })).roleUpdatePreview).toBeNull();
  });

  it("names the permission that the catalogue does not have", async () => {
    const { errors } = await acme.as("ben").ask(QUERY, {
      roleId: acme.id("Role", "sales"),
      permissions: ["members:read", "members:reed"],
    });

    expect(errors?.[0]).toMatchObject({
      message: expect.stringContaining("There is no such permission"),
      extensions: { code: "BAD_USER_INPUT" },
    });
  });
});
