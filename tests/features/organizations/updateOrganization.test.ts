import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { missingId } from "../../support/missing.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let acme: Planted;
const SLUGS = ["one", "two", "three", "four", "five", "six", "seven"];
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: Object.fromEntries(SLUGS.map((slug) => [slug, {}])) } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        cleo: [{ at: "one", roles: ["member"] }],
      },
    },
  }));
});
afterAll(() => gateway.close());

const update = (slug: string, input: object) =>
  change(
    acme.as("ada"),
    "updateOrganization",
    { organizationId: acme.id("Organization", slug), ...input },
    "organization { name slug imageUrl externalId metadata }",
  );

describe("updateOrganization", () => {
  it("changes what is given, and leaves the rest", async () => {
    const all = { name: "One", imageUrl: "https://example.com/1.png", externalId: "e-1", metadata: { a: 1 } };

    expect((await update("one", all)).organization).toEqual({ ...all, slug: "one" });
    expect((await update("one", { name: "Uno" })).organization).toEqual({ ...all, slug: "one", name: "Uno" });
    expect((await update("one", { name: null, slug: null, imageUrl: null, externalId: null })).organization).toEqual({
      name: "Uno",
      slug: "one",
      imageUrl: null,
      externalId: null,
      metadata: { a: 1 },
    });
    expect(await auditOf(gateway.database, acme, "organization.updated", acme.organizations.one)).toMatchObject([
      { changes: { before: { name: "one", imageUrl: null }, after: all } },
      { changes: { before: { name: "One" }, after: { name: "Uno" } } },
      { changes: { after: { imageUrl: null, externalId: null } } },
    ]);
  });

  it("changes nothing, and notes nothing, when all is as it should be", async () => {
    await update("two", { name: "two", metadata: {} });

    expect(await auditOf(gateway.database, acme, "organization.updated", acme.organizations.two)).toEqual([]);
  });

  it("merges metadata as RFC 7396 has it, up to 8 kB in the end", async () => {
    await update("three", { metadata: { keep: 1, gone: 2, deep: { a: 1, b: 2 }, list: [1, 2] } });

    const merged = await update("three", { metadata: { gone: null, deep: { b: null, c: 3 }, list: [3], new: {} } });

    expect(merged.organization.metadata).toEqual({ keep: 1, deep: { a: 1, c: 3 }, list: [3], new: {} });
    expect(await update("three", { metadata: { more: "x".repeat(8150) } })).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "metadata"],
    });
    expect(await update("three", { metadata: [1] })).toMatchObject({ code: "INVALID_INPUT" });
  });

  it("keeps both of two merges at once", async () => {
    await Promise.all([update("four", { metadata: { a: 1 } }), update("four", { metadata: { b: 2 } })]);

    expect((await update("four", {})).organization.metadata).toEqual({ a: 1, b: 2 });
  });

  it("takes a new slug, keeps the former for the organization alone, and lets it have that again", async () => {
    const unavailable = { code: "SLUG_UNAVAILABLE", field: ["input", "slug"] };

    expect((await update("five", { slug: "fifth" })).organization.slug).toBe("fifth");

    expect(await update("six", { slug: "five" })).toMatchObject(unavailable);
    expect(await update("six", { slug: "fifth" })).toMatchObject(unavailable);
    expect(await update("six", { slug: "graphql" })).toMatchObject(unavailable);
    expect((await update("five", { slug: "five" })).organization.slug).toBe("five");
  });

  it("leads from a former slug to the organization, for who sees it", async () => {
    await update("one", { slug: "first" });
    const lookUp = (who: string, slug: string) =>
      acme.as(who).get("query($slug: String!) { organization(by: { slug: $slug }) { slug } }", { slug });
    const cost = async (slug: string) => (await gateway.database.statements(() => lookUp("cleo", slug))).length;

    expect(await lookUp("cleo", "one")).toEqual({ organization: { slug: "first" } });
    expect(await lookUp("cleo", "first")).toEqual({ organization: { slug: "first" } });
    await update("two", { slug: "second" });
    expect(await lookUp("cleo", "two")).toEqual({ organization: null });
    expect(await cost("two")).toBe(await cost("never"));
    await update("one", { slug: "one" });
    await update("two", { slug: "two" });
  });

  it("gives a slug to one of two who want it at once", async () => {
    const both = await Promise.all([update("six", { slug: "wanted" }), update("seven", { slug: "wanted" })]);

    expect(both.map(({ __typename }) => __typename).sort()).toEqual([
      "SlugUnavailableFailure",
      "UpdateOrganizationPayload",
    ]);
  });

  it.each([
    ["name", ""],
    ["name", " \u200b"],
    ["name", "x".repeat(201)],
    ["slug", "No"],
    ["externalId", ""],
  ])("takes no %s like %j", async (field, value) => {
    expect(await update("one", { [field]: value })).toMatchObject({ code: "INVALID_INPUT", field: ["input", field] });
  });

  it("is refused to who may not update there, and finds nothing that is hidden", async () => {
    const cleo = acme.as("cleo");
    const idOf = (slug: string) => ({ organizationId: acme.id("Organization", slug) });
    const missing = { organizationId: missingId("Organization") };

    expect(await refused(cleo, "updateOrganization", idOf("one"))).toEqual({ code: "FORBIDDEN", data: null });
    const hidden = await change(cleo, "updateOrganization", idOf("two"), "__typename");
    expect(hidden).toMatchObject({ __typename: "NotFoundFailure", field: ["input", "organizationId"] });
    expect(await change(cleo, "updateOrganization", missing, "__typename")).toEqual(hidden);
  });
});
