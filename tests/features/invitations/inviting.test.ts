import { encodeId } from "../../../src/graphql/nodeId.js";
import { newId } from "../../../src/ids.js";
import { auditOf } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { openGateway, type TestGateway, UNLIMITED } from "../../support/gateway.js";
import { everythingIn, homeOf, inHome } from "../../support/home.js";
import { lettersOf, tokenFor } from "../../support/letters.js";
import { type Planted, world } from "../../support/world.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const hours = (count: number) => new Date(Date.now() + count * HOUR).toISOString();
const SOON = new Date(Date.now() + 2 * HOUR);

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway({ limits: UNLIMITED });
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: { n1: {} }, south: {} } },
      roles: { local: { at: "south", permissions: ["organizations:read"] } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        // Manages a store: invites, and sees the people there.
        mo: [{ at: "north", can: ["organizations:read", "members:read", "members:invite"] }],
        temp: [{ at: "north", can: ["organizations:read", "members:invite"], grantsUntil: SOON }],
        known: [{ at: "south", roles: ["member"] }],
      },
    },
  }));
});
afterAll(() => gateway.close());

const SHOWN = "invitation { id email status expiresAt grants { role { key } reach } invitedBy { displayName } }";
const at = (slug: string) => ({ organizationId: acme.id("Organization", slug) });
const invite = (person: string, slug: string, email: string, more: object = {}) =>
  change(
    acme.as(person),
    "inviteMember",
    { ...at(slug), email, grants: [{ role: { key: "guest" } }], ...more },
    `withdrawnInvitationId ${SHOWN}`,
  );
const listed = async (slug: string, args = "") => {
  const { organization } = await acme
    .as("ada")
    .get(`{ organization(by: { slug: "${slug}" }) { invitations${args} { nodes { id email status } } } }`);
  return organization.invitations.nodes;
};

