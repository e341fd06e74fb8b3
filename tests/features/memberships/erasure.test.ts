import { DEFAULT_LIMITS } from "../../../src/graphql/limits.js";
import { sealNow, verifyIn } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { ADDRESS, openGateway, type TestGateway } from "../../support/gateway.js";
import { everythingIn, homeOf, ownerInHome, type Sql } from "../../support/home.js";
import { missingId } from "../../support/missing.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let shop: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  ({ shop } = await world(gateway, {
    shop: {
      tree: { shop: { till: {}, yard: {}, shed: {} } },
      people: {
        olga: [{ at: "shop", roles: ["owner"], reach: "SUBTREE" }],
        deputy: [{ at: "shop", roles: ["admin"], reach: "SUBTREE" }],
        tina: [{ at: "till", roles: ["admin"] }],
        oscar: [{ at: "shop", roles: ["owner"], reach: "SUBTREE" }],
        toni: [{ at: "till", roles: ["guest"] }],
        tess: [{ at: "till", roles: ["admin"] }],
        boss: [{ at: "till", roles: ["owner"], suspended: true }],
        pat: [
          { at: "till", roles: ["member"] },
          { at: "yard", roles: ["guest"], suspended: true },
        ],
        sam: [{ at: "till", roles: ["member"] }],
        pia: [{ at: "till", roles: ["member"] }],
        clerk: [{ at: "shop", can: ["organizations:read", "members:read", "members:manage"], reach: "SUBTREE" }],
        quin: [
          { at: "till", roles: ["admin"] },
          { at: "shed", roles: ["guest"] },
        ],
      },
    },
  }));
  sql = homeOf(gateway, "shop");
});
afterAll(() => gateway.close());

const erase = (by: string, name: string, payload = "user { displayName email status }") =>
  change(shop.as(by), "eraseUser", { userId: shop.id("User", name) }, payload);
const describePerson = (name: string) =>
  change(
    shop.as("olga"),
    "upsertUser",
    {
      email: `${name}@shop.test`,
      displayName: `Secret ${name}`,
      externalId: `crm-${name}`,
      metadata: { note: `of ${name}` },
    },
    "user { id }",
  );
const everything = () => everythingIn(sql);
const changesOf = async (person: string) => {
  const document = `{ organization(by: { slug: "shop" }) { auditEvents(filter: { targetId: "${shop.id("User", person)}" }) { nodes { action changes } } } }`;
  return (await shop.as("olga").get(document)).organization.auditEvents.nodes;
};

