import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { missingId } from "../../support/missing.js";
import { type Planted, world } from "../../support/world.js";

const PAST = new Date("2026-01-01T00:00:00.000Z");
const SOON = new Date(Date.now() + 3_600_000);
const LATER = new Date(Date.now() + 7_200_000);

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: { store: {} }, south: {} } },
      roles: { keeper: { at: "north", permissions: ["members:read"] }, southern: { at: "south", permissions: [] } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
        interim: [{ at: "north", roles: ["admin"], reach: "SUBTREE", grantsUntil: SOON }],
        near: [
          { at: "north", roles: ["admin"] },
          { at: "store", roles: ["member"] },
        ],
        cleo: [{ at: "north", roles: ["member"] }],
        ended: [{ at: "north", roles: ["admin"], until: PAST }],
        ...Object.fromEntries(["one", "two", "three", "four", "five", "six"].map((name) => [name, [{ at: "store" }]])),
        nobody: [],
      },
    },
  }));
});
afterAll(() => gateway.close());

const PAYLOAD =
  "membership { status expiresAt user { displayName } grants { role { key } reach expiresAt } } organization { slug memberCount }";
const add = (by: string, user: string, at = "north", grants: object[] = [], more: object = {}) =>
  change(
    acme.as(by),
    "addMembership",
    { organizationId: acme.id("Organization", at), userId: acme.id("User", user), grants, ...more },
    PAYLOAD,
  );
const member = { role: { key: "member" } };

