import { openGateway, type TestGateway } from "../support/gateway.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const SHAPE = "{ __schema { types { name fields { name } } mutationType { name } } }";

/** What introspection shows, as coordinates. */
async function seenBy(caller: { get(document: string): Promise<Record<string, unknown>> }): Promise<string[]> {
  const { __schema } = (await caller.get(SHAPE)) as {
    __schema: { types: { name: string; fields: { name: string }[] | null }[] };
  };
  return __schema.types.flatMap(({ name, fields }) => [
    name,
    ...(fields ?? []).map((field) => `${name}.${field.name}`),
  ]);
}

describe("introspection", () => {
  it("shows an owner everything", async () => {
    const seen = await seenBy(gateway.as("ada@northwind.test", "northwind"));

    expect(seen).toEqual(
      expect.arrayContaining(["Mutation.createOrganization", "Organization.memberships", "Query.organizations"]),
    );
  });

  it("leaves out what is certain to be denied to a member, and the types that only that leads to", async () => {
    const seen = await seenBy(gateway.as("cleo@northwind.test", "northwind"));

    expect(seen).toEqual(expect.arrayContaining(["Organization.memberships", "Organization.children"]));
    expect(seen).not.toContain("Mutation.createOrganization");
    expect(seen).not.toContain("CreateOrganizationInput");
    expect(seen).not.toContain("Mutation");
  });

  it("leaves out what needs a permission to who holds none", async () => {
    const seen = await seenBy(gateway.as("finn@northwind.test", "northwind"));

    expect(seen).toEqual(expect.arrayContaining(["Query.organizations", "Organization.name"]));
    expect(seen).not.toContain("Organization.memberships");
  });

  it("shows who is not signed in, or names no tenant of theirs, what everybody sees", async () => {
    const anonymous = await seenBy(gateway.anonymous);

    expect(anonymous).toContain("Query.identity");
    expect(anonymous).not.toContain("Query.organizations");
    expect(await seenBy(gateway.as("ada@northwind.test", "lumen"))).toEqual(anonymous);
    expect(await seenBy(gateway.as("dan@contractor.test", null))).toEqual(anonymous);
  });

  it("answers beside other fields, which are validated against the whole schema", async () => {
    const cleo = gateway.as("cleo@northwind.test", "northwind");

    const { data } = await cleo.ask(
      '{ viewer { user { email } } ...S o: organization(by: { slug: "north" }) { id } } fragment S on Query { __type(name: "CreateOrganizationInput") { name } }',
    );

    expect(data).toEqual({ viewer: { user: { email: "cleo@northwind.test" } }, __type: null, o: null });
  });

  it("is whole for everybody where the product wants it so", async () => {
    const whole = await openGateway({ introspection: "whole" });

    expect(await seenBy(whole.anonymous)).toContain("Mutation.createOrganization");
    await whole.close();
  });
});
