import type { GraphQLResolveInfo } from "graphql";
import { Access, type Grounds, type Place } from "../../src/access/access.js";
import type { Context } from "../../src/graphql/context.js";
import { AllNamed, NAMEABLE } from "../../src/graphql/named.js";
import { encodeId } from "../../src/graphql/nodeId.js";
import type { Scope } from "../../src/graphql/operation.js";
import { anyone, fromArgs, fromSource, may, type Rule, signedIn, visible } from "../../src/graphql/policy.js";
import { toShield } from "../../src/graphql/verdict.js";
import { newId, type OrganizationId, type UserId } from "../../src/ids.js";
import { buildSchema } from "../../src/schema.js";
import { PERMISSIONS } from "../oracle/facts.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { type Planted, world } from "../support/world.js";

const LEAVES = 100;
const leaf = (n: number) => `leaf-${n}`;
const leaves = Array.from({ length: LEAVES }, (_, n) => leaf(n));
/** The one in which lis may not read members. */
const CLOSED = 41;

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: Object.fromEntries(leaves.map((slug) => [slug, {}])) },
      people: {
        lis: [
          { at: "acme", can: ["organizations:read"], reach: "SUBTREE" },
          ...leaves.filter((slug) => slug !== leaf(CLOSED)).map((at) => ({ at, can: ["members:read"] })),
        ],
      },
    },
  }));
});
afterAll(() => gateway.close());

const idOf = (slug: string) => acme.id("Organization", slug);
const at = (alias: string, slug: string, selection = "{ slug memberCount }") =>
  `${alias}: organization(by: { id: "${idOf(slug)}" }) ${selection}`;
const open = (n: number) => ({ slug: leaf(n), memberCount: 1 });
const closed = { slug: leaf(CLOSED), memberCount: null };
const denialAt = (...path: (string | number)[]) => ({
  path,
  extensions: { code: "FORBIDDEN", permission: "members:read", organizationId: idOf(leaf(CLOSED)) },
});

describe("a verdict", () => {
  it.each([
    ["allowed first", ["a", "b"]],
    ["denied first", ["b", "a"]],
  ])("is of each field's own organization: %s", async (_order, order) => {
    const fields = { a: at("a", leaf(0)), b: at("b", leaf(CLOSED)) };

    const { data, errors } = await acme.as("lis").ask(`{ ${order.map((key) => fields[key as "a"]).join(" ")} }`);

    expect(data).toEqual({ a: open(0), b: closed });
    expect(errors).toEqual([expect.objectContaining(denialAt("b", "memberCount"))]);
  });

  it("is of each one's own among fifty aliases, all behind one fragment", async () => {
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    const aliases = numbers.map((n) => at(`a${n}`, leaf(n), "{ ...F }")).join(" ");

    const { data, errors } = await acme
      .as("lis")
      .ask(
        `{ ...All } fragment All on Query { ${aliases} } fragment F on Organization { slug ...C } fragment C on Organization { memberCount }`,
      );

    expect(data).toEqual(Object.fromEntries(numbers.map((n) => [`a${n}`, n === CLOSED ? closed : open(n)])));
    expect(errors).toEqual([expect.objectContaining(denialAt(`a${CLOSED}`, "memberCount"))]);
  });

  it("is of each mutation's own arguments", async () => {
    const create = (alias: string, slug: string) =>
      `${alias}: createOrganization(input: { parentId: "${idOf(slug)}", name: "N", slug: "x" }) { __typename }`;

    const { errors } = await acme.as("lis").ask(`mutation { ${create("a", leaf(0))} ${create("b", leaf(1))} }`);

    expect(errors?.map(({ path, extensions }) => [path, extensions.organizationId])).toEqual([
      [["a"], idOf(leaf(0))],
      [["b"], idOf(leaf(1))],
    ]);
  });
});

