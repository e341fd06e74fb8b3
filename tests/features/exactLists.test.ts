import fc from "fast-check";
import { type Facts, FIXED_ROLES, PERMISSIONS, readFacts } from "../oracle/facts.js";
import { Judge } from "../oracle/judge.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf, ownerInHome } from "../support/home.js";
import { listDocument, ofPage, walk } from "../support/pages.js";
import { buffersOf, sentBy } from "../support/sent.js";
import { anySketch } from "../support/sketches.js";
import { ofData } from "../support/statements.js";
import { type Planted, type TenantSketch, world } from "../support/world.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const asked = PERMISSIONS.map(
  (permission, n) => `p${n}: organizations(permission: "${permission}", first: 100) { nodes { uuid } }`,
);
/** Each way to give something, and what it needs. */
const GIVING = Object.entries({
  MANAGE: "members:manage",
  INVITE: "members:invite",
  DOMAINS: "domains:manage",
}).flatMap(([by, needed]) => (["ORGANIZATION", "SUBTREE"] as const).map((reach) => ({ by, needed, reach })));
const given = GIVING.map(({ by, reach }, n) => `g${n}: grantableRoles(by: ${by}, reach: ${reach}) { id key source }`);
const DOCUMENT = `{ viewer { ${asked.join(" ")} } organizations(first: 100) { nodes { uuid ${given.join(" ")} } } }`;

/** The roles that may be given somewhere, by key where they are fixed and by id otherwise, as a judge says. */
function grantable(
  facts: Facts,
  judge: Judge,
  organizationId: string,
  { needed, reach }: (typeof GIVING)[number],
): string[] {
  const parentOf = (id: string) => facts.organizations.find((one) => one.id === id)!.parentId;
  const chain = (id: string | null): string[] => (id === null ? [] : [id, ...chain(parentOf(id))]);
  const usable = [
    ...Object.entries(FIXED_ROLES),
    ...facts.roles
      .filter((role) => role.organizationId === null || chain(organizationId).includes(role.organizationId))
      .map(({ id, permissions }) => [id, permissions] as const),
  ];
  if (!judge.allows(organizationId, needed)) return [];
  const holds = (permission: string) => judge.allows(organizationId, permission, reach);
  return usable.filter(([, permissions]) => permissions.every(holds)).map(([name]) => name);
}

/** Beside what chance makes: people who hold something and may give it. */
const SURE: TenantSketch = {
  tree: { o0: { o1: {} } },
  roles: { local: { at: "o1", permissions: ["members:read"] } },
  people: {
    vera: [{ at: "o0", roles: ["owner"], reach: "SUBTREE" }],
    otto: [{ at: "o1", roles: ["admin"] }],
  },
};

describe("viewer.organizations(permission:) and grantableRoles", () => {
  it("are what a judge says who goes through the rows one by one", async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    const sketches = [SURE, ...fc.sample(anySketch, { numRuns: 8, seed })];
    const planted = await world(gateway, Object.fromEntries(sketches.map((sketch, n) => [`any-${n}`, sketch])));
    let [grantableRoles, listed] = [0, 0];
    for (const { slug } of Object.values(planted)) {
      const facts = await readFacts(homeOf(gateway, slug), slug);
      for (const { id, email } of facts.users) {
        const judge = new Judge(facts, id);
        const ids = facts.organizations.map((one) => one.id);

        const { viewer, organizations } = (await gateway.as(email!, slug).ask(DOCUMENT)).data;

        for (const [n, permission] of PERMISSIONS.entries()) {
          const told: string[] = viewer[`p${n}`].nodes.map(({ uuid }: { uuid: string }) => uuid);
          const expected = ids.filter((one) => judge.allows(one, permission) && judge.sees(one));
          expect([seed, email, permission, told.sort()]).toEqual([seed, email, permission, expected.sort()]);
          listed += told.length;
        }
        for (const { uuid, ...roles } of organizations.nodes)
          for (const [n, way] of GIVING.entries()) {
            const told: string[] = roles[`g${n}`].map((role: { id: string; key: string; source: string }) =>
              ["BUILT_IN", "PRODUCT"].includes(role.source)
                ? role.key
                : Buffer.from(role.id, "base64url").toString().split(":")[1]!,
            );
            const expected = grantable(facts, judge, uuid, way).sort();
            expect([seed, email, uuid, way, told.sort()]).toEqual([seed, email, uuid, way, expected]);
            grantableRoles += told.length;
          }
      }
    }
    expect(Math.min(grantableRoles, listed)).toBeGreaterThan(5);
  });
});

