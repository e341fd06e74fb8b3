import fc from "fast-check";
import { type GraphQLField, getNamedType, isObjectType } from "graphql";
import { buildSchema } from "../../src/schema.js";
import { isConnection } from "../support/documents.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { type Planted, world } from "../support/world.js";

const { schema } = buildSchema();
const ROWS = 17;
const slugs = Array.from({ length: ROWS }, (_, n) => `c${n}`);

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: Object.fromEntries(slugs.map((slug) => [slug, {}])) },
      roles: { common: { permissions: ["organizations:read"] } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }, ...slugs.map((at) => ({ at, roles: ["member"] }))],
        ...Object.fromEntries(slugs.map((slug) => [`of-${slug}`, [{ at: "acme", roles: ["guest", "common"] }]])),
      },
      events: { acme: ROWS },
      asking: { acme: slugs.map((slug) => `asking-${slug}`) },
      invited: { acme: slugs.map((slug) => `invited-${slug}`) },
    },
  }));
  // Many of one name, so that the order has to be settled by id.
  await homeOf(gateway, "acme")("update organizations set name = 'n' || length(slug) where parent_id is not null");
});
afterAll(() => gateway.close());

/** Every list of the schema that comes in pages, and how to get there. */
const LISTS: [coordinate: string, field: GraphQLField<unknown, unknown>][] = Object.values(schema.getTypeMap()).flatMap(
  (type): typeof LISTS =>
    isObjectType(type)
      ? Object.values(type.getFields())
          .filter((field) => isConnection(getNamedType(field.type)))
          .map((field) => [`${type.name}.${field.name}`, field])
      : [],
);

const SOURCES: Record<string, () => string> = {
  Organization: () => `node(id: "${acme.id("Organization", "acme")}")`,
  User: () => `node(id: "${acme.id("User", "ada")}")`,
  Viewer: () => "viewer",
  RoleUpdatePreview: () => `roleUpdatePreview(roleId: "${acme.id("Role", "common")}", permissions: [])`,
};
/** Rows that have no id of their own, by that of what they are about. */
const IDS: Record<string, string> = { RoleUpdateEffect: "id: grant { id }" };

interface Args {
  readonly first?: number;
  readonly last?: number;
  readonly after?: string | null;
  readonly before?: string | null;
}

/** A page of a list: the ids and cursors on it, and what it says of itself. */
async function pageOf([coordinate, { type: listed }]: (typeof LISTS)[number], args: Args) {
  const [type, field] = coordinate.split(".") as [string, string];
  const given = Object.entries(args).filter(([, value]) => value !== undefined);
  const written = given.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ");
  const key = IDS[getNamedType(listed).name.replace("Connection", "")] ?? "id";
  const list = `list: ${field}${written && `(${written})`} {
    edges { cursor node { ${key} } } nodes { ${key} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
  const source = SOURCES[type];
  if (!source && type !== "Query") throw new Error(`Say where a ${type} is to be found.`);
  const data = await acme.as("ada").get(source ? `{ at: ${source()} { ... on ${type} { ${list} } } }` : `{ ${list} }`);
  const { edges, nodes, pageInfo } = source ? data.at.list : data.list;
  const idOf = ({ id }: { id: string | { id: string } }) => (typeof id === "string" ? id : id.id);
  const ids: string[] = edges.map(({ node }: { node: { id: string } }) => idOf(node));
  expect(nodes.map(idOf)).toEqual(ids);
  const cursors: string[] = edges.map(({ cursor }: { cursor: string }) => cursor);
  expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([cursors[0] ?? null, cursors.at(-1) ?? null]);
  return { ids, cursors, pageInfo };
}

const takes = (field: GraphQLField<unknown, unknown>, name: string) => field.args.some((arg) => arg.name === name);

describe.each(LISTS)("%s", (coordinate, field) => {
  let whole: Awaited<ReturnType<typeof pageOf>>;
  beforeAll(async () => {
    whole = await pageOf([coordinate, field], { first: 100 });
  });

  it("has rows enough to page through, each once", () => {
    expect(whole.ids.length).toBeGreaterThan(2);
    expect(new Set(whole.ids).size).toBe(whole.ids.length);
    expect(whole.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
  });

  it("gives the slice that is asked for, from either end, between any two places", async () => {
    const count = whole.ids.length;
    const place = fc.option(fc.nat({ max: count - 1 }));
    const backward = takes(field, "last") ? fc.boolean() : fc.constant(false);
    const before = takes(field, "before") ? place : fc.constant(null);

    await fc.assert(
      fc.asyncProperty(backward, fc.nat({ max: count + 1 }), place, before, async (isBackward, size, from, to) => {
        const low = from === null ? 0 : from + 1;
        const high = Math.max(low, to ?? count);
        const [start, end] = isBackward ? [Math.max(low, high - size), high] : [low, Math.min(high, low + size)];

        const page = await pageOf([coordinate, field], {
          ...(isBackward ? { last: size } : { first: size }),
          ...(from !== null && { after: whole.cursors[from]! }),
          ...(to !== null && { before: whole.cursors[to]! }),
        });

        expect(page.ids).toEqual(whole.ids.slice(start, end));
        // Between two places that are the wrong way round there is no page to go on from.
        if (to !== null && to < low) return;
        expect(page.pageInfo).toMatchObject({ hasPreviousPage: start > 0, hasNextPage: end < count });
      }),
      { numRuns: 25 },
    );
  });

  it("gives every row once, in order, to whoever walks through it page by page", async () => {
    await walk([coordinate, field], whole.ids, false);
    if (takes(field, "last")) await walk([coordinate, field], whole.ids, true);
  });
});

async function walk(list: (typeof LISTS)[number], ids: readonly string[], isBackward: boolean): Promise<void> {
  const seen: string[] = [];
  let cursor: string | null = null;
  for (let size = 1; ; size = (size % 3) + 1) {
    const page: Awaited<ReturnType<typeof pageOf>> = await pageOf(
      list,
      isBackward ? { last: size, before: cursor } : { first: size, after: cursor },
    );
    if (isBackward) seen.unshift(...page.ids);
    else seen.push(...page.ids);
    cursor = isBackward ? page.pageInfo.startCursor : page.pageInfo.endCursor;
    if (!(isBackward ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage)) break;
  }
  expect(seen).toEqual(ids);
}
