import { encodeId, idOf } from "../../../src/graphql/nodeId.js";
import { auditOf } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { type Caller, openGateway, type TestGateway } from "../../support/gateway.js";
import { everythingIn, homeOf, inHome } from "../../support/home.js";
import { lettersOf, tokenFor } from "../../support/letters.js";
import { openPeople, type People } from "../../support/people.js";
import { type Belonging, type Planted, world } from "../../support/world.js";

const HOUR = 3_600_000;
const hours = (count: number) => new Date(Date.now() + count * HOUR).toISOString();
/** How often fifty accept at once. */
const ROUNDS = Number(process.env.TENANTRY_ACCEPTANCES ?? 1);
const INVITING = ["organizations:read", "members:read", "members:invite"];

let people: People;
let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  people = await openPeople();
  gateway = await openGateway({ verifier: people.verifier, leases: 8, pool: { waitMs: 15_000 } });
  const inviter: readonly Belonging[] = [{ at: "north", can: INVITING, reach: "SUBTREE" }];
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: { n1: {}, n2: {} }, south: {}, attic: {}, gone: {} } },
      roles: { local: { at: "north", permissions: ["organizations:read"] } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        mo: inviter,
        max: inviter,
        mia: inviter,
        moe: inviter,
        known: [{ at: "south", roles: ["guest"] }],
      },
    },
    globex: { tree: { globex: {} }, people: { zoe: [{ at: "globex", roles: ["owner"], reach: "SUBTREE" }] } },
  }));
});
afterAll(async () => {
  await gateway.close();
  await people.close();
});

const home = (text: string, params: readonly unknown[] = []) => homeOf(gateway, "acme")(text, params);
const as = async (sub: string, changes: Record<string, unknown> = {}, tenant: string | null = null): Promise<Caller> =>
  gateway.withToken(await people.tokenOf(sub, changes), tenant);
const invited = async (sub: string, slug = "north", more: object = {}, by = "ada"): Promise<string> => {
  const email = `${sub}@people.test`;
  const input = { organizationId: acme.id("Organization", slug), email, grants: [{ role: { key: "guest" } }], ...more };
  const { invitation } = await change(acme.as(by), "inviteMember", input, "invitation { id }");
  expect(invitation).toBeTruthy();
  return tokenFor(gateway.database, acme, email.toLowerCase());
};
const MEMBERSHIP =
  "tenantSlug organization { slug } membership { id expiresAt user { displayName email emailVerified } organization { slug } grants { role { key } reach expiresAt } }";
const accept = (caller: Caller, token: string) => change(caller, "acceptInvitation", { token }, MEMBERSHIP);
const membersOf = (email: string) =>
  home(
    `select o.slug, u.status from memberships m join users u using (tenant_id) join organizations o on o.tenant_id = m.tenant_id and o.id = m.organization_id
     where u.id = m.user_id and u.email = $1`,
    [email],
  );