describe("in a tenant of 10,000 organizations and as many people", () => {
  let big: Planted;
  beforeAll(async () => {
    ({ big } = await world(gateway, {
      big: {
        tree: { big: { r0: {} } },
        roles: { local: { at: "r0", permissions: ["members:read"] } },
        people: {
          olga: [{ at: "big", roles: ["owner"], reach: "SUBTREE" }],
          rita: [{ at: "r0", roles: ["admin"], reach: "SUBTREE" }],
        },
      },
    }));
    const sql = homeOf(gateway, "big");
    const columns = "(tenant_id, id, parent_id, path, slug, name, created_at, updated_at)";
    await sql(
      `insert into organizations ${columns} select tenant_id, gen_random_uuid(), id, array[id], 'r' || n, 'Region ' || n, now(), now()
       from organizations, generate_series(1, 99) as n where parent_id is null`,
    );
    await sql(
      `insert into organizations ${columns} select tenant_id, gen_random_uuid(), id, path || id, slug || '-' || n, md5(slug || n), now(), now()
       from organizations, generate_series(1, 99) as n where cardinality(path) = 1`,
    );
    // A member in each organization but the first region's.
    await sql(
      `with made as (
         insert into users (tenant_id, id, display_name, created_at, updated_at)
         select tenant_id, id, md5(slug), now(), now() from organizations where slug !~ '^r0' returning tenant_id, id)
       insert into memberships (tenant_id, id, organization_id, user_id, created_at, updated_at)
       select tenant_id, id, id, id, now(), now() from made`,
    );
    await ownerInHome(gateway, "big", (owner) => owner("analyze organizations, users, memberships"));
  });

  const LIST = (page: string) =>
    `viewer { list: organizations(permission: "members:read", ${page}) ${ofPage("slug")} }`;
  const ROLES = "{ organizations(first: 100) { nodes { grantableRoles { key } } } }";
  const PEOPLE = "{ users(first: 100) { edges { node { displayName } } } }";
  const first = (size: number) => `{ ${LIST(`first: ${size}`)} }`;

  it("list all of them and no other", async () => {
    const found = await walk(big.as("rita"), listDocument(LIST), { size: 60 });

    expect(found.map(({ slug }) => String(slug)).sort()).toEqual(
      ["r0", ...Array.from({ length: 99 }, (_, n) => `r0-${n + 1}`)].sort(),
    );
    const { list } = (await big.as("olga").get(first(100))).viewer;
    const byName = await homeOf(
      gateway,
      "big",
    )('select slug from organizations order by name collate "C", id limit 100');
    expect(list.edges.map(({ node }: { node: { slug: string } }) => node.slug)).toEqual(byName.map(({ slug }) => slug));
  });

  it.each([
    ["organizations with a permission", first(100), 1],
    ["the roles that may be given in a hundred of them", ROLES, 2],
  ])("read %s in as many statements as in a tenant of two", async (_, document, statements) => {
    for (const who of ["olga", "rita"])
      expect(ofData(await gateway.database.statements(() => big.as(who).get(document)))).toHaveLength(statements);
  });

  it.each([
    ["olga", "organizations", first(100), 100, ["organizations"]],
    ["rita", "organizations", first(100), 100, ["organizations"]],
    ["olga", "people", PEOPLE, 100, ["users", "memberships", "organizations"]],
    ["rita", "people", PEOPLE, 1, ["users", "memberships", "organizations"]],
  ])(
    "read a page of %s's %s without going through the tables more than twice",
    async (who, _, document, rows, tables) => {
      let found: { readonly edges: readonly unknown[] };
      const sent = await sentBy(gateway.database, async () => {
        const { viewer, users } = await big.as(who).get(document);
        found = viewer?.list ?? users;
      });
      const [buffers] = await buffersOf(gateway.database, "big", [
        sent.find(({ text }) => /jsonb_to_recordset/.test(text))!,
      ]);

      const sizes = tables.map((table) => `pg_relation_size('${table}')`).join(" + ");
      const [table] = await homeOf(gateway, "big")(`select ((${sizes}) / 8192)::int as pages`);
      expect(found!.edges).toHaveLength(rows);
      expect(table!.pages).toBeGreaterThan(100);
      expect(buffers).toBeLessThan(2 * Number(table!.pages));
    },
  );
});
