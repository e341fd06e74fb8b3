import { auditOf } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { type Caller, openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { openPeople, type People } from "../../support/people.js";
import { type Belonging, type Planted, world } from "../../support/world.js";

const SOON = new Date(Date.now() + 3_600_000);
const LATER = new Date(Date.now() + 7_200_000);
const ROLES = Array.from({ length: 11 }, (_, n) => `role-${n}`);

let people: People;
let gateway: TestGateway;
let acme: Planted;
let home: Sql;
/** How many sessions were open whenever DNS was asked, and what somebody does while it answers, once. */
const sessions: number[] = [];
let meanwhile: (() => Promise<unknown>) | null = null;
beforeAll(async () => {
  people = await openPeople();
  const resolveTxt = async () => {
    const { open, idle } = gateway.serve.counts;
    sessions.push(open - idle);
    const work = meanwhile;
    meanwhile = null;
    await work?.();
    return [["tenantry-verification=proof-of-people.test"]];
  };
  gateway = await openGateway({ verifier: people.verifier, leases: 8, resolveTxt });
  const manager: readonly Belonging[] = [
    { at: "north", can: ["organizations:read", "members:read", "domains:manage"], reach: "SUBTREE" },
  ];
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {} } },
      roles: Object.fromEntries(ROLES.map((key) => [key, { permissions: ["organizations:read"] }])),
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        mo: manager,
        pia: manager,
        temp: [{ at: "north", can: ["organizations:read", "domains:manage"], grantsUntil: SOON }],
      },
      claims: { north: ["people.test"] },
    },
  }));
  home = homeOf(gateway, "acme");
});
beforeEach(async () => {
  sessions.length = 0;
  await home("update organization_domains set proven_at = null, checked_at = null");
});
afterAll(async () => {
  await gateway.close();
  await people.close();
});

const NORTH = () => ({ organizationId: acme.id("Organization", "north") });
const as = async (sub: string): Promise<Caller> => gateway.withToken(await people.tokenOf(sub), null);
const verify = (person = "ada") =>
  change(acme.as(person), "verifyDomain", { ...NORTH(), domain: "people.test" }, "domain { isProven }");
const setPolicy = (mode: string, grants: object[] = [], person = "ada") =>
  change(acme.as(person), "setJoinPolicy", { ...NORTH(), mode, grants }, "organization { joinPolicy { mode } }");
const join = async (sub: string) => change(await as(sub), "joinByEmail", {}, "outcome");
const withdraw = (person: string) =>
  home("delete from grants where membership_id in (select id from memberships where user_id = $1)", [
    acme.users[person],
  ]);
const proven = async () => (await home("select from organization_domains where proven_at is not null")).length;
const known = (sub: string) =>
  home("select id, identity is not null as can_sign_in from users where email = $1", [`${sub}@people.test`]);
/** Makes a person by their address, who never signed in. */
const writeDown = (sub: string) => change(acme.as("ada"), "upsertUser", { email: `${sub}@people.test` }, "user { id }");
/** Has somebody ask to join, and answers the id of what they asked. */
async function asking(sub: string): Promise<string> {
  await verify();
  await setPolicy("ASK");
  expect(await join(sub)).toMatchObject({ outcome: "REQUESTED" });
  const [row] = await home("select id from join_requests where email = $1", [`${sub}@people.test`]);
  return Buffer.from(`JoinRequest:${row!.id}`).toString("base64url");
}
const approve = (joinRequestId: string, more: object = {}, person = "ada") =>
  change(acme.as(person), "approveJoinRequest", { joinRequestId, grants: [], ...more }, "joinRequest { status }");

describe("the proof of a domain", () => {
  it("is looked for with no session open, when it is verified and when somebody joins long after", async () => {
    await verify();
    await setPolicy("AUTOMATIC");
    await home("update organization_domains set checked_at = now() - interval '2 days'");

    expect(await join("late")).toMatchObject({ outcome: "JOINED" });

    expect(sessions).toEqual([0, 0]);
  });

  it("is nothing to whoever lost the right to it while it was looked for", async () => {
    meanwhile = () => withdraw("mo");

    expect(await verify("mo")).toMatchObject({ code: "NOT_FOUND", field: ["input", "domain"] });

    expect([sessions.length, await proven()]).toEqual([1, 0]);
  });

  it("lets nobody join whose sponsor lost the right while it was looked for", async () => {
    await verify();
    await setPolicy("AUTOMATIC", [], "pia");
    await home("update organization_domains set checked_at = now() - interval '2 days'");
    meanwhile = () => withdraw("pia");

    expect(await join("orphan")).toMatchObject({ code: "NOT_FOUND" });

    expect([sessions.length, await known("orphan")]).toEqual([2, []]);
  });
});

