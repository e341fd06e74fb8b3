import { openGateway, type TestGateway } from "../../support/gateway.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let mill: Planted;
beforeAll(async () => {
  const branches = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`b${n}`, {}]));
  gateway = await openGateway();
  ({ mill } = await world(gateway, {
    mill: {
      tree: { mill: { yard: { shed: branches } } },
      roles: { writer: { at: "yard", permissions: ["organizations:update"] } },
      people: {
        olga: [{ at: "mill", roles: ["owner"], reach: "SUBTREE" }],
        // Sees shed and all below, and nothing of mill, where something was given and has ended.
        gil: [
          { at: "shed", roles: ["guest"], reach: "SUBTREE" },
          { at: "mill", roles: ["admin"], reach: "SUBTREE", until: new Date(Date.now() - 60_000) },
        ],
        mar: [{ at: "shed", can: ["organizations:read", "organizations:create"] }],
      },
    },
  }));
});
afterAll(() => gateway.close());

const MEMBERS = '{ organization(by: { slug: "shed" }) { slug memberships { nodes { id } } } }';

/** A request that asks why, or does not. */
async function ask(who: string, query: string, why = true) {
  const answer = await mill.as(who, why ? { "x-tenantry-explain": "1" } : undefined).ask(query);
  return { ...answer, explanations: answer.errors?.map(({ extensions }) => extensions.explanation) };
}

describe("a denial", () => {
  it("says why when the request asks for it: what was tried, and what would help", async () => {
    const { data, errors, explanations } = await ask("gil", MEMBERS);

    expect(data).toEqual({ organization: { slug: "shed", memberships: null } });
    expect(errors?.[0]?.extensions).toMatchObject({ code: "FORBIDDEN", permission: "members:read" });
    expect(explanations).toEqual([
      {
        allowed: false,
        paths: [
          {
            allowed: false,
            reason: "The role does not have the permission.",
            organizationId: mill.id("Organization", "shed"),
            roleKey: "guest",
            reach: "SUBTREE",
            expiresAt: null,
          },
          {
            allowed: false,
            reason: "The membership has ended.",
            // Not any more for gil to see.
            organizationId: null,
            roleKey: "admin",
            reach: "SUBTREE",
            expiresAt: expect.any(String),
          },
        ],
        remedy: { organizationId: mill.id("Organization", "shed"), roleKey: "member", reach: "ORGANIZATION" },
      },
    ]);
  });

  it("is the same without it, for who does not ask", async () => {
    const [asked, plain] = [await ask("gil", MEMBERS), await ask("gil", MEMBERS, false)];

    expect(plain.explanations).toEqual([undefined]);
    const { explanation, ...extensions } = asked.errors![0]!.extensions;
    expect(explanation).toBeDefined();
    expect([plain.status, plain.data, plain.errors]).toEqual([
      asked.status,
      asked.data,
      [{ ...asked.errors![0], extensions }],
    ]);
  });

  it("of a change says why, and that a right reaches too short", async () => {
    const create = `createOrganization(input: { parentId: "${mill.id("Organization", "shed")}", name: "N", slug: "n" }) { __typename }`;
    const one = await ask("mar", `mutation { ${create} }`);
    const two = await ask("mar", `mutation { a: ${create} b: ${create} }`);

    const why = expect.objectContaining({
      allowed: false,
      paths: [
        expect.objectContaining({ reason: "The grant is for the organization alone, and this needs reach SUBTREE." }),
      ],
      remedy: expect.objectContaining({ organizationId: mill.id("Organization", "shed"), reach: "SUBTREE" }),
    });
    expect(one.errors?.[0]?.extensions).toMatchObject({ permission: "organizations:create", reach: "SUBTREE" });
    expect(one.explanations).toEqual([why]);
    expect(two.explanations).toEqual([why, why]);
  });

  it("says nothing of an organization that is hidden", async () => {
    const update = (slug: string) =>
      `mutation { updateOrganization(input: { organizationId: "${mill.id("Organization", slug)}", name: "N" }) { __typename } }`;

    expect((await ask("gil", update("mill"))).data).toEqual({ updateOrganization: { __typename: "NotFoundFailure" } });
    expect(
      (await ask("gil", 'mutation { upsertUser(input: { email: "a@b.test" }) { __typename } }')).explanations,
    ).toEqual([undefined]);
  });

  it("costs as many statements for twelve as for one", async () => {
    const sent = async (query: string, why: boolean) =>
      ofData(await gateway.database.statements(() => ask("gil", query, why))).length;
    const many =
      '{ organization(by: { slug: "shed" }) { children(first: 12) { nodes { memberships { nodes { id } } } } } }';

    const [one, twelve] = [await sent(MEMBERS, true), await sent(many, true)];

    expect((await ask("gil", many)).explanations).toHaveLength(12);
    expect(one - (await sent(MEMBERS, false))).toBeLessThanOrEqual(2);
    expect(twelve - (await sent(many, false))).toBeLessThanOrEqual(2);
  });

  it("explains the first hundred of an answer, and sends the others as they are", async () => {
    const aliases = Array.from({ length: 9 }, (_, n) => `m${n}: memberships { nodes { id } }`).join(" ");
    const { explanations } = await ask(
      "gil",
      `{ organization(by: { slug: "shed" }) { children(first: 12) { nodes { ${aliases} } } } }`,
    );

    expect(explanations).toHaveLength(108);
    expect(explanations?.map((one) => one !== undefined)).toEqual(Array.from({ length: 108 }, (_, n) => n < 100));
  });

  it("asks nothing of the database where nobody was denied", async () => {
    const query = '{ organization(by: { slug: "shed" }) { slug } }';
    const sent = async (why: boolean) => ofData(await gateway.database.statements(() => ask("gil", query, why)));

    expect(await sent(true)).toEqual(await sent(false));
  });
});