describe("one denial among a hundred", () => {
  const ids = () => leaves.map(idOf);
  const documents: [where: string, document: string, path: string[]][] = [
    ["nodes of a connection", "{ list: organizations(last: 100) { nodes { slug memberCount } } }", ["list", "nodes"]],
    [
      "edges of a connection",
      '{ list: organization(by: { slug: "acme" }) { children(first: 100) { edges { node { slug memberCount } } } } }',
      ["list", "children", "edges"],
    ],
    [
      "a list behind an interface",
      "query($ids: [ID!]!) { list: nodes(ids: $ids) { ... on Organization { slug memberCount } } }",
      ["list"],
    ],
  ];

  it.each(documents)("nulls its own field and none beside it: %s", async (_where, document, path) => {
    const variables = document.startsWith("query") ? { ids: ids() } : undefined;

    const { data, errors = [] } = await acme.as("lis").ask(document, variables);

    const rows = path.reduce((value, key) => value[key], data) as { node?: object }[];
    const shown = rows.map((row) => row.node ?? row);
    expect(new Set(shown)).toEqual(new Set(leaves.map((_, n) => (n === CLOSED ? closed : open(n)))));
    expect(errors.map(({ extensions }) => extensions)).toEqual([denialAt().extensions]);
    expect(errors[0]!.path!.slice(0, path.length)).toEqual(path);
    expect(errors[0]!.path!.at(-1)).toBe("memberCount");
  });
});

/** What a rule may be asked: by one who holds everything in one place and below, by one who does in the root, by nobody. */
function inputsOf(rule: Rule) {
  const place = (...path: OrganizationId[]): Place => ({ id: newId<OrganizationId>(), path });
  const root = place();
  const mine = place(root.id);
  const [below, other] = [place(root.id, mine.id), place(root.id)];
  const holding = (at: Place): Grounds => ({
    grants: [{ at, reach: "SUBTREE", permissions: new Set(PERMISSIONS), expiresAt: null }],
    memberOf: [at, root],
    suspended: [],
    archived: [],
  });
  const viewer = { kind: "USER" as const, id: newId<UserId>() };
  const places = [root, mine, below, other];
  const named = new AllNamed(
    NAMEABLE.flatMap((type) => places.map((one) => ({ type, id: one.id, place: one, userId: null, expiresAt: null }))),
  );
  const scopes = [mine, root].map(
    (at) => ({ access: new Access(holding(at)), viewer, root, named }) as unknown as Scope,
  );
  const contexts = [...scopes, null].map(
    (scope) => ({ identity: scope && {}, operation: { scope } }) as unknown as Context,
  );
  const type = rule.kind === "may" && rule.where.from === "args" ? rule.where.type : "Organization";
  const sources: unknown[] = [...places, {}, null, undefined, "text", { id: mine.id }, { id: 5, path: [] }];
  const ids: unknown[] = [
    ...places.map(({ id }) => encodeId(type, id)),
    encodeId(type, newId()),
    encodeId("User", mine.id),
    mine.id,
    "",
    null,
    undefined,
    5,
  ];
  return { contexts, sources, ids };
}

/** The arguments of a field that hold a value where its rule looks. */
const argsWith = (rule: Rule, value: unknown): Record<string, unknown> => {
  const path = rule.kind === "may" && rule.where.from === "args" ? rule.where.path : ["input"];
  const last = path.at(-1)!;
  const also = rule.kind === "may" && rule.also?.where.from === "args" ? rule.also.where.path.at(-1)! : last;
  // What concerns two organizations names both in one input.
  return path
    .slice(0, -1)
    .reduceRight<unknown>((inner, key) => ({ [key]: inner }), { [last]: value, [also]: value }) as Record<
    string,
    unknown
  >;
};

describe("a rule", () => {
  const { rules } = buildSchema();
  const all: [string, Rule][] = [
    ...rules,
    ["anyone", anyone],
    ["signedIn", signedIn],
    ["visible", visible("id").id],
    ["may in the source", may("members:read").in(fromSource)],
    ["may in an argument, and below", may("organizations:create", "SUBTREE").in(fromArgs("input.parentId"))],
  ];

  it.each(all)("gives the verdict by executeRule that graphql-shield gives by resolve: %s", async (name, rule) => {
    const shield = toShield(name, rule);
    const { contexts, sources, ids } = inputsOf(rule);
    const seen = new Set<string>();

    for (const ctx of contexts) {
      for (const source of sources) {
        for (const id of ids) {
          const args = argsWith(rule, id);
          const info = {} as GraphQLResolveInfo;
          const ours = shield.executeRule(source, args, ctx, info, {});
          const theirs = await shield.resolve(source as object, args, ctx as never, info, { debug: true } as never);
          expect(theirs).toEqual(ours);
          seen.add(ours === true ? "yes" : (ours as Error).name + (ours as Error).message);
        }
      }
    }

    const decides = rule.kind !== "anyone" && rule.kind !== "visible";
    expect(seen.has("yes")).toBe(true);
    expect(seen.size > 1).toBe(decides);
  });
});
