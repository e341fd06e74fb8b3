import fc from "fast-check";
import { encodeId } from "../../../src/graphql/nodeId.js";
import { type Facts, PERMISSIONS, readFacts } from "../../oracle/facts.js";
import { Judge } from "../../oracle/judge.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { anySketch } from "../../support/sketches.js";
import { type Planted, world } from "../../support/world.js";

const TENANTS = 6;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const DOCUMENT = `{
  organizations(first: 100) { nodes { id children(first: 100) { nodes { id } } } }
  viewer {
    all: organizations(first: 100) { nodes { id } }
    ${PERMISSIONS.map(
      (permission, n) => `p${n}: organizations(first: 100, permission: "${permission}") { nodes { id } }`,
    ).join("\n")}
  }
}`;

interface Nodes {
  readonly nodes: readonly { readonly id: string; readonly children?: Nodes | null }[];
}
const idsOf = ({ nodes }: Nodes) => nodes.map(({ id }) => id);

/** Organizations in the order of their lists, as global ids. */
const listed = (organizations: Facts["organizations"]) =>
  [...organizations]
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)) || (a.id < b.id ? -1 : 1))
    .map(({ id }) => encodeId("Organization", id));

async function holds({ slug, users, as }: Planted, person: string): Promise<void> {
  const facts = await readFacts(homeOf(gateway, slug), slug);
  const judge = new Judge(facts, users[person]!);
  const seen = facts.organizations.filter(({ id }) => judge.sees(id));

  const { data } = await as(person).ask(DOCUMENT);

  expect(idsOf(data.organizations)).toEqual(listed(seen));
  expect(idsOf(data.viewer.all)).toEqual(listed(seen));
  for (const [n, permission] of PERMISSIONS.entries()) {
    const held = seen.filter(({ id }) => judge.allows(id, permission));
    expect([permission, idsOf(data.viewer[`p${n}`])]).toEqual([permission, listed(held)]);
  }
  for (const [n, { id }] of data.organizations.nodes.entries()) {
    const own = facts.organizations.find((one) => encodeId("Organization", one.id) === id)!;
    const children = data.organizations.nodes[n].children as Nodes | null;
    const right = judge.allows(own.id, "organizations:read")
      ? seen.filter(({ parentId }) => parentId === own.id)
      : null;
    expect(children && idsOf(children)).toEqual(right && listed(right));
  }
}

describe("lists of organizations", () => {
  it("hold what the viewer sees and nothing else, whatever the tree, the grants and the suspensions", async () => {
    const seed = Number(process.env.SEED ?? Date.now());
    const sketches = fc.sample(anySketch, { numRuns: TENANTS, seed });
    const tenants = Object.fromEntries(sketches.map((sketch, n) => [`random-${n}`, sketch] as const));
    const planted = await world(gateway, tenants);

    for (const [slug, tenant] of Object.entries(planted)) {
      for (const person of ["vera", "otto"]) {
        await holds(tenant, person).catch((error) => {
          throw new Error(`${person} in ${slug} of seed ${seed}: ${(error as Error).message}`);
        });
      }
    }
  });
});