describe("addMembership", () => {
  it("makes a person a member with the grants that are given, and counts them", async () => {
    const before = await acme.as("ada").get('{ organization(by: { slug: "north" }) { memberCount } }');

    const added = await add("ben", "one", "north", [
      { role: { key: "keeper" }, reach: "SUBTREE" },
      { role: { id: acme.id("Role", "keeper") }, expiresAt: LATER },
      member,
    ]);

    expect(added).toMatchObject({
      __typename: "AddMembershipPayload",
      membership: {
        status: "ACTIVE",
        expiresAt: null,
        user: { displayName: "one" },
        grants: expect.arrayContaining([
          { role: { key: "keeper" }, reach: "SUBTREE", expiresAt: null },
          { role: { key: "keeper" }, reach: "ORGANIZATION", expiresAt: LATER.toISOString() },
          { role: { key: "member" }, reach: "ORGANIZATION", expiresAt: null },
        ]),
      },
      organization: { slug: "north", memberCount: before.organization.memberCount + 1 },
    });
  });

  it("takes effect on the member's next request", async () => {
    const two = acme.as("two");
    expect(await two.get('{ organization(by: { slug: "north" }) { slug } }')).toEqual({ organization: null });

    await add("ben", "two", "north", [member]);

    expect(await two.get('{ organization(by: { slug: "north" }) { slug } }')).toEqual({
      organization: { slug: "north" },
    });
  });

  it("says that somebody is a member already", async () => {
    expect(await add("ben", "cleo")).toMatchObject({
      __typename: "AlreadyMemberFailure",
      code: "ALREADY_MEMBER",
      field: ["input", "userId"],
    });
  });

  it("shows the membership that is there to who may see it, and to nobody else", async () => {
    const document = `mutation($input: AddMembershipInput!) { addMembership(input: $input) { ... on AlreadyMemberFailure {
      tenantSlug membership { id organization { slug } } again: membership { user { displayName } } } } }`;
    const input = { organizationId: acme.id("Organization", "north"), userId: acme.id("User", "cleo"), grants: [] };

    const { addMembership } = await acme.as("ben").get(document, { input });

    expect(addMembership).toEqual({
      tenantSlug: "acme",
      membership: { id: acme.id("Membership", "cleo@north"), organization: { slug: "north" } },
      again: { user: { displayName: "cleo" } },
    });
  });

  it("makes one membership of two calls at once, and tells the other", async () => {
    const both = await Promise.all([add("ada", "three", "south"), add("ada", "three", "south")]);

    expect(both.map(({ __typename }) => __typename).sort()).toEqual(["AddMembershipPayload", "AlreadyMemberFailure"]);
    const { organization } = await acme
      .as("ada")
      .get('{ organization(by: { slug: "south" }) { memberCount memberships { nodes { user { displayName } } } } }');
    expect(organization).toEqual({ memberCount: 1, memberships: { nodes: [{ user: { displayName: "three" } }] } });
  });

  it("begins a membership anew that has ended: with the new grants, without the old ones, and counted once", async () => {
    const { organization: before } = await acme
      .as("ada")
      .get('{ organization(by: { slug: "north" }) { memberCount } }');

    const [first, second] = await Promise.all([add("ben", "ended"), add("ben", "ended")]);

    const again = first.__typename === "AddMembershipPayload" ? first : second;
    expect([first.__typename, second.__typename].sort()).toEqual(["AddMembershipPayload", "AlreadyMemberFailure"]);
    expect(again.membership).toMatchObject({ status: "ACTIVE", expiresAt: null, grants: [] });
    expect(again.organization.memberCount).toBe(before.memberCount);
  });

  it("refuses what the giver does not hold there, or not that far, and names it", async () => {
    expect(await add("ben", "four", "north", [{ role: { key: "owner" } }])).toMatchObject({
      __typename: "ExceedsYoursFailure",
      field: ["input", "grants", "0"],
      permissions: [
        "organizations:delete",
        "organizations:suspend",
        "support:manage",
        "invoices:read",
        "invoices:approve",
      ],
    });
    expect(await add("near", "four", "north", [member, { ...member, reach: "SUBTREE" }])).toMatchObject({
      __typename: "ExceedsYoursFailure",
      field: ["input", "grants", "1"],
      permissions: ["organizations:read", "members:read"],
    });
    const { organization } = await acme
      .as("ada")
      .get('{ organization(by: { slug: "north" }) { memberships(first: 100) { nodes { user { displayName } } } } }');
    expect(JSON.stringify(organization)).not.toContain("four");
  });

  it("refuses what would outlast its giver's own right, and says how long it may be", async () => {
    const until = { permissions: [], latestExpiresAt: SOON.toISOString() };

    expect(await add("interim", "five")).toMatchObject({ ...until, field: ["input", "expiresAt"] });
    expect(await add("interim", "five", "north", [member], { expiresAt: LATER })).toMatchObject(until);
    expect(await add("interim", "five", "north", [member], { expiresAt: SOON })).toMatchObject({
      __typename: "AddMembershipPayload",
      membership: { expiresAt: SOON.toISOString(), grants: [{ expiresAt: null }] },
    });
  });

  it("takes only ends that are ahead, roles that are usable there, and each role once for a reach", async () => {
    expect(await add("ben", "six", "north", [], { expiresAt: PAST })).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "expiresAt"],
    });
    expect(await add("ben", "six", "north", [{ ...member, expiresAt: PAST }])).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "grants", "0", "expiresAt"],
    });
    expect(await add("ada", "six", "north", [{ role: { id: acme.id("Role", "southern") } }])).toMatchObject({
      code: "NOT_FOUND",
      field: ["input", "grants", "0", "role"],
    });
    expect(await add("ben", "six", "north", [member, { ...member, expiresAt: LATER }])).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "grants", "1"],
    });
  });

  it("finds nobody whom the caller does not see; people in no organization only for who manages all", async () => {
    const ofAnother = gateway.as("ada@northwind.test", "northwind");
    const { viewer } = await ofAnother.get("{ viewer { user { id } } }");
    const notFound = { __typename: "NotFoundFailure", field: ["input", "userId"] };

    const adding = (by: string, userId: string) =>
      change(
        acme.as(by),
        "addMembership",
        { organizationId: acme.id("Organization", "north"), userId, grants: [] },
        PAYLOAD,
      );

    const hidden = await adding("ben", acme.id("User", "nobody"));
    expect(hidden).toMatchObject(notFound);
    expect(await adding("ben", missingId("User"))).toEqual(hidden);
    for (const userId of [missingId("User"), viewer.user.id]) expect(await adding("ada", userId)).toEqual(hidden);
    for (const userId of ["x", acme.id("Organization", "north")])
      expect(await adding("ada", userId)).toMatchObject(notFound);
    expect(await add("ada", "nobody")).toMatchObject({ __typename: "AddMembershipPayload" });
  });

  it("is refused to who may not manage members there", async () => {
    const input = { organizationId: acme.id("Organization", "north"), userId: acme.id("User", "six"), grants: [] };

    expect(await refused(acme.as("cleo"), "addMembership", input)).toEqual({ code: "FORBIDDEN", data: null });
  });
});