describe("Mutation.acceptInvitation", () => {
  it("makes whoever was invited a member, whatever tenant they named, and lets them in from then on", async () => {
    const end = hours(48);
    const token = await invited("eve", "north", {
      grants: [{ role: { key: "member" }, reach: "SUBTREE", expiresAt: hours(24) }],
      membershipExpiresAt: end,
    });

    const { tenantSlug, organization, membership } = await accept(await as("eve", { name: "Eve" }), token);

    expect([tenantSlug, organization]).toEqual(["acme", { slug: "north" }]);
    expect(membership).toMatchObject({
      expiresAt: end,
      user: { displayName: "Eve", email: "eve@people.test", emailVerified: true },
      organization: { slug: "north" },
      grants: [{ role: { key: "member" }, reach: "SUBTREE" }],
    });
    const { identity, viewer } = await (await as("eve")).get(
      "{ identity { tenants { slug } } viewer { user { email } organizations { nodes { slug } } } }",
    );
    expect(identity.tenants).toEqual([{ slug: "acme" }]);
    expect(viewer.organizations.nodes.map(({ slug }: { slug: string }) => slug)).toEqual(["n1", "n2", "north"]);
    const actions = await home(
      "select action from audit_events where actor_id = (select id from users where email = 'eve@people.test') order by id",
    );
    expect(actions.map(({ action }) => action)).toEqual(["user.created", "membership.added", "invitation.accepted"]);
  });

  it("lets one of fifty at once accept, and tells the others that it was used", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const who = `quick-${round}`;
      const [token, quick] = [await invited(who), await as(who)];

      const answers = await Promise.all(Array.from({ length: 50 }, () => accept(quick, token)));

      const codes = answers.map(({ code, membership }) => code ?? (membership ? "DONE" : "nothing"));
      expect(codes.sort()).toEqual(["DONE", ...Array(49).fill("INVITATION_CLOSED")]);
      expect(answers.find(({ code }) => code)).toMatchObject({ message: "This invitation was used already." });
      expect(await membersOf(`${who}@people.test`)).toHaveLength(1);
      const [made] = await home("select id from invitations where email = $1", [`${who}@people.test`]);
      expect(await auditOf(gateway.database, acme, "invitation.accepted", made!.id as string)).toHaveLength(1);
    }
  });

  it("takes two invitations of one person at once for one person", async () => {
    const tokens = [await invited("both", "n1"), await invited("both", "n2")];
    const both = await as("both");

    const answers = await Promise.all([0, 1].map(async (n) => accept(both, n === 0 ? tokens[0]! : tokens[1]!)));

    expect(answers.map(({ organization }) => organization.slug).sort()).toEqual(["n1", "n2"]);
    expect(await home("select id from users where email = 'both@people.test'")).toHaveLength(1);
  });

  it.each<[who: string, sub: string, changes: Record<string, unknown>, code: string]>([
    ["an address that nobody verified", "una", { email_verified: false }, "EMAIL_NOT_VERIFIED"],
    ["an address for which its issuer does not speak", "una", { email: "una@elsewhere.test" }, "EMAIL_NOT_VERIFIED"],
    ["no address", "una", { email: undefined }, "EMAIL_NOT_VERIFIED"],
    ["another address", "other", {}, "NOT_FOUND"],
    ["one that differs by a tag", "una", { email: "una+x@people.test" }, "NOT_FOUND"],
    ["one that differs by a dot", "una", { email: "u.na@people.test" }, "NOT_FOUND"],
    ["one that looks alike", "una", { email: "unа@people.test" }, "NOT_FOUND"],
    ["one of full width", "una", { email: "ｕna@people.test" }, "NOT_FOUND"],
  ])("is not for somebody with %s", async (_who, sub, changes, code) => {
    const token = await invited("una");

    expect(await accept(await as(sub, changes), token)).toMatchObject({ code });
    expect(await membersOf("una@people.test")).toEqual([]);
  });

  it("takes the same address in other capitals for the same", async () => {
    const token = await invited("CAP");

    expect(await accept(await as("cap", { email: "CAP@people.test" }), token)).toMatchObject({
      membership: { user: { email: "cap@people.test" } },
    });
  });

  it("says the same of every token that is not for the caller, and asks nobody about one that was not made here", async () => {
    const mine = await invited("vic");
    const bytes = Buffer.from(mine, "base64url");
    const flipped = (at: number) => {
      const other = Buffer.from(bytes);
      other[at]! ^= 1;
      return other.toString("base64url");
    };
    const vic = await as("vic");
    const forged = ["", "x", mine.slice(1), `${mine}A`, flipped(0), flipped(20), flipped(59)];

    const answers = await Promise.all(forged.map((token) => accept(vic, token)));
    const statements = await gateway.database.statements(() => accept(vic, flipped(20)));
    const ofAnother = await accept(await as("wim"), mine);
    const bound = await accept(await as("vic", { tenant: "globex" }), mine);

    expect(new Set([...answers, ofAnother, bound].map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(ofAnother).toMatchObject({ code: "NOT_FOUND", field: ["input", "token"] });
    expect(statements).toEqual([]);
    expect(await accept(await as("vic", {}, "acme"), mine)).toMatchObject({ tenantSlug: "acme" });
  });

  it.each(["globex", "no-such-tenant"])("leads to its own tenant, also where the request names %s", async (named) => {
    const token = await invited(`from-${named}`);

    expect(await accept(await as(`from-${named}`, {}, named), token)).toMatchObject({
      tenantSlug: "acme",
      membership: { organization: { slug: "north" } },
    });
  });

  it("is not for tokens that are good in other tenants only", async () => {
    const token = await invited("tia");
    const others = await openPeople(["globex"]);
    const apart = await openGateway({ database: gateway.database, verifier: others.verifier });

    const answer = await accept(apart.withToken(await others.tokenOf("tia"), null), token);

    expect(answer).toMatchObject({ code: "NOT_FOUND" });
    await apart.close();
    await others.close();
  });

  it("is for nobody without a token", async () => {
    const { data, errors } = await gateway.anonymous.ask(
      'mutation { acceptInvitation(input: { token: "x" }) { __typename } }',
    );

    expect([data, errors![0]!.extensions.code]).toEqual([{ acceptInvitation: null }, "UNAUTHENTICATED"]);
  });

  it("takes whom somebody wrote down by the address for that person", async () => {
    await change(acme.as("ada"), "upsertUser", { email: "pre@people.test", displayName: "Pre" }, "__typename");
    const token = await invited("pre");

    const { membership } = await accept(await as("pre"), token);

    expect(membership.user).toEqual({ displayName: "Pre", email: "pre@people.test", emailVerified: true });
    expect(await home("select id from users where email = 'pre@people.test'")).toHaveLength(1);
    expect(await (await as("pre", {}, "acme")).get("{ viewer { user { displayName } } }")).toEqual({
      viewer: { user: { displayName: "Pre" } },
    });
  });

  it("brings nobody back who is suspended in the tenant, by whatever account", async () => {
    const first = await invited("sus", "n1");
    await accept(await as("sus"), first);
    const second = await invited("sus", "n2");
    await home("update users set status = 'SUSPENDED' where email = 'sus@people.test'");

    const same = await accept(await as("sus"), second);
    const other = await accept(await as("sus-2", { email: "sus@people.test" }), second);

    expect([same, other]).toEqual([
      expect.objectContaining({ code: "NOT_FOUND" }),
      expect.objectContaining({ code: "NOT_FOUND" }),
    ]);
    expect(await membersOf("sus@people.test")).toEqual([{ slug: "n1", status: "SUSPENDED" }]);
  });

  it("says where the membership is that there is already, and what became of an invitation that is closed", async () => {
    const used = await invited("been", "n1");
    await accept(await as("been"), used);
    const been = await as("been", {}, "globex");
    const document = `mutation($token: String!) { acceptInvitation(input: { token: $token }) {
      ... on AlreadyMemberFailure { tenantSlug membership { organization { slug } user { email } } }
      ... on InvitationClosedFailure { status tenantSlug } } }`;
    const answer = async (caller: Caller, token: string) => (await caller.get(document, { token })).acceptInvitation;

    expect(await answer(been, await invited("been", "n1"))).toEqual({
      tenantSlug: "acme",
      membership: { organization: { slug: "n1" }, user: { email: "been@people.test" } },
    });
    expect(await answer(been, used)).toEqual({ status: "ACCEPTED", tenantSlug: "acme" });
    const replaced = await invited("never", "n1");
    const declined = await invited("never", "n1");
    const never = await as("never");
    await change(never, "declineInvitation", { token: declined }, "__typename");
    expect(await answer(never, replaced)).toEqual({ status: "WITHDRAWN", tenantSlug: "acme" });
    expect(await answer(never, declined)).toEqual({ status: "DECLINED", tenantSlug: "acme" });
    const late = await invited("never", "n1");
    await home("update invitations set expires_at = now() - interval '1 s' where status = 'OPEN' and email = $1", [
      "never@people.test",
    ]);
    expect(await answer(never, late)).toEqual({ status: "EXPIRED", tenantSlug: "acme" });
  });

  it("shows nobody the membership that they were suspended in", async () => {
    const { user } = await change(acme.as("ada"), "upsertUser", { email: "shut@people.test" }, "user { id }");
    const input = { organizationId: acme.id("Organization", "north"), userId: user.id, grants: [] };
    await change(acme.as("ada"), "addMembership", input, "__typename");
    await home(
      "update memberships set status = 'SUSPENDED' where user_id = (select id from users where email = 'shut@people.test')",
    );

    const answer = await (await as("shut")).get(
      `mutation($token: String!) { acceptInvitation(input: { token: $token }) {
        ... on AlreadyMemberFailure { code tenantSlug membership { id } } } }`,
      { token: await invited("shut") },
    );

    expect(answer.acceptInvitation).toEqual({ code: "ALREADY_MEMBER", tenantSlug: "acme", membership: null });
  });

  it("changes no membership that there is, and stays open", async () => {
    await accept(await as("twin"), await invited("twin", "n1"));
    await home(
      "update memberships set status = 'SUSPENDED' where user_id = (select id from users where email = 'twin@people.test')",
    );
    const token = await invited("twin", "n1", { grants: [{ role: { key: "admin" } }] });

    expect(await accept(await as("twin"), token)).toMatchObject({ code: "ALREADY_MEMBER" });
    expect(await accept(await as("twin"), token)).toMatchObject({ code: "ALREADY_MEMBER" });
  });

  it("lets in whom somebody made a member before they ever signed in, and changes nothing about that membership", async () => {
    const email = "imported@people.test";
    const { user } = await change(acme.as("ada"), "upsertUser", { email }, "user { id }");
    const input = { organizationId: acme.id("Organization", "north"), userId: user.id, grants: [] };
    await change(acme.as("ada"), "addMembership", input, "__typename");
    const token = await invited("imported");

    expect(await accept(await as("imported"), token)).toMatchObject({
      tenantSlug: "acme",
      organization: { slug: "north" },
    });

    const imported = await as("imported", {}, "acme");
    expect(await imported.get("{ viewer { memberships { nodes { grants { role { key } } } } } }")).toEqual({
      viewer: { memberships: { nodes: [{ grants: [] }] } },
    });
    expect(await accept(imported, token)).toMatchObject({ code: "INVITATION_CLOSED" });
  });

  it("lets in nobody who was written down where the membership is suspended, or nobody could give what is offered", async () => {
    const email = "paused@people.test";
    const { user } = await change(acme.as("ada"), "upsertUser", { email }, "user { id }");
    const input = { organizationId: acme.id("Organization", "north"), userId: user.id, grants: [] };
    await change(acme.as("ada"), "addMembership", input, "__typename");
    const token = await invited("paused", "north", {}, "max");
    const paused = await as("paused");
    const ofPaused = "(select id from users where email = 'paused@people.test')";

    await home(`update memberships set status = 'SUSPENDED' where user_id = ${ofPaused}`);
    expect(await accept(paused, token)).toMatchObject({ code: "ALREADY_MEMBER", field: ["input", "token"] });
    await home(`update memberships set status = 'ACTIVE' where user_id = ${ofPaused}`);
    await home("update users set status = 'SUSPENDED' where id = $1", [acme.users.max]);
    expect(await accept(paused, token)).toMatchObject({ code: "INVITATION_VOID" });
    expect(await home(`select identity from users where id = ${ofPaused}`)).toEqual([{ identity: null }]);

    await home("update users set status = 'ACTIVE' where id = $1", [acme.users.max]);
    expect(await accept(paused, token)).toMatchObject({ tenantSlug: "acme" });
  });

  it("begins no membership anew that somebody suspended, also when it has ended", async () => {
    await accept(await as("barred"), await invited("barred", "n1"));
    await home(
      `update memberships set status = 'SUSPENDED', expires_at = now() - interval '1 h'
       where user_id = (select id from users where email = 'barred@people.test')`,
    );
    const token = await invited("barred", "n1", {}, "ada");

    const answer = await accept(await as("barred"), token);

    expect(answer).toMatchObject({ code: "ALREADY_MEMBER", field: ["input", "token"] });
    expect(answer.message).toContain("You are a member there already");
  });

  it("lets somebody find the tenant who accepted, and whom nobody let knock", async () => {
    const token = await invited("lost");
    await accept(await as("lost"), token);
    const [user] = await home("select identity from users where email = 'lost@people.test'");
    await gateway.database.owners(async (owners) =>
      (await owners.main).run("delete from tenantry.identities where digest = $1", [user!.identity]),
    );
    const lost = await as("lost", {}, "acme");
    expect((await lost.ask("{ viewer { id } }")).errors![0]!.extensions.code).toBe("TENANT_NOT_FOUND");

    expect(await accept(lost, token)).toMatchObject({ code: "INVITATION_CLOSED" });
    expect(await lost.get("{ viewer { user { email } } }")).toEqual({
      viewer: { user: { email: "lost@people.test" } },
    });
  });

  it("lets nobody knock who is not in the tenant, for opening an invitation that is closed", async () => {
    const knocking = () => gateway.database.owner("select count(*)::int as count from tenantry.identities");
    const [used, declined, late] = [await invited("used"), await invited("declined"), await invited("late")];
    await accept(await as("used"), used);
    await home("update invitations set status = 'DECLINED' where email = 'declined@people.test'");
    await home("update invitations set expires_at = now() - interval '1 s' where email = 'late@people.test'");
    const before = await knocking();

    const other = await as("used-by-another", { email: "used@people.test" });
    const answers = [
      await accept(other, used),
      await accept(await as("declined"), declined),
      await accept(await as("late"), late),
    ];

    expect(answers.map(({ code }) => code)).toEqual(Array(3).fill("INVITATION_CLOSED"));
    expect(await knocking()).toEqual(before);
  });
});

