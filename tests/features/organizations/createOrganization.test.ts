import { change } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {} } },
      people: {
        blind: [{ at: "north", can: ["organizations:create"], reach: "SUBTREE" }],
        near: [{ at: "north", can: ["organizations:create", "organizations:read"] }],
        far: [{ at: "north", can: ["organizations:create", "organizations:read"], reach: "SUBTREE" }],
      },
    },
  }));
});
afterAll(() => gateway.close());

const create = (person: string) =>
  acme.as(person).ask(
    `mutation($input: CreateOrganizationInput!) {
      createOrganization(input: $input) { ... on CreateOrganizationPayload { organization { slug parent { slug } } } }
    }`,
    { input: { parentId: acme.id("Organization", "north"), name: "New", slug: `of-${person}` } },
  );

describe("createOrganization", () => {
  it("shows its maker the new organization", async () => {
    const { data, errors } = await create("far");

    expect(errors).toBeUndefined();
    expect(data.createOrganization.organization).toEqual({ slug: "of-far", parent: { slug: "north" } });
  });

  it.each([
    ["near", "organizations:create"],
    ["blind", "organizations:read"],
  ])("is refused to %s, who would not see what was made, and changes nothing", async (person, permission) => {
    const before = await gateway.database.content();

    const { data, errors } = await create(person);

    expect(data).toEqual({ createOrganization: null });
    expect(errors?.map(({ extensions }) => extensions)).toEqual([
      { code: "FORBIDDEN", permission, organizationId: acme.id("Organization", "north"), reach: "SUBTREE" },
    ]);
    expect(await gateway.database.content()).toBe(before);
  });
});

describe("CreateOrganizationInput.imageUrl", () => {
  it("is the organization's picture", async () => {
    const imageUrl = "https://example.com/1.png";
    const input = { parentId: acme.id("Organization", "north"), name: "Pictured", slug: "pictured", imageUrl };

    const made = await change(acme.as("far"), "createOrganization", input, "organization { imageUrl }");

    expect(made).toMatchObject({ organization: { imageUrl } });
  });
});
