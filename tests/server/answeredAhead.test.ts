import { auditOf } from "../support/audit.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { type Planted, world } from "../support/world.js";

/** What a session for the answer is sent: what opens it, access, and its end. The row itself is read either way. */
const OF_A_SESSION = 4;

let gateway: TestGateway;
let acme: Planted;
const MEMBERS = ["one", "two", "three", "four", "five", "six"];
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {} } },
      roles: { auditor: { permissions: [] }, clerk: { permissions: [] }, guide: { permissions: [] } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ...Object.fromEntries(MEMBERS.map((name) => [name, [{ at: "north", roles: ["member"] }]])),
      },
    },
  }));
  // The first one asks the directory.
  await ask("{ viewer { id } }", {});
});
afterAll(() => gateway.close());

/** What came of a change, and how many statements it took. */
async function ask(document: string, variables: Record<string, unknown>, by = "ada") {
  let data: Record<string, unknown> = {};
  const sent = await gateway.database.statements(async () => {
    data = await acme.as(by).get(document, variables);
  });
  return { data, statements: sent.length };
}
const grant = (fields: string) => `mutation($input: GrantRoleInput!) {
  grantRole(input: $input) { ... on GrantRolePayload { membership { ${fields} } } } }`;
const giving = (name: string, role: string, at = "north") => ({
  input: { membershipId: acme.id("Membership", `${name}@${at}`), role: { key: role } },
});
const given = (name: string) => auditOf(gateway.database, acme, "grant.given", acme.memberships[`${name}@north`]);

describe("the answer of a change", () => {
  it("is read in the change's own session where it never needed another", async () => {
    const first = await ask(grant("id status"), giving("one", "auditor"));
    const second = await ask(grant("id status"), giving("two", "auditor"));

    expect(second.data).toEqual({
      grantRole: { membership: { id: acme.id("Membership", "two@north"), status: "ACTIVE" } },
    });
    expect(second.statements).toBe(first.statements - OF_A_SESSION);
  });

  it("is read in a session of its own where the change is about the viewer", async () => {
    const document = grant("id expiresAt");
    const counts = [];
    for (const role of ["auditor", "clerk", "guide"])
      counts.push((await ask(document, giving("ada", role, "acme"))).statements);
    const other = await ask(document, giving("one", "clerk"));

    expect(counts.slice(1)).toEqual([counts[1], counts[1]]);
    expect(other.statements).toBe(counts[1]! - OF_A_SESSION);
  });

  it("is whole where it asks for more than it ever did, and the change is made once", async () => {
    const document = `mutation($input: GrantRoleInput!, $more: Boolean!) { grantRole(input: $input) { __typename
      ... on GrantRolePayload { membership { id createdAt grants @include(if: $more) { role { key } } } } } }`;
    for (const name of ["three", "four"]) await ask(document, { ...giving(name, "auditor"), more: false });

    const more = await ask(document, { ...giving("five", "auditor"), more: true });
    const less = await ask(document, { ...giving("six", "auditor"), more: false });

    expect(more.data).toEqual({
      grantRole: {
        __typename: "GrantRolePayload",
        membership: {
          id: acme.id("Membership", "five@north"),
          createdAt: expect.any(String),
          grants: expect.arrayContaining([{ role: { key: "auditor" } }, { role: { key: "member" } }]),
        },
      },
    });
    expect(await given("five")).toHaveLength(1);
    expect(await given("six")).toHaveLength(1);
    // From then on it is not tried any more.
    expect(less.statements).toBeGreaterThan(OF_A_SESSION + 8);
  });

  it.each([
    [
      "createOrganization",
      "organization { slug }",
      (n: number) => ({ parentId: acme.id("Organization", "north"), name: "N", slug: `new-${n}` }),
    ],
    [
      "updateOrganization",
      "organization { name }",
      (n: number) => ({ organizationId: acme.id("Organization", "north"), name: `North ${n}` }),
    ],
    ["createRole", "role { key }", (n: number) => ({ key: `role-${n}`, name: "R", permissions: [] })],
    ["cloneRole", "role { key }", (n: number) => ({ roleId: acme.id("Role", "auditor"), key: `copy-${n}` })],
  ])("is what %s made of it", async (field, fields, input) => {
    const title = field[0]!.toUpperCase() + field.slice(1);
    const document = `mutation($input: ${title}Input!) { ${field}(input: $input) { ... on ${title}Payload { ${fields} } } }`;
    const [first, second] = [await ask(document, { input: input(1) }), await ask(document, { input: input(2) })];

    const [thing, name] = fields.split(/ \{ | \}/) as [string, string];
    const wanted = input(2) as Record<string, unknown>;
    expect(second.data).toEqual({ [field]: { [thing]: { [name]: wanted[name] } } });
    expect(second.statements).toBe(first.statements - OF_A_SESSION);
  });
});
