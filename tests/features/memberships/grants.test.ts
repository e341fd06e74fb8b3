import { TenantSession } from "../../../src/tenancy/session.js";
import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { openLeases, recordOf } from "../../support/sessions.js";
import { until } from "../../support/until.js";
import { type Planted, world } from "../../support/world.js";

/** Who waits for a tenant's lock. */
const WAITING = `select pid from pg_locks where locktype = 'advisory' and not granted
  and database = (select oid from pg_database where datname = current_database())`;
const PAST = new Date("2026-01-01T00:00:00.000Z");
const SOON = new Date(Date.now() + 3_600_000);
const LATER = new Date(Date.now() + 7_200_000);

let gateway: TestGateway;
let acme: Planted;
const MEMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"];
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: { store: {} }, south: {} } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
        interim: [{ at: "north", roles: ["admin"], reach: "SUBTREE", grantsUntil: SOON }],
        manager: [{ at: "north", can: ["organizations:read", "members:read", "members:manage"] }],
        boss: [{ at: "north", roles: ["owner"] }],
        over: [{ at: "north", roles: ["member"], grantsUntil: PAST }],
        ended: [{ at: "north", roles: ["member"], until: PAST }],
        clerk: [{ at: "north", roles: ["member", "accountant"], reach: "SUBTREE" }],
        ...Object.fromEntries(MEMBERS.map((name) => [name, [{ at: "north", roles: ["member"] }]])),
      },
    },
  }));
});
afterAll(() => gateway.close());

const GRANTS = "membership { grants { id role { key } reach expiresAt } }";
const membershipId = (name: string) => acme.id("Membership", `${name}@north`);
const setGrants = (by: string, name: string, grants: object[]) =>
  change(acme.as(by), "setGrants", { membershipId: membershipId(name), grants }, GRANTS);
const grantRole = (by: string, name: string, grant: object) =>
  change(acme.as(by), "grantRole", { membershipId: membershipId(name), ...grant }, GRANTS);
const revoke = (by: string, grantId: string) => change(acme.as(by), "revokeGrant", { grantId }, GRANTS);
const role = (key: string) => ({ role: { key } });
const grantsOf = async (name: string): Promise<{ id: string; role: { key: string }; reach: string }[]> =>
  (
    await acme
      .as("ada")
      .get("query($id: ID!) { node(id: $id) { ... on Membership { grants { id role { key } reach expiresAt } } } }", {
        id: membershipId(name),
      })
  ).node.grants;
const keys = (grants: { role: { key: string } }[]) => grants.map((grant) => grant.role.key);
const events = (action: string, name: string) =>
  auditOf(gateway.database, acme, action, acme.memberships[`${name}@north`]);

