import { change } from "../../support/change.js";
import { openGateway, type TestGateway, UNLIMITED } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { ofData } from "../../support/statements.js";
import { CROOKED } from "../../support/tree.js";
import { type Planted, type Tree, world } from "../../support/world.js";

const DEPTH = 16;
const ORGANIZATIONS = 10_000;

let gateway: TestGateway;
let wide: Planted;
let slim: Planted;
beforeAll(async () => {
  gateway = await openGateway({ limits: UNLIMITED });
  const chain = (below: number): Tree => ({ [`level-${DEPTH - below}`]: below === 0 ? {} : chain(below - 1) });
  const people = { ada: [{ at: "level-0", roles: ["owner"], reach: "SUBTREE" as const }] };
  ({ wide, slim } = await world(gateway, {
    wide: { tree: { "level-0": { ...chain(DEPTH)["level-0"], beside: {} } }, people },
    slim: { tree: { "level-0": { ...chain(DEPTH)["level-0"], beside: {} } }, people },
  }));
  // Below each level but the last as many as there are below the others.
  await homeOf(gateway, "wide")(
    `insert into organizations (tenant_id, id, parent_id, path, slug, name, created_at, updated_at)
     select tenant_id, gen_random_uuid(), id, path || id, slug || '-' || n, slug || ' ' || n, now(), now()
     from organizations, generate_series(1, $1) n where slug ~ '^level-' and slug <> $2`,
    [Math.ceil((ORGANIZATIONS - DEPTH - 2) / DEPTH), `level-${DEPTH}`],
  );
});
afterAll(() => gateway.close());

const nested = (levels: number): string =>
  levels === 0 ? "" : `children(first: 5, orderBy: CREATED_AT_ASC) { nodes { slug ${nested(levels - 1)} } }`;

describe("a tenant of 10,000 organizations, sixteen levels deep", () => {
  it.each([
    [
      "a page with parents, ancestors and children",
      4,
      "{ organizations(first: 100) { nodes { parent { slug } ancestors { slug } children(first: 3) { nodes { slug } } } } }",
    ],
    ["a search", 1, '{ organizations(first: 20, filter: { search: "level 7" }) { nodes { slug } } }'],
    ["all below", 2, '{ organization(by: { slug: "level-1" }) { descendants(first: 100) { nodes { slug } } } }'],
    ["every level down to the last", DEPTH + 1, `{ organization(by: { slug: "level-0" }) { ${nested(DEPTH)} } }`],
  ])("is read with one statement for a level: %s", async (_what, most, document) => {
    const of = (tenant: Planted) => gateway.database.statements(() => tenant.as("ada").get(document));

    const [large, small] = [await of(wide), await of(slim)];

    expect(ofData(large).length).toBe(ofData(small).length);
    expect(ofData(large).length).toBeLessThanOrEqual(most);
  });

  it("is moved as a whole in as many statements as a small one", async () => {
    const [large, small] = [wide, slim].map((tenant) => async () => {
      const ids = {
        organizationId: tenant.id("Organization", "level-2"),
        parentId: tenant.id("Organization", "beside"),
      };
      const statements = await gateway.database.statements(async () => {
        expect(await change(tenant.as("ada"), "moveOrganization", ids, "organization { slug }")).toMatchObject({
          organization: { slug: "level-2" },
        });
      });
      return ofData(statements).length;
    }) as [() => Promise<number>, () => Promise<number>];

    expect(await large()).toBe(await small());
    const [counted] = await homeOf(gateway, "wide")("select count(*)::int from organizations");
    expect(counted!.count).toBeGreaterThanOrEqual(ORGANIZATIONS);
    expect(await homeOf(gateway, "wide")(CROOKED)).toEqual([]);
  });
});