describe("an invitation", () => {
  const shown = async (sub: string) => {
    const [made] = await home("select id from invitations where email = $1", [`${sub}@people.test`]);
    const variables = { id: encodeId("Invitation", made!.id as string) };
    const { node } = await acme
      .as("ada")
      .get("query($id: ID!) { node(id: $id) { ... on Invitation { status isVoid } } }", variables);
    return node;
  };
  const expire = (email: string) =>
    home("update invitations set expires_at = now() - interval '1 s' where email = $1", [email]);

  it("of many on a page says whether it is void in as many statements as one does", async () => {
    for (const by of ["ada", "max", "mo"]) await invited(`page-${by}`, "n1", {}, by);
    const page = (first: number) => () =>
      acme
        .as("ada")
        .get(
          `{ organization(by: { slug: "n1" }) { invitations(first: ${first}) { nodes { isVoid grants { reach } } } } }`,
        );

    const [few, many] = [await gateway.database.statements(page(1)), await gateway.database.statements(page(3))];

    expect(many.length).toBe(few.length);
  });

  it("that has expired makes no owner, and nobody else either", async () => {
    const owner = { grants: [{ role: { key: "owner" }, reach: "SUBTREE" }] };
    const token = await invited("heir", "acme", owner);
    await expire("heir@people.test");

    expect(await accept(await as("heir"), token)).toMatchObject({
      code: "INVITATION_CLOSED",
      message: "This invitation has expired. Ask for a new one.",
    });
    expect(await membersOf("heir@people.test")).toEqual([]);
  });

  it("of an owner who never comes leaves the tenant with the owner whom it has", async () => {
    const token = await invited("next", "acme", { grants: [{ role: { key: "owner" }, reach: "SUBTREE" }] });
    const leave = () =>
      change(acme.as("ada"), "removeMembership", { membershipId: acme.id("Membership", "ada@acme") }, "__typename");

    expect(await leave()).toMatchObject({ code: "LAST_OWNER" });
    await accept(await as("next"), token);
    expect(
      await (await as("next", {}, "acme")).get(
        '{ viewer { tenant { root { viewerCan(permission: "support:manage") } } } }',
      ),
    ).toEqual({
      viewer: { tenant: { root: { viewerCan: true } } },
    });
    // Whoever came may go again, for the first is still there.
    await home(
      "delete from grants where membership_id in (select m.id from memberships m join users u on u.id = m.user_id where u.email = 'next@people.test')",
    );
    expect(await leave()).toMatchObject({ code: "LAST_OWNER" });
  });

  it.each<[what: string, by: string, sql: string]>([
    [
      "has lost the right",
      "mo",
      "delete from grants where membership_id = (select id from memberships where user_id = $1)",
    ],
    ["is no member any more", "max", "update memberships set expires_at = now() - interval '1 s' where user_id = $1"],
    ["is suspended", "mia", "update users set status = 'SUSPENDED' where id = $1"],
    [
      "holds it for a while only",
      "moe",
      "update grants set expires_at = now() + interval '1 h' where membership_id = (select id from memberships where user_id = $1)",
    ],
  ])("is good for nothing when its maker %s, and says so", async (_what, by, sql) => {
    const token = await invited(`of-${by}`, "n1", {}, by);
    expect(await shown(`of-${by}`)).toEqual({ status: "OPEN", isVoid: false });
    await home(sql, [acme.users[by]]);

    expect(await shown(`of-${by}`)).toEqual({ status: "OPEN", isVoid: true });
    expect(await accept(await as(`of-${by}`), token)).toMatchObject({
      code: "INVITATION_VOID",
      field: ["input", "token"],
    });
    expect(await membersOf(`of-${by}@people.test`)).toEqual([]);
  });

  it("gives no permission that its role has gained beyond what its maker holds", async () => {
    const { hooli } = await world(gateway, {
      hooli: {
        tree: { hooli: {} },
        roles: { growing: { permissions: ["organizations:read"] } },
        people: {
          boss: [{ at: "hooli", roles: ["owner"], reach: "SUBTREE" }],
          aide: [{ at: "hooli", can: INVITING }],
        },
      },
    });
    const input = {
      organizationId: hooli.id("Organization", "hooli"),
      email: "grow@people.test",
      grants: [{ role: { key: "growing" } }],
    };
    await change(hooli.as("aide"), "inviteMember", input, "__typename");
    const token = await tokenFor(gateway.database, hooli, "grow@people.test");
    const grow = (permissions: string[]) =>
      change(hooli.as("boss"), "updateRole", { roleId: hooli.id("Role", "growing"), permissions }, "__typename");

    await grow(["organizations:read", "members:manage"]);
    const grown = await accept(await as("grow"), token);
    await grow(["organizations:read"]);

    expect(grown).toMatchObject({ code: "INVITATION_VOID" });
    expect(await accept(await as("grow"), token)).toMatchObject({ tenantSlug: "hooli" });
  });

  it("rests while its organization is closed", async () => {
    const token = await invited("rest", "attic");
    const put = (mutation: string) =>
      change(acme.as("ada"), mutation, { organizationId: acme.id("Organization", "attic") }, "__typename");
    const rest = await as("rest");

    await put("archiveOrganization");
    const archived = await accept(rest, token);
    await put("restoreOrganization");
    await put("suspendOrganization");
    const suspended = await accept(rest, token);
    await put("resumeOrganization");

    expect([archived, suspended]).toEqual([
      expect.objectContaining({ code: "INVITATION_VOID" }),
      expect.objectContaining({ code: "INVITATION_VOID" }),
    ]);
    expect(await accept(rest, token)).toMatchObject({ organization: { slug: "attic" } });
  });

  it("does not outlive its organization", async () => {
    const token = await invited("fin", "gone");
    await change(
      acme.as("ada"),
      "deleteOrganization",
      { organizationId: acme.id("Organization", "gone") },
      "__typename",
    );

    expect(await accept(await as("fin"), token)).toMatchObject({ code: "INVITATION_VOID" });
  });

  it("gives nothing by a role that stayed behind when its organization moved", async () => {
    const token = await invited("mov", "n2", { grants: [{ role: { key: "local" } }] });
    const move = { organizationId: acme.id("Organization", "n2"), parentId: acme.id("Organization", "south") };
    expect(await change(acme.as("ada"), "moveOrganization", move, "__typename")).toMatchObject({
      __typename: "MoveOrganizationPayload",
    });
    expect(await shown("mov")).toEqual({ status: "OPEN", isVoid: true });

    expect(await accept(await as("mov"), token)).toMatchObject({ code: "INVITATION_VOID" });
  });

  it("is forgotten with the person whom it was sent to", async () => {
    await accept(await as("pia"), await invited("pia", "north"));
    const token = await invited("pia", "south");
    const [user] = await home("select id from users where email = 'pia@people.test'");
    const userId = Buffer.from(`User:${user!.id}`).toString("base64url");
    expect(await inHome(gateway, "acme", everythingIn)).toContain("pia@people.test");

    await change(acme.as("ada"), "eraseUser", { userId }, "__typename");

    expect(await inHome(gateway, "acme", everythingIn)).not.toContain("pia@people.test");
    expect(await accept(await as("pia"), token)).toMatchObject({ code: "NOT_FOUND" });
  });

  it("is forgotten also where it was sent to a former address of theirs, unless somebody else has that", async () => {
    await accept(await as("old"), await invited("old", "north"));
    await accept(await as("shared"), await invited("shared", "north"));
    const rename = async (from: string, to: string) => {
      const id = `crm-${from}`;
      await change(acme.as("ada"), "upsertUser", { externalId: id, email: `${from}@people.test` }, "__typename");
      const { user } = await change(
        acme.as("ada"),
        "upsertUser",
        { externalId: id, email: `${to}@people.test` },
        "user { id }",
      );
      return user.id;
    };
    const persons = [await rename("old", "new"), await rename("shared", "own")];
    await change(acme.as("ada"), "upsertUser", { email: "shared@people.test" }, "__typename");

    for (const userId of persons) await change(acme.as("ada"), "eraseUser", { userId }, "__typename");

    const left = await inHome(gateway, "acme", everythingIn);
    expect(left).not.toContain("old@people.test");
    expect(left).toContain("shared@people.test");
  });

  it("is told and forgotten also where it was sent to another address, by which they answered it", async () => {
    await accept(await as("nia"), await invited("nia", "n1"));
    const [user] = await home("select id from users where email = 'nia@people.test'");
    const userId = Buffer.from(`User:${user!.id}`).toString("base64url");
    const [yes, no, none] = [await invited("nia-1", "n2"), await invited("nia-2", "n2"), await invited("nia-3", "n2")];
    const byAddress = (name: string) => as("nia", { email: `${name}@people.test` });
    expect(await accept(await byAddress("nia-1"), yes)).toMatchObject({ tenantSlug: "acme" });
    await change(await byAddress("nia-2"), "declineInvitation", { token: no }, "__typename");
    await change(await as("nia-3"), "declineInvitation", { token: none }, "__typename");

    const { content } = await change(acme.as("ada"), "exportUser", { userId }, "content");
    await change(acme.as("ada"), "eraseUser", { userId }, "__typename");

    const sentTo = content.invitations.map(({ email }: { email: string }) => email);
    expect(sentTo).toEqual(["nia", "nia-1", "nia-2"].map((name) => `${name}@people.test`));
    const left = await inHome(gateway, "acme", everythingIn);
    for (const email of sentTo) expect(left).not.toContain(email);
    expect(left).toContain("nia-3@people.test");
  });

  it("is sent to nobody who was erased, and in nobody's name who was, while others' go on", async () => {
    await accept(
      await as("lea"),
      await invited("lea", "north", { grants: [{ role: { key: "admin" }, reach: "SUBTREE" }] }),
    );
    await invited("wanted", "south");
    const lea = await as("lea", {}, "acme");
    await change(
      lea,
      "inviteMember",
      { organizationId: acme.id("Organization", "north"), email: "friend@people.test", grants: [] },
      "__typename",
    );
    await invited("lea", "south");
    const waiting = async () => (await lettersOf(gateway.database, acme)).map(({ to }) => to);
    expect(await waiting()).toEqual(
      expect.arrayContaining(["friend", "lea", "wanted"].map((who) => `${who}@people.test`)),
    );
    const [user] = await home("select id from users where email = 'lea@people.test'");

    await change(acme.as("ada"), "eraseUser", { userId: encodeId("User", user!.id as string) }, "__typename");

    const left = await waiting();
    expect(left).toContain("wanted@people.test");
    for (const gone of ["lea@people.test", "friend@people.test"]) expect(left).not.toContain(gone);
  });

  it("is accepted or withdrawn, never both", async () => {
    for (let round = 0; round < 10; round++) {
      const token = await invited(`race-${round}`, "n1");
      const [row] = await home("select id from invitations where email = $1", [`race-${round}@people.test`]);
      const invitationId = Buffer.from(`Invitation:${row!.id}`).toString("base64url");
      const person = await as(`race-${round}`);

      const [accepted, withdrawn] = await Promise.all([
        accept(person, token),
        change(acme.as("ada"), "withdrawInvitation", { invitationId }, "__typename"),
      ]);

      const isMember = (await membersOf(`race-${round}@people.test`)).length === 1;
      expect([accepted.code ?? "DONE", withdrawn.code ?? "DONE", isMember]).toEqual(
        isMember ? ["DONE", "INVITATION_CLOSED", true] : ["INVITATION_CLOSED", "DONE", false],
      );
    }
  });
});