describe("eraseUser", () => {
  it("forgets who the person was, everywhere, and the audit verifies as before", async () => {
    await describePerson("pat");
    await sealNow(gateway, "shop");
    const before = await everything();
    const shown = await changesOf("pat");

    const erased = await erase("olga", "pat");

    expect(shown).toMatchObject([{ action: "user.updated", changes: { after: { displayName: "Secret pat" } } }]);
    expect(before).toContain("Secret pat");
    expect(erased.user).toEqual({ displayName: "Erased person", email: null, status: "SUSPENDED" });
    const after = await everything();
    for (const value of ["Secret pat", "pat@shop.test", "crm-pat", "of pat"]) expect(after).not.toContain(value);
    expect(await changesOf("pat")).toEqual([
      { action: "user.erased", changes: null },
      { action: "user.updated", changes: { erased: ["displayName", "externalId", "metadata"] } },
    ]);
    await sealNow(gateway, "shop");
    expect(await ownerInHome(gateway, "shop", (run) => verifyIn(run, shop.tenantId))).toMatchObject({
      unsealed: 0,
      broken: null,
    });
  });

  it("forgets from where they did what they did, and the audit verifies as before", async () => {
    const own = { organizationId: shop.id("Organization", "till"), name: "Till" };
    await change(shop.as("tess"), "updateOrganization", own, "__typename");
    await sealNow(gateway, "shop");
    const addresses = () =>
      sql(
        "select v.value::json ->> 'address' as address from audit_events e left join audit_values v on v.commitment = e.origin where e.actor_id = $1",
        [shop.users.tess],
      );
    const before = await addresses();

    await erase("olga", "tess");

    expect(before).toEqual([{ address: ADDRESS }]);
    expect(await addresses()).toEqual([{ address: null }]);
    await sealNow(gateway, "shop");
    expect(await ownerInHome(gateway, "shop", (run) => verifyIn(run, shop.tenantId))).toMatchObject({
      unsealed: 0,
      broken: null,
    });
  });

  it("forgets from where somebody erased themselves", async () => {
    await erase("oscar", "oscar", "__typename");

    expect(await sql("select from audit_values where subject_id = $1", [shop.users.oscar])).toEqual([]);
    expect(
      await sql("select from audit_events where action = 'user.erased' and actor_id = $1", [shop.users.oscar]),
    ).toHaveLength(1);
  });

  it("of somebody who was erased before changes nothing, and notes nothing, also when two erase them at once", async () => {
    await Promise.all([erase("olga", "toni"), erase("olga", "toni")]);

    expect(await erase("olga", "toni")).toMatchObject({ user: { displayName: "Erased person" } });
    expect(
      await sql("select from audit_events where action = 'user.erased' and target_id = $1", [shop.users.toni]),
    ).toHaveLength(1);
  });

  it("leaves nobody whom upsertUser could make somebody again", async () => {
    const userId = shop.id("User", "pat");

    const refusal = await change(shop.as("olga"), "upsertUser", { userId, email: "new@shop.test" }, "user { id }");

    expect(refusal).toMatchObject({ __typename: "InvalidInputFailure", field: ["input", "userId"] });
  });

  it("ends every membership, counts them off, and writes each down", async () => {
    const counts = "{ organizations(first: 10) { nodes { slug memberCount } } }";
    const counted = async () =>
      Object.fromEntries(
        (await shop.as("olga").get(counts)).organizations.nodes.map((one: { slug: string; memberCount: number }) => [
          one.slug,
          one.memberCount,
        ]),
      );
    const before = await counted();

    const erased = await erase("olga", "sam", "removedMembershipIds");

    expect(erased.removedMembershipIds).toEqual([shop.id("Membership", "sam@till")]);
    expect(await counted()).toEqual({ ...before, till: before.till - 1 });
    expect(await sql("select from memberships where user_id = $1", [shop.users.sam])).toEqual([]);
    expect(
      await sql(
        "select target_id from audit_events where action = 'membership.removed' and changes ->> 'userId' = $1",
        [shop.users.sam],
      ),
    ).toEqual([{ target_id: shop.memberships["sam@till"] }]);
    expect((await shop.as("sam").ask("{ viewer { id } }")).errors?.[0]?.extensions.code).toBe("TENANT_NOT_FOUND");
  });

  it("is for those who manage members everywhere and hold all that the person holds, suspended as it may be", async () => {
    expect(await refused(shop.as("tina"), "eraseUser", { userId: shop.id("User", "pia") })).toEqual({
      code: "FORBIDDEN",
      data: null,
    });
    expect(await erase("deputy", "boss")).toMatchObject({ code: "EXCEEDS_YOURS", field: ["input", "userId"] });
    expect(await erase("olga", "boss")).toMatchObject({ user: { email: null } });
  });

  it("tells nobody whether a person is elsewhere or nowhere", async () => {
    const { viewer } = await gateway.as("ada@northwind.test", "northwind").get("{ viewer { user { id } } }");

    const [elsewhere, nowhere] = await Promise.all(
      [viewer.user.id, missingId("User")].map((userId) =>
        change(shop.as("olga"), "eraseUser", { userId }, "__typename"),
      ),
    );

    expect(elsewhere).toMatchObject({ __typename: "NotFoundFailure", field: ["input", "userId"] });
    expect(nowhere).toEqual(elsewhere);
  });
});

