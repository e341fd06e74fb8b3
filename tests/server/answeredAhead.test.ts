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
      roles: {
        auditor: { permissions: [] },
        clerk: { permissions: [] },
        guide: { permissions: [] },
        viewer: { permissions: [] },
      },
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
async function ask(document: string, variables: Record<string, unknown>, headers?: Record<string, string>) {
  let data: Record<string, unknown> = {};
  const sent = await gateway.database.statements(async () => {
    data = await acme.as("ada", headers).get(document, variables);
  });
  return { data, statements: sent.length };
}
/** Whoever wants to know why is answered from a session of its own. */
const askWhy = (document: string, variables: Record<string, unknown>) =>
  ask(document, variables, { "x-tenantry-explain": "1" });

const grant = (fields: string) => `mutation($input: GrantRoleInput!) {
  grantRole(input: $input) { ... on GrantRolePayload { membership { ${fields} } } } }`;
const giving = (name: string, role: string, at = "north") => ({
  input: { membershipId: acme.id("Membership", `${name}@${at}`), role: { key: role } },
});
const given = (name: string) => auditOf(gateway.database, acme, "grant.given", acme.memberships[`${name}@north`]);

describe("the answer of a change", () => {
  it("is read in the change's own session where it needs no other", async () => {
    const own = await ask(grant("id status"), giving("one", "auditor"));
    const apart = await askWhy(grant("id status"), giving("two", "auditor"));

    expect(own.data).toEqual({
      grantRole: { membership: { id: acme.id("Membership", "one@north"), status: "ACTIVE" } },
    });
    expect(own.statements).toBe(apart.statements - OF_A_SESSION);
  });

  it("is read in a session of its own where the change is about the viewer", async () => {
    const self = await ask(grant("id expiresAt"), giving("ada", "auditor", "acme"));
    const other = await ask(grant("id expiresAt"), giving("one", "clerk"));

    expect(other.statements).toBe(self.statements - OF_A_SESSION);
  });

  it("is read in the change's own session where somebody else's grant is withdrawn, and not where the viewer's is", async () => {
    const revoke = `mutation($input: RevokeGrantInput!) {
      revokeGrant(input: $input) { ... on RevokeGrantPayload { membership { id } } } }`;
    const grants = async (name: string, at: string): Promise<string[]> => {
      const { node } = await acme
        .as("ada")
        .get("query($id: ID!) { node(id: $id) { ... on Membership { grants { id role { key } } } } }", {
          id: acme.id("Membership", `${name}@${at}`),
        });
      return node.grants
        .filter((one: { role: { key: string } }) => one.role.key !== "owner")
        .map((one: { id: string }) => one.id);
    };
    await ask(grant("id"), giving("two", "guide"));
    await ask(grant("id"), giving("ada", "guide", "acme"));
    const [of] = await grants("two", "north");
    const [own] = await grants("ada", "acme");

    const other = await ask(revoke, { input: { grantId: of } });
    const self = await ask(revoke, { input: { grantId: own } });

    expect(other.data).toEqual({ revokeGrant: { membership: { id: acme.id("Membership", "two@north") } } });
    expect(other.statements).toBe(self.statements - OF_A_SESSION);
  });

  it("is whole where it asks for more, once and the next time, and the change is made once", async () => {
    const document = `mutation($input: GrantRoleInput!, $more: Boolean!) { grantRole(input: $input) { __typename
      ... on GrantRolePayload { membership { id createdAt grants @include(if: $more) { role { key } } } } } }`;
    const few = await ask(document, { ...giving("three", "auditor"), more: false });

    const more = [];
    for (const name of ["four", "five"])
      more.push((await ask(document, { ...giving(name, "auditor"), more: true })).data);
    const less = await ask(document, { ...giving("six", "auditor"), more: false });

    const whole = (name: string) => ({
      grantRole: {
        __typename: "GrantRolePayload",
        membership: {
          id: acme.id("Membership", `${name}@north`),
          createdAt: expect.any(String),
          grants: expect.arrayContaining([{ role: { key: "auditor" } }, { role: { key: "member" } }]),
        },
      },
    });
    expect(more).toEqual([whole("four"), whole("five")]);
    for (const name of ["three", "four", "five", "six"]) expect(await given(name)).toHaveLength(1);
    // From then on it is not tried any more.
    expect(less.statements).toBe(few.statements + OF_A_SESSION);
  });

  it("of several changes is read in a session of each", async () => {
    const document = `mutation($a: GrantRoleInput!, $b: GrantRoleInput!, $two: Boolean!) {
      a: grantRole(input: $a) { ... on GrantRolePayload { membership { id } } }
      b: grantRole(input: $b) @include(if: $two) { ... on GrantRolePayload { membership { id } } } }`;
    const variables = (role: string) => ({ a: giving("one", role).input, b: giving("two", role).input });

    const one = await ask(document, { ...variables("guide"), two: false });
    const two = await ask(document, { ...variables("viewer"), two: true });

    const [first, second] = ["one", "two"].map((name) => ({
      membership: { id: acme.id("Membership", `${name}@north`) },
    }));
    expect([one.data, two.data]).toEqual([{ a: first }, { a: first, b: second }]);
    expect(two.statements).toBeGreaterThan(2 * (one.statements + OF_A_SESSION) - 1);
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
    const [first, second] = [await askWhy(document, { input: input(1) }), await ask(document, { input: input(2) })];

    const [thing, name] = fields.split(/ \{ | \}/) as [string, string];
    const wanted = input(2) as Record<string, unknown>;
    expect(second.data).toEqual({ [field]: { [thing]: { [name]: wanted[name] } } });
    expect(second.statements).toBe(first.statements - OF_A_SESSION);
  });
});