describe("Mutation.declineInvitation", () => {
  const decline = (caller: Caller, token: string) =>
    change(caller, "declineInvitation", { token }, "declinedInvitationId");

  it("closes an invitation for whom it was sent to, who becomes nobody in the tenant", async () => {
    const token = await invited("nay", "south");

    const stranger = await decline(await as("stranger"), token);
    const bound = await decline(await as("nay", { tenant: "globex" }), token);
    const { declinedInvitationId } = await decline(await as("nay", {}, "globex"), token);

    expect(bound).toEqual(stranger);
    expect(stranger).toMatchObject({ code: "NOT_FOUND" });
    const { node } = await acme
      .as("ada")
      .get("query($id: ID!) { node(id: $id) { ... on Invitation { status email } } }", {
        id: declinedInvitationId,
      });
    expect(node).toEqual({ status: "DECLINED", email: "nay@people.test" });
    expect(await decline(await as("nay"), token)).toMatchObject({ code: "INVITATION_CLOSED" });
    expect(await accept(await as("nay"), token)).toMatchObject({ code: "INVITATION_CLOSED" });
    expect(await home("select id from users where email = 'nay@people.test'")).toEqual([]);
    const [declined] = await home("select id, answered_by from invitations where email = 'nay@people.test'");
    expect([declined!.id, declined!.answered_by]).toEqual([idOf("Invitation", declinedInvitationId)!, null]);
    expect(await auditOf(gateway.database, acme, "invitation.declined", declined!.id as string)).toHaveLength(1);
  });
});
