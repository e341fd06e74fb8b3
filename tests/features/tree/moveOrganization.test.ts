import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { missingId } from "../../support/missing.js";
import { CROOKED } from "../../support/tree.js";
import { type Planted, type TenantSketch, world } from "../../support/world.js";

const ROUNDS = Number(process.env.TENANTRY_CIRCLES ?? 8);
const SOON = new Date(Date.now() + 3_600_000);
const MOVE = ["organizations:read", "organizations:move", "organizations:create"];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

/** A chain of so many organizations, one below the other. */
const chain = (name: string, length: number): object =>
  length === 0 ? {} : { [`${name}-${length}`]: chain(name, length - 1) };

const SKETCH: Omit<TenantSketch, "tree"> = {
  roles: { local: { at: "north", permissions: ["organizations:read"] } },
  people: {
    ada: [{ at: "root", roles: ["owner"], reach: "SUBTREE" }],
    ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
    cleo: [{ at: "south", roles: ["admin"], reach: "SUBTREE" }],
    // Hands out what others have above the new place, or what is their own there.
    lavish: [
      { at: "n1", roles: ["guest"], can: MOVE, reach: "SUBTREE" },
      { at: "south", can: MOVE, reach: "SUBTREE" },
    ],
    greedy: [
      { at: "n1", can: MOVE, reach: "SUBTREE" },
      { at: "west", roles: ["admin"], reach: "SUBTREE" },
    ],
    // Takes from those above the old place.
    thief: [
      { at: "n2", can: MOVE, reach: "SUBTREE" },
      { at: "void", can: MOVE, reach: "SUBTREE" },
    ],
    interim: [
      { at: "n1", roles: ["owner"], reach: "SUBTREE", grantsUntil: SOON },
      { at: "beside", roles: ["member"], can: MOVE, reach: "SUBTREE" },
    ],
    // May do it to the organization alone, or not at the other end.
    narrow: [{ at: "n1", can: MOVE }],
    oneSide: [
      { at: "n1", can: MOVE, reach: "SUBTREE" },
      { at: "south", roles: ["guest"] },
    ],
    local: [{ at: "keep", roles: ["local"] }],
    gone: [{ at: "n2", roles: ["local"], grantsUntil: new Date(0) }],
    deep: [{ at: "n1a", roles: ["member"] }],
  },
};
const plant = async (slug: string): Promise<Planted> => {
  const tree = {
    root: {
      north: { n1: { n1a: { n1b: {} } }, n2: {}, keep: {}, low: {} },
      south: { s1: {} },
      west: {},
      void: {},
      beside: {},
      ...chain("deep", 13),
    },
  };
  return (await world(gateway, { [slug]: { ...SKETCH, tree } }))[slug]!;
};

const move = (tenant: Planted, by: string, slug: string, parent: string) =>
  change(
    tenant.as(by),
    "moveOrganization",
    { organizationId: tenant.id("Organization", slug), parentId: tenant.id("Organization", parent) },
    "organization { slug parent { slug } ancestors { slug } }",
  );
const sees = async (tenant: Planted, who: string, slug: string) =>
  (await tenant.as(who).get(`{ organization(by: { slug: "${slug}" }) { slug } }`)).organization !== null;
/** What the audit says of what was moved away from an organization. */
const away = (slug: string) => `organization(by: { slug: "${slug}" }) {
  auditEvents(filter: { actions: ["organization.movedAway"] }) { nodes { targetId target { ... on Organization { slug } } changes } }
}`;

