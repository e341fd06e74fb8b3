import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { missingId } from "../../support/missing.js";
import { type Planted, world } from "../../support/world.js";

const SOON = new Date(Date.now() + 3_600_000);

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {}, south: {}, frozen: {} } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
        deputy: [{ at: "acme", roles: ["admin"], reach: "SUBTREE" }],
        interim: [{ at: "north", roles: ["admin"], reach: "SUBTREE", grantsUntil: SOON }],
        boss: [{ at: "north", roles: ["owner"] }],
        closed: [{ at: "north", roles: ["member"], suspended: true }],
        ...Object.fromEntries(
          ["one", "two", "three", "four"].map((name) => [name, [{ at: "north", roles: ["member"] }]]),
        ),
        both: [
          { at: "north", roles: ["member"] },
          { at: "south", roles: ["owner"], suspended: true },
        ],
        clerk: [
          { at: "acme", roles: ["guest"] },
          { at: "frozen", roles: ["admin"] },
        ],
        chief: [
          { at: "acme", roles: ["guest"] },
          { at: "frozen", roles: ["owner"] },
        ],
      },
      suspended: ["frozen"],
    },
  }));
});
afterAll(() => gateway.close());

const ofMembership = (mutation: string, by: string, name: string, payload: string, at = "north") =>
  change(acme.as(by), mutation, { membershipId: acme.id("Membership", `${name}@${at}`) }, payload);
const ofUser = (mutation: string, by: string, name: string) =>
  change(acme.as(by), mutation, { userId: acme.id("User", name) }, "user { status }");
const sees = async (name: string) =>
  (await acme.as(name).get('{ organization(by: { slug: "north" }) { slug } }')).organization !== null;

describe("removeMembership", () => {
  const REMOVED = "removedMembershipId organization { memberCount }";

  it("ends a membership for good, on the next request, and counts it off", async () => {
    const { organization: before } = await acme
      .as("ada")
      .get('{ organization(by: { slug: "north" }) { memberCount } }');
    expect(await sees("one")).toBe(true);

    const removed = await ofMembership("removeMembership", "ben", "one", REMOVED);

    expect(removed).toEqual({
      __typename: "RemoveMembershipPayload",
      removedMembershipId: acme.id("Membership", "one@north"),
      organization: { memberCount: before.memberCount - 1 },
    });
    expect(await sees("one")).toBe(false);
    expect(await auditOf(gateway.database, acme, "membership.removed")).toMatchObject([
      { actor_id: acme.users.ben, target_id: acme.memberships["one@north"], changes: { userId: acme.users.one } },
    ]);
  });

  it("answers one of two calls at once, and the other that there is none", async () => {
    const both = await Promise.all([
      ofMembership("removeMembership", "ben", "two", "__typename"),
      ofMembership("removeMembership", "ada", "two", "__typename"),
    ]);

    expect(both.map(({ __typename }) => __typename).sort()).toEqual(["NotFoundFailure", "RemoveMembershipPayload"]);
  });

  it("removes nobody who holds what the caller does not", async () => {
    expect(await ofMembership("removeMembership", "ben", "boss", REMOVED)).toMatchObject({
      __typename: "ExceedsYoursFailure",
      field: ["input", "membershipId"],
    });
  });

  it("does not show the organization to who has removed themselves", async () => {
    const left = await ofMembership("removeMembership", "interim", "interim", REMOVED);

    expect(left).toMatchObject({ __typename: "RemoveMembershipPayload", organization: null });
  });
});

describe("suspendMembership and resumeMembership", () => {
  const STATUS = "membership { status }";

  it("close a membership, and open it again with all that it had", async () => {
    const closed = await ofMembership("suspendMembership", "ben", "three", STATUS);
    expect([closed.membership, await sees("three")]).toEqual([{ status: "SUSPENDED" }, false]);

    const open = await ofMembership("resumeMembership", "ben", "three", STATUS);
    expect([open.membership, await sees("three")]).toEqual([{ status: "ACTIVE" }, true]);
  });

  it("do nothing, and note nothing, the second time", async () => {
    await Promise.all([
      ofMembership("suspendMembership", "ben", "four", STATUS),
      ofMembership("suspendMembership", "ada", "four", STATUS),
    ]);

    const four = acme.memberships["four@north"];
    expect(await auditOf(gateway.database, acme, "membership.suspended", four)).toHaveLength(1);
  });

  it("neither close nor open what the caller does not hold, or not as long", async () => {
    expect(await ofMembership("suspendMembership", "ben", "boss", STATUS)).toMatchObject({ code: "EXCEEDS_YOURS" });
    expect(await ofMembership("resumeMembership", "deputy", "both", STATUS, "south")).toMatchObject({
      code: "EXCEEDS_YOURS",
      permissions: expect.arrayContaining(["organizations:delete"]),
    });
    const { gmbh } = await world(gateway, {
      gmbh: {
        tree: { gmbh: {} },
        people: {
          interim: [{ at: "gmbh", roles: ["admin"], grantsUntil: SOON }],
          closed: [{ at: "gmbh", roles: ["guest"], suspended: true }],
        },
      },
    });
    const input = { membershipId: gmbh.id("Membership", "closed@gmbh") };
    expect(await change(gmbh.as("interim"), "resumeMembership", input, STATUS)).toMatchObject({
      code: "EXCEEDS_YOURS",
      latestExpiresAt: SOON.toISOString(),
    });
  });
});