describe("Mutation.inviteMember", () => {
  it("offers roles to an address for seven days, and says so by mail alone", async () => {
    const { invitation } = await invite("ada", "north", " Eve@Example.TEST ", {
      grants: [{ role: { key: "admin" }, reach: "SUBTREE" }],
    });

    expect(invitation).toMatchObject({
      email: "eve@example.test",
      status: "OPEN",
      grants: [{ role: { key: "admin" }, reach: "SUBTREE" }],
      invitedBy: { displayName: "ada" },
    });
    expect(Math.abs(Date.parse(invitation.expiresAt) - Date.now() - 7 * DAY)).toBeLessThan(HOUR);
    expect(await lettersOf(gateway.database, acme)).toEqual([
      {
        kind: "INVITATION",
        to: "eve@example.test",
        organization: "north",
        from: "ada",
        token: expect.stringMatching(/^[\w-]{80}$/),
        expiresAt: invitation.expiresAt,
      },
    ]);
    const [entry] = await auditOf(gateway.database, acme, "invitation.created");
    expect(entry).toMatchObject({
      target_type: "Invitation",
      changes: { grants: [{ role: "admin", reach: "SUBTREE" }] },
    });
  });

  it("shows the secret of the link to nobody, in no table, answer, entry or log", async () => {
    const { invitation } = await invite("ada", "north", "secret@example.test");
    const token = await tokenFor(gateway.database, acme, "secret@example.test");

    const seen = await acme.as("ada").ask(`{ node(id: "${invitation.id}") { ... on Invitation { id email } }
        organization(by: { slug: "north" }) { auditEvents(first: 100) { nodes { changes } } } }`);

    const everything = [JSON.stringify(seen), gateway.log(), await inHome(gateway, "acme", everythingIn)].join("\n");
    const secret = Buffer.from(token, "base64url").subarray(16, 48);
    const [row] = await homeOf(
      gateway,
      "acme",
    )("select encode(token_hash, 'hex') as hash from invitations where email = 'secret@example.test'");
    expect(everything).toContain(row!.hash);
    for (const spelling of ["hex", "base64", "base64url"] as const)
      expect(everything).not.toContain(secret.toString(spelling));
  });

  it("replaces an open invitation of the same address there, and no other", async () => {
    const { invitation: first } = await invite("ada", "n1", "twice@example.test");
    const { invitation: elsewhere } = await invite("ada", "south", "twice@example.test");

    const { invitation: second } = await invite("mo", "north", "other@example.test");
    const { invitation: third, withdrawnInvitationId } = await invite("ada", "n1", "Twice@Example.test");
    expect(withdrawnInvitationId).toBe(first.id);

    expect(await listed("n1")).toEqual([
      { id: third.id, email: "twice@example.test", status: "OPEN" },
      { id: first.id, email: "twice@example.test", status: "WITHDRAWN" },
    ]);
    expect(await listed("n1", "(status: [OPEN])")).toHaveLength(1);
    expect(await listed("south", "(status: [OPEN])")).toEqual([expect.objectContaining({ id: elsewhere.id })]);
    expect(second).toMatchObject({ status: "OPEN" });
  });

  it("leaves exactly one open of many to one address at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => invite("ada", "n1", "crowd@example.test").then(({ __typename }) => __typename)),
    );

    expect(new Set(answers)).toEqual(new Set(["InviteMemberPayload"]));
    const crowd = (await listed("n1", "(first: 100)")).filter(({ email }: { email: string }) => /^crowd/.test(email));
    expect(crowd.map(({ status }: { status: string }) => status).sort()).toEqual([
      "OPEN",
      ...Array.from({ length: 11 }, () => "WITHDRAWN"),
    ]);
  });

  it("answers alike whether anybody has the address, by as many statements", async () => {
    const trace = async (email: string) => {
      let answer: object = {};
      const statements = await gateway.database.statements(async () => {
        answer = await change(acme.as("mo"), "inviteMember", { ...at("north"), email, grants: [] }, "__typename");
      });
      return { answer, statements };
    };
    await trace("warm@example.test");

    expect(await trace("known@acme.test")).toEqual(await trace("nobody@example.test"));
  });

  it("offers nobody what its maker does not hold, or not for so long", async () => {
    const owner = await invite("mo", "north", "x@example.test", { grants: [{ role: { key: "owner" } }] });
    const below = await invite("mo", "north", "x@example.test", {
      grants: [{ role: { key: "guest" }, reach: "SUBTREE" }],
    });
    const unending = await invite("temp", "north", "x@example.test", { grants: [] });
    const ending = await invite("temp", "north", "x@example.test", { membershipExpiresAt: hours(1) });

    expect(owner).toMatchObject({ code: "EXCEEDS_YOURS", field: ["input", "grants", "0"] });
    expect(below).toMatchObject({ code: "EXCEEDS_YOURS", permissions: ["organizations:read"] });
    expect(unending).toMatchObject({ code: "EXCEEDS_YOURS", latestExpiresAt: SOON.toISOString() });
    // It cannot outlive what it offers.
    expect(ending.invitation).toMatchObject({ status: "OPEN" });
    expect(Date.parse(ending.invitation.expiresAt)).toBeLessThan(Date.now() + 2 * HOUR);
  });

  it.each([
    ["an address that is none", { email: "no address" }, "INVALID_INPUT", ["input", "email"]],
    ["an end that has passed", { expiresAt: hours(-1) }, "INVALID_INPUT", ["input", "expiresAt"]],
    ["an end in two months", { expiresAt: hours(60 * 24) }, "INVALID_INPUT", ["input", "expiresAt"]],
    [
      "a membership that has ended",
      { membershipExpiresAt: hours(-1) },
      "INVALID_INPUT",
      ["input", "membershipExpiresAt"],
    ],
    [
      "a role of another organization",
      { grants: [{ role: { key: "local" } }] },
      "NOT_FOUND",
      ["input", "grants", "0", "role"],
    ],
    ["eleven grants", { grants: Array(11).fill({ role: { key: "guest" } }) }, "INVALID_INPUT", ["input", "grants"]],
  ])("refuses %s", async (_what, input, code, field) => {
    expect(await invite("ada", "north", "good@example.test", input)).toMatchObject({ code, field });
  });
});