describe("whoever was written down before", () => {
  it("signs in by joining, which the audit notes", async () => {
    await writeDown("early");
    await verify();
    await setPolicy("AUTOMATIC");

    await join("early");

    const [user] = await known("early");
    expect(user).toMatchObject({ can_sign_in: true });
    expect(await auditOf(gateway.database, acme, "user.signedIn")).toMatchObject([
      { target_type: "User", target_id: user!.id, organization_id: acme.organizations.acme },
    ]);
  });

  it("is identified by whoever approves what they asked, which the audit notes", async () => {
    await writeDown("known");
    await approve(await asking("known"));

    const [user] = await known("known");
    expect(user).toMatchObject({ can_sign_in: true });
    expect(await auditOf(gateway.database, acme, "user.identified")).toMatchObject([
      { actor_id: acme.users.ada, target_type: "User", target_id: user!.id },
    ]);
  });
});

describe("ApproveJoinRequestInput.expiresAt", () => {
  const ends = async (sub: string) =>
    (
      await home("select expires_at from memberships m join users u on u.id = m.user_id where u.email = $1", [
        `${sub}@people.test`,
      ])
    ).map(({ expires_at }) => new Date(String(expires_at)).toISOString());

  it("ends the membership", async () => {
    const id = await asking("for-now");

    expect(await approve(id, { expiresAt: LATER })).toMatchObject({ joinRequest: { status: "APPROVED" } });

    expect(await ends("for-now")).toEqual([LATER.toISOString()]);
  });

  it("is ahead, and no later than whoever approves may decide there", async () => {
    const id = await asking("hasty");
    const past = await approve(id, { expiresAt: new Date(Date.now() - 1000) });
    const beyond = await approve(id, { expiresAt: LATER }, "temp");
    const endless = await approve(id, {}, "temp");

    expect(past).toMatchObject({ code: "INVALID_INPUT", field: ["input", "expiresAt"] });
    for (const answer of [beyond, endless])
      expect(answer).toMatchObject({ code: "EXCEEDS_YOURS", latestExpiresAt: SOON.toISOString() });
    expect(await ends("hasty")).toEqual([]);
    expect(await approve(id, { expiresAt: SOON }, "temp")).toMatchObject({ joinRequest: { status: "APPROVED" } });
    expect(await ends("hasty")).toEqual([SOON.toISOString()]);
  });
});

describe("SetJoinPolicyInput.grants", () => {
  it("are ten at most", async () => {
    const grants = ROLES.map((key) => ({ role: { key } }));

    expect(await setPolicy("AUTOMATIC", grants)).toMatchObject({ code: "INVALID_INPUT", field: ["input", "grants"] });
    expect(await setPolicy("AUTOMATIC", grants.slice(1))).toMatchObject({
      organization: { joinPolicy: { mode: "AUTOMATIC" } },
    });
  });
});

describe("an organization that is closed", () => {
  it.each([
    ["archiveOrganization", "restoreOrganization"],
    ["suspendOrganization", "resumeOrganization"],
  ])("lets nobody join or ask to, and nobody be let in: %s", async (close, open) => {
    const id = await asking(`asked-${close}`.toLowerCase());
    await setPolicy("AUTOMATIC");
    await change(acme.as("ada"), close, NORTH(), "__typename");

    const joined = await join(`came-${close}`.toLowerCase());
    await home("update join_policies set mode = 'ASK'");
    const asked = await join(`came-${close}`.toLowerCase());
    const approved = await approve(id);
    await change(acme.as("ada"), open, NORTH(), "__typename");

    for (const answer of [joined, asked]) expect(answer).toMatchObject({ code: "NOT_FOUND" });
    expect(approved).toMatchObject({ code: "NOT_FOUND", field: ["input", "joinRequestId"] });
    for (const sub of [`asked-${close}`, `came-${close}`]) expect(await known(sub.toLowerCase())).toEqual([]);
    expect(await approve(id)).toMatchObject({ joinRequest: { status: "APPROVED" } });
  });
});
