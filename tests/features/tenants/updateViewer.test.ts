import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let acme: Planted;
let globex: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme, globex } = await world(gateway, {
    acme: {
      tree: { acme: {} },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        "mo@both.test": [{ at: "acme" }],
        shut: [{ at: "acme", roles: ["guest"] }],
      },
      suspended: ["shut"],
    },
    globex: { tree: { globex: {} }, people: { "mo@both.test": [{ at: "globex" }] } },
  }));
});
afterAll(() => gateway.close());

const FIELDS = "viewer { user { displayName } } user { id displayName imageUrl locale email }";
const update = (input: object) => change(acme.as("mo@both.test"), "updateViewer", input, FIELDS);

describe("updateViewer", () => {
  it("changes name, picture and language of who asks, who need not be allowed anything", async () => {
    const input = { displayName: "Mo", imageUrl: "https://example.test/mo.png", locale: "de-at" };

    expect(await update(input)).toEqual({
      __typename: "UpdateViewerPayload",
      viewer: { user: { displayName: "Mo" } },
      user: { id: acme.id("User", "mo@both.test"), email: "mo@both.test", ...input, locale: "de-AT" },
    });
    expect((await acme.as("ada").get('{ user(by: { email: "mo@both.test" }) { displayName } }')).user).toEqual({
      displayName: "Mo",
    });
  });

  it("leaves what is left out, and removes picture and language by null", async () => {
    const { user } = await update({ displayName: "Mo", imageUrl: "https://example.test/mo.png", locale: "fr" });

    expect((await update({})).user).toEqual(user);
    expect((await update({ displayName: null, locale: null })).user).toEqual({ ...user, locale: null });
    expect((await update({ imageUrl: null })).user).toEqual({ ...user, locale: null, imageUrl: null });
  });

  it("notes what it made different, and nothing where it made nothing so", async () => {
    const noted = async () => (await auditOf(gateway.database, acme, "user.updated")).length;
    await update({ displayName: "Before" });
    const before = await noted();

    await update({ displayName: "After" });
    await update({ displayName: "After" });

    expect(await noted()).toBe(before + 1);
  });

  it("changes nobody of the same name in another tenant", async () => {
    await update({ displayName: "Here alone" });

    const { viewer } = await globex.as("mo@both.test").get("{ viewer { user { displayName } } }");
    expect(viewer.user.displayName).not.toBe("Here alone");
  });

  it.each([
    [{ displayName: " " }, "displayName"],
    [{ displayName: "x".repeat(201) }, "displayName"],
    [{ locale: "x" }, "locale"],
  ])("takes nothing like %j", async (input, field) => {
    expect(await update(input)).toMatchObject({ code: "INVALID_INPUT", field: ["input", field] });
  });

  it("is for who is signed in, and not suspended", async () => {
    const input = { displayName: "Nobody" };

    expect(await refused(gateway.anonymous, "updateViewer", input)).toEqual({ code: "UNAUTHENTICATED", data: null });
    expect(await refused(acme.as("shut"), "updateViewer", input)).toMatchObject({ code: "TENANT_NOT_FOUND" });
  });
});