describe("Mutation.inviteMembers", () => {
  const many = (person: string, invitations: object[]) =>
    change(
      acme.as(person),
      "inviteMembers",
      { ...at("north"), invitations },
      "outcomes { invitation { email status } failure { __typename code field } } withdrawnInvitationIds",
    );
  const guest = [{ role: { key: "guest" } }];

  it("says which invitations it replaces", async () => {
    const offers = ["old", "older"].map((name) => ({ email: `${name}@many.test`, grants: guest }));
    const first = await many("mo", offers);
    const second = await many("mo", [...offers, { email: "new@many.test", grants: guest }]);

    const withdrawn = (await listed("north", "(status: [WITHDRAWN], first: 2)")) as { id: string; email: string }[];
    expect(withdrawn.map(({ email }) => email).sort()).toEqual(["old@many.test", "older@many.test"]);
    expect(first.withdrawnInvitationIds).toEqual([]);
    expect(second.withdrawnInvitationIds.sort()).toEqual(withdrawn.map(({ id }) => id).sort());
  });

  it("gives each its own result, in order", async () => {
    const { outcomes } = await many("mo", [
      { email: "one@many.test", grants: guest },
      { email: "nonsense", grants: guest },
      { email: "two@many.test", grants: [{ role: { key: "owner" } }] },
      { email: "ONE@many.test", grants: guest },
      { email: "three@many.test", grants: [] },
    ]);

    expect(outcomes).toEqual([
      { invitation: { email: "one@many.test", status: "OPEN" }, failure: null },
      {
        invitation: null,
        failure: {
          __typename: "InvalidInputFailure",
          code: "INVALID_INPUT",
          field: ["input", "invitations", "1", "email"],
        },
      },
      {
        invitation: null,
        failure: {
          __typename: "ExceedsYoursFailure",
          code: "EXCEEDS_YOURS",
          field: ["input", "invitations", "2", "grants", "0"],
        },
      },
      {
        invitation: null,
        failure: {
          __typename: "InvalidInputFailure",
          code: "INVALID_INPUT",
          field: ["input", "invitations", "3", "email"],
        },
      },
      { invitation: { email: "three@many.test", status: "OPEN" }, failure: null },
    ]);
  });

  it("invites five hundred at once, by as many statements as two, and no more", async () => {
    const people = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ email: `p${n}@crowd.test`, grants: guest }));
    await many("mo", people(2));
    const two = await gateway.database.statements(() => many("mo", people(2)));
    const before = (await lettersOf(gateway.database, acme)).length;

    const all = await gateway.database.statements(async () => {
      const { outcomes } = await many("mo", people(500));
      expect(outcomes.filter(({ failure }: { failure: unknown }) => failure)).toEqual([]);
    });

    const kinds = (statements: readonly string[]) => statements.map((text) => text.slice(0, 30));
    expect(kinds(all)).toEqual(kinds(two));
    expect((await lettersOf(gateway.database, acme)).length - before).toBe(500);
    expect(await many("mo", people(501))).toMatchObject({ code: "INVALID_INPUT", field: ["input", "invitations"] });
  });
});

describe("Mutation.inviteMembers with roles by their ids", () => {
  it("looks for all of them together, those that there are and those that there are not", async () => {
    const strangers = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        email: `s${n}@strangers.test`,
        grants: [{ role: { id: encodeId("Role", newId()) } }],
      }));
    const invited = (count: number) =>
      gateway.database.statements(async () => {
        const { outcomes } = await change(
          acme.as("mo"),
          "inviteMembers",
          { ...at("north"), invitations: strangers(count) },
          "outcomes { failure { code } }",
        );
        expect(outcomes).toEqual(Array(count).fill({ failure: { code: "NOT_FOUND" } }));
      });
    await invited(1);

    expect((await invited(40)).length).toBe((await invited(1)).length);
  });
});

