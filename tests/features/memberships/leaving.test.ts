import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { missingId } from "../../support/missing.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

const PAST = new Date(Date.now() - 3_600_000);
const stores = Array.from({ length: 30 }, (_, n) => `s${n}`);

let gateway: TestGateway;
let acme: Planted;
let home: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  const member = (at: string) => ({ at, roles: ["member"] });
  ({ acme } = await world(gateway, {
    acme: {
      tree: {
        acme: { north: { store: { shelf: {} } }, south: {}, chain: Object.fromEntries(stores.map((s) => [s, {}])) },
      },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
        // Manages the members of north, and may not read them.
        bob: [{ at: "north", can: ["organizations:read", "members:manage"], reach: "SUBTREE" }],
        cleo: [member("north"), member("store"), member("south")],
        dora: [member("north"), member("store"), { at: "shelf", roles: ["owner"] }],
        twice: [member("north"), member("store")],
        halted: [{ ...member("north"), suspended: true }],
        ended: [{ ...member("north"), until: PAST }],
        fran: [member("north"), member("store")],
        seen: [member("north"), { at: "acme", roles: ["guest"], reach: "SUBTREE" }],
        few: [member("s0"), member("s1")],
        many: stores.map(member),
        nora: [member("south")],
      },
    },
  }));
  home = homeOf(gateway, "acme");
});
afterAll(() => gateway.close());

const countsAreExact = () =>
  home(
    `select o.slug from organizations o
     where o.member_count <> (select count(*) from memberships m where m.organization_id = o.id)`,
    [],
  );
const placesOf = async (name: string) =>
  (
    await home(
      `select o.slug from memberships m join organizations o on o.id = m.organization_id
       join users u on u.id = m.user_id where u.display_name = $1 order by 1`,
      [name],
    )
  ).map(({ slug }) => slug);

describe("leaveOrganization", () => {
  const leave = (who: string, slug: string) =>
    change(
      acme.as(who),
      "leaveOrganization",
      { organizationId: acme.id("Organization", slug) },
      "leftMembershipId organization { slug }",
    );

  it("ends the viewer's own membership, without a permission, and counts it off", async () => {
    expect(await leave("fran", "store")).toEqual({
      __typename: "LeaveOrganizationPayload",
      leftMembershipId: acme.id("Membership", "fran@store"),
      organization: null,
    });

    expect(await placesOf("fran")).toEqual(["north"]);
    expect(await countsAreExact()).toEqual([]);
    expect(await auditOf(gateway.database, acme, "membership.removed", acme.memberships["fran@store"])).toMatchObject([
      { actor_id: acme.users.fran, organization_id: acme.organizations.store, changes: { userId: acme.users.fran } },
    ]);
  });

  it("shows the organization to who sees it still", async () => {
    expect(await leave("seen", "north")).toMatchObject({ organization: { slug: "north" } });
  });

  it("is done once by two at once", async () => {
    const both = await Promise.all([leave("twice", "north"), leave("twice", "north")]);

    expect(both.map(({ __typename }) => __typename).sort()).toEqual(["LeaveOrganizationPayload", "NotFoundFailure"]);
    expect(await countsAreExact()).toEqual([]);
  });

  it.each([
    ["who is no member there", "nora", "north"],
    ["who has it only from further up", "ben", "store"],
    ["whose membership is suspended", "halted", "north"],
    ["whose membership has ended", "ended", "north"],
  ])("finds nothing for one %s", async (_what, who, slug) => {
    expect(await leave(who, slug)).toMatchObject({
      __typename: "NotFoundFailure",
      field: ["input", "organizationId"],
    });
  });
});

describe("removeMemberships", () => {
  const PAYLOAD = "removedMembershipIds organization { slug } organizations { slug memberCount }";
  const remove = (by: string, slug: string, name: string) =>
    change(
      acme.as(by),
      "removeMemberships",
      { organizationId: acme.id("Organization", slug), userId: acme.id("User", name) },
      PAYLOAD,
    );

  it("removes somebody from an organization and all below it, and from nowhere else", async () => {
    const removed = await remove("ben", "north", "cleo");

    expect(removed.removedMembershipIds.sort()).toEqual(
      ["cleo@north", "cleo@store"].map((name) => acme.id("Membership", name)).sort(),
    );
    const { organizations } = await acme.as("ada").get("{ organizations(first: 100) { nodes { slug memberCount } } }");
    expect(removed.organizations).toHaveLength(2);
    expect(organizations.nodes).toEqual(expect.arrayContaining(removed.organizations));
    expect(await placesOf("cleo")).toEqual(["south"]);
    expect(await countsAreExact()).toEqual([]);
    expect(await auditOf(gateway.database, acme, "membership.removed", acme.memberships["cleo@store"])).toMatchObject([
      { actor_id: acme.users.ben, organization_id: acme.organizations.store },
    ]);
    expect(await remove("ben", "north", "ben")).toMatchObject({ __typename: "RemoveMembershipsPayload" });
  });

  it("does nothing to who is no member there", async () => {
    expect(await remove("ada", "north", "nora")).toMatchObject({ removedMembershipIds: [] });
  });

  it("removes nothing where one of the memberships gives what the caller does not hold", async () => {
    const ben = await change(
      acme.as("ada"),
      "addMembership",
      {
        organizationId: acme.id("Organization", "north"),
        userId: acme.id("User", "few"),
        grants: [{ role: { key: "admin" }, reach: "SUBTREE" }],
      },
      "__typename",
    );

    expect(ben.__typename).toBe("AddMembershipPayload");
    expect(await remove("few", "north", "dora")).toMatchObject({
      __typename: "ExceedsYoursFailure",
      field: ["input", "userId"],
    });
    expect(await placesOf("dora")).toEqual(["north", "shelf", "store"]);
  });

  it("also removes what is in a suspended organization, where nobody could see that it stayed", async () => {
    await home("update organizations set status = 'SUSPENDED' where slug = 'store'", []);

    const removed = await remove("few", "north", "fran");

    expect(removed).toMatchObject({ removedMembershipIds: [acme.id("Membership", "fran@north")] });
    expect(await placesOf("twice")).toEqual(["store"]);
    expect(await remove("few", "north", "twice")).toMatchObject({ __typename: "NotFoundFailure" });
    await home("update organizations set status = 'ACTIVE' where slug = 'store'", []);
  });

  it("says of who is hidden the same as of who is nowhere", async () => {
    const missing = { organizationId: acme.id("Organization", "north"), userId: missingId("User") };

    const hidden = await remove("few", "north", "nora");

    expect(hidden).toMatchObject({ __typename: "NotFoundFailure", field: ["input", "userId"] });
    expect(await change(acme.as("few"), "removeMemberships", missing, PAYLOAD)).toEqual(hidden);
    expect(await placesOf("nora")).toEqual(["south"]);
  });

  it("is for who may read and manage members there and everywhere below", async () => {
    const input = { organizationId: acme.id("Organization", "north"), userId: acme.id("User", "dora") };

    expect(await refused(acme.as("bob"), "removeMemberships", input)).toEqual({ code: "FORBIDDEN", data: null });
  });

  it("takes as many statements for thirty memberships as for two", async () => {
    const run = (name: string) => gateway.database.statements(() => remove("ada", "chain", name));

    const few = ofData(await run("few"));
    const many = ofData(await run("many"));

    expect(await placesOf("many")).toEqual([]);
    expect(many.map((text) => text.slice(0, 40))).toEqual(few.map((text) => text.slice(0, 40)));
  });
});