describe("suspendUser and resumeUser", () => {
  it("shut a person out of the tenant, for whom it does not exist meanwhile, and let them in again", async () => {
    expect(await ofUser("suspendUser", "ada", "three")).toMatchObject({ user: { status: "SUSPENDED" } });
    const shut = await acme.as("three").ask("{ viewer { id } }");
    expect(shut.errors?.[0]?.extensions.code).toBe("TENANT_NOT_FOUND");

    expect(await ofUser("resumeUser", "ada", "three")).toMatchObject({ user: { status: "ACTIVE" } });
    expect(await sees("three")).toBe(true);
  });

  it("are for those who manage members everywhere", async () => {
    expect(await refused(acme.as("ben"), "suspendUser", { userId: acme.id("User", "three") })).toEqual({
      code: "FORBIDDEN",
      data: null,
    });
  });

  it("shut out nobody who holds what the caller does not; what is suspended already does not count", async () => {
    expect(await ofUser("suspendUser", "deputy", "ada")).toMatchObject({
      code: "EXCEEDS_YOURS",
      field: ["input", "userId"],
    });
    expect(await ofUser("suspendUser", "deputy", "both")).toMatchObject({ user: { status: "SUSPENDED" } });
    expect(await ofUser("resumeUser", "deputy", "both")).toMatchObject({ user: { status: "ACTIVE" } });
  });

  it("reckon with what a person holds in a suspended organization, which comes back with it", async () => {
    expect(await ofUser("suspendUser", "deputy", "clerk")).toMatchObject({ user: { status: "SUSPENDED" } });
    expect(await ofUser("resumeUser", "deputy", "clerk")).toMatchObject({ user: { status: "ACTIVE" } });
    expect(await ofUser("suspendUser", "deputy", "chief")).toMatchObject({ code: "EXCEEDS_YOURS" });

    expect(await ofUser("suspendUser", "ada", "chief")).toMatchObject({ user: { status: "SUSPENDED" } });
    expect(await ofUser("resumeUser", "deputy", "chief")).toMatchObject({ code: "EXCEEDS_YOURS" });
    expect(await ofUser("resumeUser", "ada", "chief")).toMatchObject({ user: { status: "ACTIVE" } });
  });

  it("let in nobody who would hold what the caller does not", async () => {
    expect(await ofUser("suspendUser", "ada", "boss")).toMatchObject({ user: { status: "SUSPENDED" } });

    expect(await ofUser("resumeUser", "deputy", "boss")).toMatchObject({
      code: "EXCEEDS_YOURS",
      field: ["input", "userId"],
      permissions: expect.arrayContaining(["organizations:delete"]),
    });
    expect(await ofUser("resumeUser", "ada", "boss")).toMatchObject({ user: { status: "ACTIVE" } });
  });

  it("do not name what somebody holds where the caller may not look", async () => {
    const refusals: unknown[] = [];
    const attempt = async (name: string, input: object) => {
      refusals.push(await change(acme.as("deputy"), name, input, "__typename"));
    };
    const userId = acme.id("User", "chief");

    await attempt("suspendUser", { userId });
    await attempt("eraseUser", { userId });
    expect(await ofUser("suspendUser", "ada", "chief")).toMatchObject({ user: { status: "SUSPENDED" } });
    await attempt("resumeUser", { userId });
    expect(await ofUser("resumeUser", "ada", "chief")).toMatchObject({ user: { status: "ACTIVE" } });
    // They never signed in, so that whoever has their address becomes them.
    const sql = homeOf(gateway, "acme");
    await sql("update users set identity = null, external_id = 'chief' where id = $1", [acme.users.chief]);
    await attempt("upsertUser", { externalId: "chief", email: "chief.too@acme.test" });

    expect(refusals).toMatchObject(Array(4).fill({ code: "EXCEEDS_YOURS", permissions: [], latestExpiresAt: null }));
    for (const { message } of refusals as { message: string }[]) expect(message).not.toMatch(/[a-z]:[a-z]/);
    expect(await sql("select status, email from users where id = $1", [acme.users.chief])).toEqual([
      { status: "ACTIVE", email: "chief@acme.test" },
    ]);
    // Who may look there is told what it is.
    const organizationId = acme.id("Organization", "frozen");
    await change(acme.as("ada"), "resumeOrganization", { organizationId }, "__typename");
    expect(await ofUser("suspendUser", "deputy", "chief")).toMatchObject({
      permissions: expect.arrayContaining(["organizations:delete"]),
    });
    await change(acme.as("ada"), "suspendOrganization", { organizationId }, "__typename");
  });

  it("say the same of a person elsewhere as of one who is nowhere", async () => {
    const { viewer } = await gateway.as("ada@northwind.test", "northwind").get("{ viewer { user { id } } }");

    const [elsewhere, nowhere] = await Promise.all(
      [viewer.user.id, missingId("User")].map((userId) =>
        change(acme.as("ada"), "suspendUser", { userId }, "__typename"),
      ),
    );

    expect(elsewhere).toMatchObject({ __typename: "NotFoundFailure" });
    expect(elsewhere).toEqual(nowhere);
  });
});