describe("exportUser", () => {
  it("takes out all that is held about a person, and notes that it was", async () => {
    await describePerson("pia");
    const offer = { email: "pia@shop.test", grants: [{ role: { key: "guest" }, reach: "SUBTREE" }] };
    await change(
      shop.as("olga"),
      "inviteMember",
      { organizationId: shop.id("Organization", "yard"), ...offer },
      "__typename",
    );

    const { content } = await change(shop.as("deputy"), "exportUser", { userId: shop.id("User", "pia") }, "content");

    expect(content).toMatchObject({
      user: {
        id: shop.users.pia,
        displayName: "Secret pia",
        email: "pia@shop.test",
        metadata: { note: "of pia" },
        signsIn: true,
      },
      memberships: [
        { organization: { slug: "till" }, status: "ACTIVE", grants: [{ roleKey: "member", reach: "ORGANIZATION" }] },
      ],
      invitations: [
        {
          organizationId: shop.organizations.yard,
          email: "pia@shop.test",
          status: "OPEN",
          grants: [{ roleKey: "guest", reach: "SUBTREE" }],
        },
      ],
      joinRequests: [],
      audit: [
        { action: "user.updated", changes: { before: { displayName: "pia" }, after: { displayName: "Secret pia" } } },
      ],
    });
    expect(JSON.stringify(content)).not.toContain(shop.tenantId);
    expect(await changesOf("pia")).toMatchObject([{ action: "user.exported" }, { action: "user.updated" }]);
  });

  it("tells of each request of theirs once, with all that it did", async () => {
    const rename = (name: string) =>
      `updateOrganization(input: { organizationId: "${shop.id("Organization", "till")}", name: "${name}" }) { __typename }`;
    const invite = `inviteMember(input: { organizationId: "${shop.id("Organization", "till")}", email: "r@shop.test", grants: [] }) { __typename }`;
    await shop.as("quin").get(`mutation { a: ${rename("A")} b: ${invite} c: ${rename("C")} }`);
    await shop.as("quin").get(`mutation { ${rename("D")} }`);

    const { content } = await change(shop.as("olga"), "exportUser", { userId: shop.id("User", "quin") }, "content");

    const at = expect.stringMatching(/Z$/);
    expect(content.requests).toEqual([
      { at, actions: ["invitation.created", "organization.updated"], address: ADDRESS },
      { at, actions: ["organization.updated"], address: ADDRESS },
    ]);
  });

  it("names no organization that whoever exports does not see", async () => {
    const organizationId = shop.id("Organization", "shed");
    await change(shop.as("olga"), "suspendOrganization", { organizationId }, "__typename");
    const placesFor = async (by: string) => {
      const { content } = await change(shop.as(by), "exportUser", { userId: shop.id("User", "quin") }, "content");
      return content.memberships.map(({ organization }: { organization: object }) => organization);
    };
    const [till, shed] = ["till", "shed"].map((slug) => ({
      id: shop.organizations[slug],
      slug,
      name: expect.any(String),
    }));

    expect(await placesFor("olga")).toEqual([till, shed]);
    expect(await placesFor("clerk")).toEqual([till, { id: shed!.id }]);
  });

  it("that is too large for an answer is refused, and is not noted as one that was made", async () => {
    const limits = { ...DEFAULT_LIMITS, answerCharacters: 300 };
    const narrow = await openGateway({ database: gateway.database, limits });
    const noted = () =>
      sql("select from audit_events where action = 'user.exported' and target_id = $1", [shop.users.quin]);
    const before = await noted();

    const input = { userId: shop.id("User", "quin") };
    const outcome = await change(narrow.as("olga@shop.test", "shop"), "exportUser", input, "content");

    expect(outcome).toMatchObject({ code: "EXPORT_TOO_LARGE", field: ["input", "userId"] });
    expect(await noted()).toHaveLength(before.length);
    await narrow.close();
  });

  it("needs the right to manage and to read members everywhere", async () => {
    expect(await refused(shop.as("tina"), "exportUser", { userId: shop.id("User", "pia") })).toEqual({
      code: "FORBIDDEN",
      data: null,
    });
  });
});