describe("setGrants", () => {
  it("replaces all grants at once, and leaves what is wanted as it is", async () => {
    const [before] = await grantsOf("one");

    const { membership } = await setGrants("ben", "one", [role("member"), { ...role("guest"), reach: "SUBTREE" }]);

    expect(membership.grants).toContainEqual({
      id: before!.id,
      role: { key: "member" },
      reach: "ORGANIZATION",
      expiresAt: null,
    });
    expect(keys(membership.grants).sort()).toEqual(["guest", "member"]);
    expect((await setGrants("ben", "one", [])).membership.grants).toEqual([]);
    expect(await events("grants.set", "one")).toMatchObject([
      { changes: { given: [{ role: "guest", reach: "SUBTREE" }], withdrawn: [] } },
      { changes: { given: [], withdrawn: expect.arrayContaining([expect.objectContaining({ role: "member" })]) } },
    ]);
  });

  it("notes which grants it removed that had ended, beside those that it withdrew", async () => {
    expect((await setGrants("ben", "over", [role("guest")])).membership.grants).toMatchObject([role("guest")]);

    const [event] = await events("grants.set", "over");
    expect(event!.changes).toEqual({
      given: [expect.objectContaining({ role: "guest", to: null })],
      withdrawn: [],
      removed: [expect.objectContaining({ role: "member", reach: "ORGANIZATION", from: PAST.toISOString() })],
    });
  });

  it("changes nothing, and notes nothing, when all is as it should be", async () => {
    expect((await setGrants("ben", "two", [role("member")])).membership.grants).toHaveLength(1);

    expect(await events("grants.set", "two")).toEqual([]);
  });

  it("withdraws nothing that the caller does not hold, not even to give something less", async () => {
    expect(await setGrants("manager", "boss", [role("member")])).toMatchObject({
      __typename: "ExceedsYoursFailure",
      permissions: expect.arrayContaining(["organizations:delete"]),
    });
    expect(keys(await grantsOf("boss"))).toEqual(["owner"]);
  });

  it("leaves alone what the caller does not hold, as long as it is named as it is", async () => {
    const grants = [
      { ...role("accountant"), reach: "SUBTREE" },
      { ...role("member"), reach: "SUBTREE" },
      role("guest"),
    ];

    expect(await setGrants("ben", "clerk", grants)).toMatchObject({ __typename: "SetGrantsPayload" });
  });

  it("is judged on what it makes, of several at once too: all of it or nothing", async () => {
    const { data } = await acme.as("ben").ask(
      `mutation($id: ID!, $grants: [GrantInput!]!) {
        a: setGrants(input: { membershipId: $id, grants: $grants }) { __typename }
        b: setGrants(input: { membershipId: $id, grants: [{ role: { key: "guest" } }] }) { __typename }
      }`,
      { id: membershipId("three"), grants: [role("admin"), role("owner")] },
    );

    expect(data).toEqual({ a: { __typename: "ExceedsYoursFailure" }, b: { __typename: "SetGrantsPayload" } });
    expect(keys(await grantsOf("three"))).toEqual(["guest"]);
  });

  it("says that a membership has ended", async () => {
    expect(await setGrants("ben", "ended", [])).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "membershipId"],
    });
  });
});

describe("grantRole", () => {
  it("gives one more role, here unless it says further", async () => {
    expect(keys((await grantRole("ben", "four", role("guest"))).membership.grants)).toEqual(["member", "guest"]);
    expect((await grantRole("ben", "four", { ...role("guest"), reach: "SUBTREE" })).membership.grants).toHaveLength(3);
  });

  it("changes the end of a role that is held with that reach, either way", async () => {
    const [before] = await grantsOf("five");

    const shorter = await grantRole("ben", "five", { ...role("member"), expiresAt: SOON });
    const longer = await grantRole("ben", "five", { ...role("member"), expiresAt: LATER });

    expect(shorter.membership.grants).toMatchObject([{ id: before!.id, expiresAt: SOON.toISOString() }]);
    expect(longer.membership.grants).toMatchObject([{ id: before!.id, expiresAt: LATER.toISOString() }]);
  });

  it("makes one grant of two calls at once", async () => {
    await Promise.all([
      grantRole("ben", "six", role("guest")),
      grantRole("ada", "six", { ...role("guest"), expiresAt: LATER }),
    ]);

    expect(keys(await grantsOf("six"))).toEqual(["member", "guest"]);
  });

  it("makes one grant of many calls at once that all give it without an end", async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => grantRole("ben", "ten", role("guest"))));

    expect(answers.map(({ membership }) => keys(membership.grants))).toEqual(answers.map(() => ["member", "guest"]));
    expect(keys(await grantsOf("ten"))).toEqual(["member", "guest"]);
    expect(await events("grant.given", "ten")).toHaveLength(1);
  });

  it("is given beside another change that is under way; with an end, which may take something away, after it", async () => {
    const leases = openLeases(gateway.database.databases);
    const other = await TenantSession.open(leases, await recordOf(gateway.database, "acme"), "change");
    await other.query("select 1", []);
    let isGiven = false;

    await grantRole("ben", "eleven", role("guest"));
    const ending = grantRole("ben", "eleven", { ...role("guest"), expiresAt: LATER }).finally(() => (isGiven = true));
    await until(async () => (await homeOf(gateway, "acme")(WAITING)).length > 0);

    expect(isGiven).toBe(false);
    await other.commit();
    await ending;
    await leases.close();
  });

  it("gives nothing more, further or longer than its giver holds, and names the latest possible end", async () => {
    expect(await grantRole("manager", "seven", role("admin"))).toMatchObject({
      __typename: "ExceedsYoursFailure",
      field: ["input"],
      latestExpiresAt: null,
    });
    expect(await grantRole("manager", "seven", { ...role("guest"), reach: "SUBTREE" })).toMatchObject({
      permissions: ["organizations:read"],
    });
    expect(await grantRole("interim", "seven", role("guest"))).toMatchObject({
      message: `Your own right ends at ${SOON.toISOString()}. Give an end that is not later.`,
      permissions: [],
      latestExpiresAt: SOON.toISOString(),
    });
    expect(await grantRole("interim", "seven", { ...role("guest"), expiresAt: SOON })).toMatchObject({
      __typename: "GrantRolePayload",
    });
  });

  it("does not lengthen one's own right", async () => {
    expect(await grantRole("interim", "interim", { ...role("admin"), reach: "SUBTREE" })).toMatchObject({
      __typename: "ExceedsYoursFailure",
      latestExpiresAt: SOON.toISOString(),
    });
  });

  it("shortens nothing that the caller does not hold", async () => {
    expect(await grantRole("manager", "boss", { ...role("owner"), expiresAt: SOON })).toMatchObject({
      __typename: "ExceedsYoursFailure",
    });
  });
});