describe("Mutation.withdrawInvitation", () => {
  it("takes an open invitation back, once", async () => {
    const { invitation } = await invite("ada", "south", "back@example.test");
    const withdraw = () =>
      change(acme.as("ada"), "withdrawInvitation", { invitationId: invitation.id }, "invitation { status }");

    const [one, other] = await Promise.all([withdraw(), withdraw()]);

    const failure = expect.objectContaining({ code: "INVITATION_CLOSED" });
    const done = { __typename: "WithdrawInvitationPayload", invitation: { status: "WITHDRAWN" } };
    expect([one, other]).toEqual(one.code ? [failure, done] : [done, failure]);
    expect(
      await auditOf(
        gateway.database,
        acme,
        "invitation.withdrawn",
        Buffer.from(invitation.id, "base64url").toString().split(":")[1]!,
      ),
    ).toHaveLength(1);
  });
});

describe("Mutation.resendInvitation", () => {
  const resend = (person: string, id: string) =>
    change(acme.as(person), "resendInvitation", { invitationId: id }, SHOWN);
  const expire = (email: string) =>
    homeOf(gateway, "acme")("update invitations set expires_at = now() - interval '1 s' where email = $1", [email]);

  it("sends a new link that is good for seven days, also in place of one that has expired", async () => {
    const { invitation } = await invite("ada", "north", "late@example.test");
    const first = await tokenFor(gateway.database, acme, "late@example.test");
    await expire("late@example.test");
    expect(await listed("north", "(status: [EXPIRED])")).toEqual([expect.objectContaining({ status: "EXPIRED" })]);

    const again = await resend("mo", invitation.id);

    expect(again.invitation).toMatchObject({ id: invitation.id, status: "OPEN", invitedBy: { displayName: "mo" } });
    expect(Date.parse(again.invitation.expiresAt)).toBeGreaterThan(Date.now() + 6 * DAY);
    expect(await tokenFor(gateway.database, acme, "late@example.test")).not.toBe(first);
  });

  it("lets nobody bring back an expired owner's invitation but who could make it", async () => {
    const owner = [{ role: { key: "owner" }, reach: "SUBTREE" }];
    const { invitation } = await invite("ada", "north", "owner@example.test", { grants: owner });
    await expire("owner@example.test");

    expect(await resend("mo", invitation.id)).toMatchObject({
      code: "EXCEEDS_YOURS",
      field: ["input", "invitationId"],
    });
    expect(await listed("north", "(status: [EXPIRED])")).toHaveLength(1);
  });

  it("sends nothing that was withdrawn", async () => {
    const { invitation } = await invite("ada", "north", "gone@example.test");
    await change(acme.as("ada"), "withdrawInvitation", { invitationId: invitation.id }, "__typename");

    expect(await resend("ada", invitation.id)).toMatchObject({ code: "INVITATION_CLOSED" });
  });
});

describe("Mutation.resendInvitation, where what it offers cannot be given there any more", () => {
  it.each<[what: string, sql: string]>([
    [
      "a role that is not usable there now",
      "update offered_grants set role_key = null, role_id = $2 where invitation_id = $1",
    ],
    [
      "a membership that would have ended",
      "update invitations set membership_expires_at = now() - interval '1 s' where id = $1 and $2::uuid is not null",
    ],
  ])("sends nothing: %s", async (_what, sql) => {
    const email = `void-${sql.length}@example.test`;
    const { invitation } = await invite("ada", "north", email);
    const [, uuid] = Buffer.from(invitation.id, "base64url").toString().split(":");
    const before = await tokenFor(gateway.database, acme, email);
    await homeOf(gateway, "acme")(sql, [uuid, acme.roles.local]);

    const answer = await change(acme.as("ada"), "resendInvitation", { invitationId: invitation.id }, SHOWN);

    expect(answer).toMatchObject({
      code: "INVITATION_CLOSED",
      message: "It offers what cannot be given there any more. Invite anew.",
      field: ["input", "invitationId"],
    });
    expect(await tokenFor(gateway.database, acme, email)).toBe(before);
    expect(await auditOf(gateway.database, acme, "invitation.resent", uuid)).toEqual([]);
  });
});