describe("moveOrganization", () => {
  /** Who of those above and in it saw what was moved, before and after. */
  const seen: boolean[][] = [];

  it("takes everything below along, and notes where it was and is", async () => {
    const tenant = await plant("whole");
    const look = () => Promise.all(["ben", "cleo", "deep"].map((who) => sees(tenant, who, "n1a")));
    seen.push(await look());

    const { organization } = await move(tenant, "ada", "n1", "s1");

    seen.push(await look());

    expect(organization).toEqual({
      slug: "n1",
      parent: { slug: "s1" },
      ancestors: [{ slug: "root" }, { slug: "south" }, { slug: "s1" }],
    });
    const { organization: deepest } = await tenant
      .as("ada")
      .get('{ organization(by: { slug: "n1b" }) { ancestors { slug } } }');
    expect(deepest.ancestors.map(({ slug }: { slug: string }) => slug)).toEqual(["root", "south", "s1", "n1", "n1a"]);
    expect(await homeOf(gateway, "whole")(CROOKED)).toEqual([]);
    const { north, s1 } = tenant.organizations;
    expect(await auditOf(gateway.database, tenant, "organization.moved", tenant.organizations.n1)).toMatchObject([
      { changes: { before: { parentId: north }, after: { parentId: s1 } } },
    ]);
  });

  it("gives to whoever is above the new place, takes from whoever was above the old one, and leaves the rest", async () => {
    expect(seen).toEqual([
      [true, false, true],
      [false, true, true],
    ]);
  });

  it("is read of by who lost it, of the parent that it had, and not where it went", async () => {
    const tenant = await plant("lost");
    await move(tenant, "ada", "n1a", "s1");
    await move(tenant, "ada", "n1", "s1");

    const { north, n1 } = (await tenant.as("ada").get(`{ north: ${away("north")} n1: ${away("n1")} }`)) as Record<
      string,
      { auditEvents: { nodes: object[] } }
    >;
    const ofBen = (await tenant.as("ben").get(`{ north: ${away("north")} }`)).north;

    expect(ofBen).toEqual({
      auditEvents: {
        nodes: [
          {
            targetId: tenant.id("Organization", "n1"),
            target: null,
            changes: { before: { parentId: tenant.organizations.north } },
          },
        ],
      },
    });
    expect(north!.auditEvents.nodes).toMatchObject([{ target: { slug: "n1" } }]);
    expect(n1!.auditEvents.nodes).toMatchObject([{ target: { slug: "n1a" } }]);
    expect(JSON.stringify(ofBen)).not.toContain(tenant.organizations.s1);
    for (const who of ["cleo", "deep"])
      expect((await tenant.as(who).get(`{ north: ${away("north")} }`)).north).toBeNull();
  });

  describe("by who may not", () => {
    let tenant: Planted;
    let content: string;
    beforeAll(async () => {
      tenant = await plant("refused");
      content = await gateway.database.content("refused");
    });
    afterEach(async () => expect(await gateway.database.content("refused")).toBe(content));

    it.each([
      ["gives others more than the mover holds", "lavish", "n1", "south", "parentId", false],
      ["gives the mover what they hold at the new place alone", "greedy", "n1", "west", "parentId", true],
      ["takes what the mover does not hold", "thief", "n2", "void", "organizationId", false],
    ])("is refused: it %s", async (_why, by, slug, parent, field, isTold) => {
      const outcome = await move(tenant, by, slug, parent);

      expect(outcome).toMatchObject({ __typename: "ExceedsYoursFailure", field: ["input", field] });
      // What others hold is for who may read members where they hold it.
      expect(outcome.permissions.includes("members:manage")).toBe(isTold);
    });

    it("is refused: it gives for longer than the mover holds", async () => {
      expect(await move(tenant, "interim", "n1", "beside")).toMatchObject({
        __typename: "ExceedsYoursFailure",
        latestExpiresAt: SOON.toISOString(),
      });
    });

    it.each([
      ["the organization alone", "narrow", "n1"],
      ["one side", "oneSide", "n1"],
    ])("is denied to who may on %s", async (_what, by, slug) => {
      const input = {
        organizationId: tenant.id("Organization", slug),
        parentId: tenant.id("Organization", by === "narrow" ? "n1a" : "south"),
      };

      expect(await refused(tenant.as(by), "moveOrganization", input)).toMatchObject({ data: null });
    });

    it("finds neither end where it is hidden or missing, with the same words", async () => {
      const missing = missingId("Organization");
      const input = (organization: string, parent: string) => ({ organizationId: organization, parentId: parent });
      const [n1, south, s1] = ["n1", "south", "s1"].map((slug) => tenant.id("Organization", slug)) as [
        string,
        string,
        string,
      ];
      const ask = (one: object) => change(tenant.as("ben"), "moveOrganization", one, "__typename");

      const hidden = await ask(input(n1, south));
      expect(hidden).toMatchObject({ __typename: "NotFoundFailure", field: ["input", "parentId"] });
      expect(await ask(input(n1, missing))).toEqual(hidden);
      expect(await ask(input(s1, south))).toEqual(await ask(input(missing, south)));
    });

    it("does nothing, and notes nothing, where it is there already", async () => {
      expect((await move(tenant, "ben", "n1", "north")).organization.parent).toEqual({ slug: "north" });
    });

    it("goes not below itself, nor too deep, nor leaves a role behind; the root goes nowhere", async () => {
      expect(await move(tenant, "ada", "n1", "n1")).toMatchObject({
        code: "INVALID_INPUT",
        field: ["input", "parentId"],
      });
      expect(await move(tenant, "ada", "n1", "n1b")).toMatchObject({ code: "INVALID_INPUT" });
      expect(await move(tenant, "ada", "root", "n1")).toMatchObject({ code: "ROOT_ORGANIZATION" });
      expect(await move(tenant, "ada", "north", "deep-1")).toMatchObject({
        code: "INVALID_INPUT",
        message: expect.stringContaining("16"),
      });
      expect(await move(tenant, "ada", "keep", "south")).toMatchObject({
        code: "ROLES_LEFT_BEHIND",
        message: expect.stringContaining("local"),
      });
    });
  });

  it("goes as deep as sixteen have place above, and takes along who has a role no more", async () => {
    const tenant = await plant("deepest");

    // Thirteen of the chain and the root are above n1; n1b would be the sixteenth below the root.
    expect(await move(tenant, "ada", "n1", "deep-1")).toMatchObject({ __typename: "MoveOrganizationPayload" });
    expect(await move(tenant, "ada", "n2", "n1b")).toMatchObject({ code: "INVALID_INPUT" });
    // An administrator moves what stays below them.
    expect((await move(tenant, "ben", "low", "n2")).organization.parent).toEqual({ slug: "n2" });
    expect(await move(tenant, "ada", "n2", "n1")).toMatchObject({ __typename: "MoveOrganizationPayload" });
    const created = await change(
      tenant.as("ada"),
      "createOrganization",
      { parentId: tenant.id("Organization", "n1b"), name: "Too deep", slug: "too-deep" },
      "__typename",
    );
    expect(created).toMatchObject({ code: "INVALID_INPUT", field: ["input", "parentId"] });
  });

  let raced: Promise<Planted>;
  beforeAll(() => {
    raced = plant("raced");
  });

  it("lets one of two that would make a circle through", async () => {
    const tenant = await raced;

    for (let round = 0; round < ROUNDS; round++) {
      const outcomes = await Promise.all([move(tenant, "ada", "n2", "south"), move(tenant, "ada", "south", "n2")]);

      expect(outcomes.map(({ __typename }) => __typename).sort()).toEqual([
        "InvalidInputFailure",
        "MoveOrganizationPayload",
      ]);
      expect(await homeOf(gateway, "raced")(CROOKED)).toEqual([]);
      await Promise.all([move(tenant, "ada", "n2", "root"), move(tenant, "ada", "south", "root")]);
    }
  });

  it("takes along what is created below at the same time", async () => {
    const tenant = await raced;
    const parentId = tenant.id("Organization", "n1a");

    for (let round = 0; round < ROUNDS / 2; round++) {
      const create = (n: number) =>
        change(
          tenant.as("ada"),
          "createOrganization",
          { parentId, name: "New", slug: `new-${round}-${n}` },
          "organization { slug }",
        );
      const made = await Promise.all([
        create(0),
        move(tenant, "ada", "n1", round % 2 === 0 ? "south" : "north"),
        create(1),
      ]);

      expect(made.map(({ __typename }) => __typename)).toEqual([
        "CreateOrganizationPayload",
        "MoveOrganizationPayload",
        "CreateOrganizationPayload",
      ]);
      expect(await homeOf(gateway, "raced")(CROOKED)).toEqual([]);
    }
  });
});
