import { openGateway, type TestGateway } from "../support/gateway.js";
import { ACCESS } from "../support/statements.js";
import { type Planted, world } from "../support/world.js";

const ORGANIZATIONS = 50;
const slugs = Array.from({ length: ORGANIZATIONS }, (_, n) => `c${n}`);
const member = (at: string) => ({ at, roles: ["member"] });

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  const colleagues = slugs.map(
    (slug, n) => [`m${n}`, [member(slug), member(slugs[(n + 1) % ORGANIZATIONS]!)]] as const,
  );
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: Object.fromEntries(slugs.map((slug) => [slug, {}])) },
      people: {
        few: [member("c0"), member("c1")],
        many: slugs.map(member),
        // Sees every organization, and may read no members.
        guest: slugs.map((at) => ({ at, roles: ["guest"] })),
        ...Object.fromEntries(colleagues),
      },
    },
  }));
});
afterAll(() => gateway.close());

const PREFIX = ["begin isolation level repeatable read read only", "select set_config("];
const END = "commit";

/** The statements of a query by what they are for. */
async function statementsOf(person: string, document: string) {
  await acme.as(person).get(document);
  const all = await gateway.database.statements(() => acme.as(person).get(document));
  const isOf = (beginnings: readonly string[]) => (text: string) => beginnings.some((begin) => text.startsWith(begin));
  return {
    prefix: all.filter(isOf(PREFIX)),
    access: all.filter(isOf([ACCESS])),
    end: all.filter(isOf([END])),
    data: all.filter((text) => !isOf([...PREFIX, ACCESS, END])(text)),
  };
}

const byId = (n: number) => `organization(by: { id: "${acme.id("Organization", slugs[n]!)}" })`;
const SWITCHER =
  "{ viewer { memberships(first: 100) { nodes { organization { name memberCount } roles { key name } } } } }";
const PAGE =
  '{ organization(by: { slug: "c1" }) { memberships(first: 100) { nodes { user { displayName } roles { key } } } } }';
const DEEP = `{ viewer { memberships(first: 100) { nodes { organization { memberships(first: 100) { nodes { user {
  memberships(first: 100) { nodes { organization { name } } } } } } } } } } }`;

describe("the number of statements", () => {
  it.each([
    ["a switcher", SWITCHER, 3],
    ["a page of members", PAGE, 4],
    ["a deep question across organizations", DEEP, 6],
  ])("of %s does not grow with rows or organizations", async (_what, document, most) => {
    const few = await statementsOf("few", document);
    const many = await statementsOf("many", document);

    expect(few.data.length).toBeLessThanOrEqual(most);
    expect(many).toEqual(few);
    expect([few.prefix.length, few.access.length, few.end.length]).toEqual([2, 1, 1]);
  });

  it("does not grow with aliases, each for an organization of its own", async () => {
    const selection = "{ name memberCount memberships(first: 3) { nodes { user { displayName } } } roles { key } }";
    const one = await statementsOf("many", `{ a0: ${byId(0)} ${selection} }`);
    const fifty = await statementsOf("many", `{ ${slugs.map((_, n) => `a${n}: ${byId(n)} ${selection}`).join(" ")} }`);

    expect(fifty).toEqual(one);
    expect([one.prefix.length, one.access.length, one.end.length]).toEqual([2, 1, 1]);
  });

  it("does not grow with nodes, nor with pages that differ", async () => {
    const ids = (count: number) => slugs.slice(0, count).map((slug) => JSON.stringify(acme.id("Organization", slug)));
    const page = (n: number) => `m${n}: memberships(first: ${n + 1}) { nodes { id } }`;
    const document = (count: number) =>
      `{ nodes(ids: [${ids(count)}]) { ... on Organization { name ${slugs
        .slice(0, count)
        .map((_, n) => page(n))
        .join(" ")} } } }`;

    expect(await statementsOf("many", document(20))).toEqual(await statementsOf("many", document(1)));
  });

  it("is that of access alone where nothing is asked but what is refused, for one organization as for fifty", async () => {
    const ask = (count: number) => {
      const aliases = slugs.slice(0, count).map((_, n) => `a${n}: ${byId(n)} { ...Members }`);
      return `{ ${aliases.join(" ")} } fragment Members on Organization { memberCount memberships(first: 3) { nodes { id } } }`;
    };
    const statements = async (document: string) => {
      const all = await gateway.database.statements(() => acme.as("guest").ask(document));
      return all.map((text) => [...PREFIX, ACCESS, END].find((begin) => text.startsWith(begin)));
    };
    await acme.as("guest").ask(ask(1));

    const [one, fifty] = [await statements(ask(1)), await statements(ask(ORGANIZATIONS))];

    expect(one).toEqual([...PREFIX, ACCESS, END]);
    expect(fifty).toEqual(one);
  });
});
