import { createHook } from "node:async_hooks";
import { TENANTRY } from "../../bench/peers/documents.mjs";
import { encodeId } from "../../src/graphql/nodeId.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf, ownerInHome } from "../support/home.js";
import { buffersOf, sentBy } from "../support/sent.js";
import { type Planted, world } from "../support/world.js";

// What the benchmark asks for, held here by what repeats exactly: statements, buffers, and promises. Bytes do not: how much is
// put on the heap is for the compiler to decide, which decides otherwise each time.
const [FEW, MANY] = [100, 20_000];

let gateway: TestGateway;
let big: Planted;
/** Memberships of each organization that lack a role. */
const lacking: Record<string, string[]> = {};
beforeAll(async () => {
  gateway = await openGateway();
  ({ big } = await world(gateway, {
    big: {
      tree: { big: { few: {}, many: {}, other: {} } },
      roles: { reader: { permissions: ["members:read"] }, writer: { permissions: [] } },
      people: {
        olga: [
          { at: "big", roles: ["owner"], reach: "SUBTREE" },
          ...["few", "many", "other"].map((at) => ({ at, roles: ["reader"] })),
        ],
        inFew: [{ at: "few", roles: ["reader"] }],
        inMany: [{ at: "many", roles: ["reader"] }],
      },
    },
  }));
  const sql = homeOf(gateway, "big");
  await sql(
    `insert into users (tenant_id, id, display_name, email, created_at, updated_at)
     select tenant_id, md5('user' || n)::uuid, 'Person ' || n, 'person' || n || '@big.test', now(), now()
     from tenant, generate_series(1, ${MANY}) as n`,
  );
  await sql(
    `insert into memberships (tenant_id, id, organization_id, user_id, status, created_at, updated_at)
     select o.tenant_id, md5(o.slug || n)::uuid, o.id, md5('user' || n)::uuid, 'ACTIVE', now(), now()
     from organizations o, generate_series(1, ${MANY}) as n
     where o.slug = 'many' or o.slug = 'few' and n <= ${FEW} or o.slug = 'other' and n % 3 = 0`,
  );
  await sql(
    `insert into grants (tenant_id, id, membership_id, role_id, reach, created_at)
     select m.tenant_id, md5('grant' || m.id)::uuid, m.id, r.id, 'ORGANIZATION', now()
     from memberships m join roles r on r.tenant_id = m.tenant_id and r.key = 'reader'
     where not exists (select from grants g where g.membership_id = m.id)`,
  );
  await ownerInHome(gateway, "big", (owner) => owner("analyze users, memberships, grants"));
  for (const { slug, id } of await sql(
    "select slug, md5(slug || n)::uuid as id from organizations, generate_series(1, 10) as n where slug in ('few', 'many')",
  ))
    lacking[String(slug)] = [...(lacking[String(slug)] ?? []), encodeId("Membership", String(id))];
});
afterAll(() => gateway.close());

const ask = (operation: keyof typeof TENANTRY, slug: string) => () =>
  big.as("olga").get(TENANTRY[operation], {
    ...(operation === "Q2" && { slug }),
    ...(operation === "M1" && { membershipId: lacking[slug]!.pop(), roleId: big.id("Role", "writer") }),
  });

/** How many promises are made while `work` runs. */
async function promisesOf(work: () => Promise<unknown>): Promise<number> {
  let made = 0;
  const init = (_id: number, type: string) => {
    if (type === "PROMISE") made++;
  };
  const hook = createHook({ init }).enable();
  try {
    await work();
  } finally {
    hook.disable();
  }
  return made;
}

describe("the operations of the benchmark", () => {
  it.each([
    ["Q1", "a switcher", 5],
    ["Q2", "a page of members", 6],
    ["Q3", "a deep question across organizations", 7],
    ["M1", "a role that is assigned", 10],
  ] as const)("%s, %s, are so many statements, prefix and end included", async (operation, _what, statements) => {
    await ask(operation, "few")();

    const sent = await gateway.database.statements(ask(operation, "few"));

    expect([sent.length, sent]).toEqual([statements, expect.anything()]);
  });

  it.each(["Q2", "M1"] as const)("%s reads no more of many thousands than of a hundred", async (operation) => {
    // What is written has been written: it cannot be done again to count.
    const reading = async (slug: string) =>
      (await sentBy(gateway.database, ask(operation, slug))).filter(({ text }) => !text.includes("insert into"));
    const [few, many] = [await reading("few"), await reading("many")];

    const [ofFew, ofMany] = [
      await buffersOf(gateway.database, "big", few),
      await buffersOf(gateway.database, "big", many),
    ];

    const sum = (counts: readonly number[]) => counts.reduce((all, one) => all + one, 0);
    expect(many.map(({ text }) => text)).toEqual(few.map(({ text }) => text));
    expect(ofFew.length).toBeGreaterThan(2);
    expect(sum(ofMany)).toBeLessThan(1.2 * sum(ofFew));
  });

  it("make a promise for a page, and none for a row that it shows or a field of it", async () => {
    const page = (first: number) => () =>
      big.as("olga").get(
        `{ organization(by: { slug: "many" }) { memberships(first: ${first}) { edges { cursor node {
          id status expiresAt user { id displayName email } organization { id slug name } roles { id name } } } pageInfo { hasNextPage } } } }`,
      );
    // Now and then a connection that is opened, or a timer, makes some of its own.
    const least = async (size: number) => {
      const counts: number[] = [];
      for (let n = 0; n < 5; n++) counts.push(await promisesOf(page(size)));
      return Math.min(...counts);
    };

    const [ofFew, ofMany] = [await least(10), await least(100)];

    // One for each row would be ninety.
    expect(ofFew).toBeGreaterThan(10);
    expect(Math.abs(ofMany - ofFew)).toBeLessThan(20);
  });

  it.each([
    ["Q1", 120],
    ["Q2", 800],
    ["Q3", 600],
  ] as const)("%s reads few buffers where an organization has many thousands", async (operation, most) => {
    const sent = await sentBy(gateway.database, ask(operation, "many"));

    const buffers = await buffersOf(gateway.database, "big", sent);

    expect(buffers.length).toBeGreaterThan(1);
    expect(buffers.reduce((all, one) => all + one, 0)).toBeLessThan(most);
  });
});
