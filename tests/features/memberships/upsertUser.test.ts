import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {} } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        mia: [{ at: "acme", roles: ["admin"], reach: "SUBTREE" }],
        near: [{ at: "acme", roles: ["owner"] }],
        ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
      },
    },
  }));
});
afterAll(() => gateway.close());

const upsert = (input: object) =>
  change(
    acme.as("ada"),
    "upsertUser",
    input,
    "user { id displayName email emailVerified externalId imageUrl locale metadata status }",
  );

describe("upsertUser", () => {
  it("makes a person, called by what is known of them", async () => {
    expect(await upsert({ email: "Eve@Example.COM" })).toMatchObject({
      user: { displayName: "eve@example.com", email: "eve@example.com", emailVerified: false, externalId: null },
    });
    expect(await upsert({ externalId: "x-1", locale: "de-at", metadata: { a: 1, b: null } })).toMatchObject({
      user: { displayName: "x-1", email: null, locale: "de-AT", metadata: { a: 1 }, status: "ACTIVE" },
    });
  });

  it("changes the person of that address, however it is spelled, and leaves what is not given", async () => {
    const { user } = await upsert({ email: "fay@example.com", displayName: "Fay", metadata: { a: 1 } });

    const again = await upsert({ email: " FAY@example.com", locale: "fr", metadata: { b: 2 } });

    expect(again.user).toEqual({ ...user, locale: "fr", metadata: { a: 1, b: 2 } });
    expect(await auditOf(gateway.database, acme, "user.updated")).toHaveLength(1);
  });

  it("finds a person by the external id before the address, and gives them the address", async () => {
    const { user } = await upsert({ externalId: "g-1", displayName: "Gil" });

    expect((await upsert({ externalId: "g-1", email: "gil@example.com" })).user).toEqual({
      ...user,
      email: "gil@example.com",
    });
    expect((await upsert({ externalId: "g-1", email: "gil@example.org" })).user.id).toBe(user.id);
  });

  it("gives an external id to the person of an address who has none, and to no other", async () => {
    const { user } = await upsert({ email: "hal@example.com" });

    expect((await upsert({ email: "hal@example.com", externalId: "h-1" })).user).toEqual({
      ...user,
      externalId: "h-1",
    });
    expect(await upsert({ email: "hal@example.com", externalId: "h-2" })).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "externalId"],
    });
  });

  it("does not make one of two people", async () => {
    await upsert({ email: "ida@example.com", externalId: "i-1" });
    await upsert({ email: "jan@example.com", externalId: "j-1" });

    expect(await upsert({ email: "ida@example.com", externalId: "j-1" })).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "email"],
    });
  });

  describe("of two people with one address", () => {
    let [first, second]: string[] = [];
    beforeAll(async () => {
      [first, second] = await Promise.all(
        ["twin-1", "twin-2"].map(async (externalId) => (await upsert({ externalId })).user.id as string),
      );
      const sql = homeOf(gateway, "acme");
      await sql("update users set email = 'twin@acme.test' where external_id like 'twin-%'");
      await sql("update users set external_id = null where external_id = 'twin-2'");
    });

    it("changes the one whose user id is given, and neither by the address alone", async () => {
      const input = { email: "twin@acme.test", displayName: "Second" };

      expect((await upsert({ ...input, userId: second })).user).toMatchObject({ id: second, displayName: "Second" });
      expect(await upsert(input)).toMatchObject({ code: "INVALID_INPUT", field: ["input", "email"] });
      expect(await upsert({ ...input, externalId: "twin-3" })).toMatchObject({ field: ["input", "email"] });
      expect((await upsert({ userId: first })).user).toMatchObject({ id: first, displayName: "twin-1" });
    });

    it("lets the one of an external id keep the address", async () => {
      const input = { externalId: "twin-1", email: "twin@acme.test", locale: "fr" };

      expect((await upsert(input)).user).toMatchObject({ id: first, email: "twin@acme.test", locale: "fr" });
    });

    it("gives another address in one call to who has no external id", async () => {
      expect((await upsert({ userId: second, email: "only@acme.test" })).user).toMatchObject({
        id: second,
        email: "only@acme.test",
        externalId: null,
      });
    });
  });

  it("gives whoever a user id names nothing that is somebody else's", async () => {
    await upsert({ email: "taken@example.com", externalId: "taken" });
    const { user } = await upsert({ email: "lea@example.com" });

    expect(await upsert({ userId: user.id, email: "taken@example.com" })).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "email"],
    });
    expect(await upsert({ userId: user.id, externalId: "taken" })).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "externalId"],
    });
    expect((await upsert({ userId: user.id, externalId: "lea" })).user).toEqual({ ...user, externalId: "lea" });
  });

  it.each([
    ["is missing", () => Buffer.from("User:0195b3f2-0000-7000-8000-000000000000").toString("base64url")],
    ["is something else", () => acme.id("Organization", "north")],
    ["is no id", () => "nothing"],
  ])("makes nobody of a user id that %s", async (_, userId) => {
    expect(await upsert({ userId: userId(), email: "nobody@example.com" })).toMatchObject({
      code: "NOT_FOUND",
      field: ["input", "userId"],
    });
    expect((await acme.as("ada").get('{ user(by: { email: "nobody@example.com" }) { id } }')).user).toBeNull();
  });

  it("finds by a user id nobody whom the viewer does not see", async () => {
    const sql = homeOf(gateway, "acme");
    const rename = () =>
      change(acme.as("mia"), "upsertUser", { userId: acme.id("User", "ben"), displayName: "ben" }, "user { id }");
    await sql("update organizations set status = 'SUSPENDED' where slug = 'north'");

    expect(await rename()).toMatchObject({ code: "NOT_FOUND", field: ["input", "userId"] });
    await sql("update organizations set status = 'ACTIVE' where slug = 'north'");
    expect(await rename()).toMatchObject({ user: { id: acme.id("User", "ben") } });
  });

  it("makes one person of many calls at once", async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, n) => upsert({ email: "kim@example.com", metadata: { [`k${n}`]: n } })),
    );

    expect(new Set(all.map(({ user }) => user.id)).size).toBe(1);
    const { user } = await upsert({ email: "kim@example.com" });
    expect(Object.keys(user.metadata)).toHaveLength(8);
  });

  it.each([
    [{}, "email"],
    [{ email: "nobody" }, "email"],
    [{ email: "a@b@c" }, "email"],
    [{ externalId: "" }, "externalId"],
    [{ externalId: "l-1", displayName: " " }, "displayName"],
    [{ externalId: "l-1", locale: "x" }, "locale"],
    [{ externalId: "l-1", metadata: "no" }, "metadata"],
    [{ externalId: "l-1", metadata: { a: "x".repeat(9000) } }, "metadata"],
  ])("takes nothing like %j", async (input, field) => {
    expect(await upsert(input)).toMatchObject({ code: "INVALID_INPUT", field: ["input", field] });
  });

  it.each([
    ["holds more", { role: { key: "owner" }, reach: "SUBTREE" }, "EXCEEDS_YOURS"],
    ["holds no more", { role: { key: "member" }, reach: "SUBTREE" }, undefined],
  ])(
    "hands nobody's place to another address, as long as they never signed in, but by who could give it: %s",
    async (key, grant, code) => {
      const { user } = await upsert({ externalId: key, email: `${key.replaceAll(" ", ".")}@acme.test` });
      await change(
        acme.as("ada"),
        "addMembership",
        { organizationId: acme.id("Organization", "north"), userId: user.id, grants: [grant] },
        "__typename",
      );
      const moved = { externalId: key, email: `mia.too+${key.length}@acme.test` };

      const outcome = await change(acme.as("mia"), "upsertUser", moved, "user { email }");

      expect(outcome.code).toBe(code);
      expect(outcome.user?.email).toBe(code ? undefined : moved.email);
      expect(
        await change(acme.as("mia"), "upsertUser", { externalId: key, displayName: "Renamed" }, "__typename"),
      ).toEqual({
        __typename: "UpsertUserPayload",
      });
      expect(await upsert({ ...moved, displayName: "By the owner" })).toMatchObject({ user: { email: moved.email } });
    },
  );

  describe("of somebody who never signed in, and is a member without a grant", () => {
    const SOON = new Date(Date.now() + 3_600_000);
    const LATER = new Date(SOON.getTime() + 3_600_000);
    let firm: Planted;
    let sql: Sql;
    beforeAll(async () => {
      ({ firm } = await world(gateway, {
        firm: {
          tree: { firm: { x: {}, y: {} } },
          people: {
            ada: [{ at: "firm", roles: ["owner"], reach: "SUBTREE" }],
            vic: [{ at: "firm", roles: ["admin"], reach: "SUBTREE", grantsUntil: SOON }],
            endless: [{ at: "x" }],
            granted: [{ at: "x", roles: ["guest"], grantsUntil: SOON }],
            shut: [{ at: "x", suspended: true }],
            closed: [{ at: "x", until: LATER }],
            brief: [{ at: "x", until: new Date(SOON.getTime() - 1_800_000) }],
            past: [{ at: "x", until: new Date(Date.now() - 1000) }],
            nowhere: [],
            one: [{ at: "x" }],
            many: ["firm", "x", "y"].map((at) => ({ at })),
          },
        },
      }));
      sql = homeOf(gateway, "firm");
      await sql(
        "update users set identity = null, external_id = display_name where display_name not in ('ada', 'vic')",
      );
    });
    const move = (by: string, name: string) =>
      change(firm.as(by), "upsertUser", { externalId: name, email: `${name}@new.test` }, "user { email }");

    it.each(["endless", "granted", "shut", "closed"])(
      "hands on no membership for longer than the caller may make one: %s",
      async (name) => {
        expect(await move("vic", name)).toMatchObject({
          code: "EXCEEDS_YOURS",
          field: ["input", "email"],
          permissions: [],
          latestExpiresAt: SOON.toISOString(),
        });
        expect(await move("ada", name)).toMatchObject({ user: { email: `${name}@new.test` } });
      },
    );

    it.each(["brief", "past", "nowhere"])("hands on what ends before, or has ended, or is none: %s", async (name) => {
      expect(await move("vic", name)).toMatchObject({ user: { email: `${name}@new.test` } });
    });

    it("takes as many statements for three memberships as for one", async () => {
      const run = async (name: string) =>
        ofData(await gateway.database.statements(() => move("ada", name))).map((text) => text.slice(0, 60));

      expect(await run("many")).toEqual(await run("one"));
    });
  });

  it("is for those who manage members everywhere", async () => {
    const input = { email: "eve@example.com" };

    expect(await refused(acme.as("ben"), "upsertUser", input)).toEqual({ code: "FORBIDDEN", data: null });
    expect(await refused(acme.as("near"), "upsertUser", input)).toEqual({ code: "FORBIDDEN", data: null });
  });
});

describe("UpsertUserInput.imageUrl", () => {
  it("is the person's picture when they are made, is replaced, and is removed by null", async () => {
    const [first, second] = ["https://example.com/1.png", "https://example.com/2.png"];
    const shown: unknown[] = [];
    for (const more of [{ imageUrl: first }, {}, { imageUrl: second }, { imageUrl: null }])
      shown.push((await upsert({ email: "pictured@example.com", ...more })).user.imageUrl);

    expect(shown).toEqual([first, first, second, null]);
  });
});