describe("revokeGrant", () => {
  it("withdraws one grant, which is gone on the next request", async () => {
    const eight = acme.as("eight");
    const [grant] = await grantsOf("eight");
    expect(await eight.get('{ organization(by: { slug: "north" }) { memberCount } }')).not.toBeNull();

    const { membership } = await revoke("ben", grant!.id);

    expect(membership.grants).toEqual([]);
    const { data, errors } = await eight.ask('{ organization(by: { slug: "north" }) { slug memberCount } }');
    expect([data.organization, errors?.[0]?.extensions.code]).toEqual([
      { slug: "north", memberCount: null },
      "FORBIDDEN",
    ]);
  });

  it("answers one of two calls at once, and the other that there is none", async () => {
    const [grant] = await grantsOf("nine");

    const both = await Promise.all([revoke("ada", grant!.id), revoke("ben", grant!.id)]);

    expect(both.map(({ __typename }) => __typename).sort()).toEqual(["NotFoundFailure", "RevokeGrantPayload"]);
  });

  it("withdraws nothing that the caller does not hold", async () => {
    const [grant] = await grantsOf("boss");

    expect(await revoke("manager", grant!.id)).toMatchObject({
      __typename: "ExceedsYoursFailure",
      field: ["input", "grantId"],
    });
  });

  it("finds a grant only where its membership can be seen", async () => {
    const [grant] = await grantsOf("boss");
    const missing = "R3JhbnQ6MDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAw";
    const stranger = gateway.as("eve@meridian.test", "meridian");

    const of = async (id: string) => change(stranger, "revokeGrant", { grantId: id }, "__typename");

    expect(await of(grant!.id)).toEqual(await of(missing));
    expect(await of(missing)).toMatchObject({ __typename: "NotFoundFailure", field: ["input", "grantId"] });
  });

  it("takes one's own right to manage, and the next field of the document is refused", async () => {
    await grantRole("ada", "seven", role("admin"));
    const [own] = (await grantsOf("seven")).filter((grant) => grant.role.key === "admin");

    const { data, errors } = await acme.as("seven").ask(
      `mutation($own: ID!, $id: ID!) {
        a: revokeGrant(input: { grantId: $own }) { __typename }
        b: grantRole(input: { membershipId: $id, role: { key: "guest" } }) { __typename }
      }`,
      { own: own!.id, id: membershipId("one") },
    );

    expect(data).toEqual({ a: { __typename: "RevokeGrantPayload" }, b: null });
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([[["b"], "FORBIDDEN"]]);
    expect(keys(await grantsOf("one"))).toEqual([]);
  });

  it("is refused to who may not manage members there", async () => {
    const [grant] = await grantsOf("boss");

    expect(await refused(acme.as("clerk"), "revokeGrant", { grantId: grant!.id })).toEqual({
      code: "FORBIDDEN",
      data: null,
    });
  });
});
