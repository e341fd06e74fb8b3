import { buildSchema, execute, type GraphQLSchema, parse } from "graphql";
import { Access, type Place } from "../../src/access/access.js";
import { guard } from "../../src/graphql/guard.js";
import { AllNamed } from "../../src/graphql/named.js";
import { encodeId } from "../../src/graphql/nodeId.js";
import {
  anyone,
  definePolicy,
  finding,
  fromArgs,
  fromSource,
  inherited,
  may,
  type Policy,
  signedIn,
  visible,
} from "../../src/graphql/policy.js";
import { newId, type OrganizationId } from "../../src/ids.js";

const SDL = `
  type Query { shop(id: ID!): Shop, me: Person }
  type Mutation { openShop(input: OpenShopInput!): OpenShopResult }
  interface Node { id: ID! }
  type Shop implements Node { id: ID!, till: Till, people(first: Int): PersonConnection }
  type Till { cash: Int }
  type Person { name: String }
  type PersonConnection { edges: [PersonEdge!]!, nodes: [Person!]!, pageInfo: PageInfo! }
  type PersonEdge { cursor: String!, node: Person! }
  type PageInfo { hasNextPage: Boolean! }
  input OpenShopInput { parentId: ID!, where: Place }
  input Place { street: String }
  union OpenShopResult = OpenShopPayload | TakenFailure
  interface Failure { code: String! }
  type OpenShopPayload { shop: Shop! }
  type TakenFailure implements Failure { code: String! }
`;

const POLICY = definePolicy({
  Query: { shop: signedIn, me: anyone },
  Mutation: { openShop: may("organizations:create").in(fromArgs("input.parentId")) },
  Shop: { ...visible("id", "people"), till: may("audit:read").in(fromSource) },
  Till: inherited,
  Person: inherited,
});

/** The schema with one piece of it written differently. */
const written = (from = "", to = ""): GraphQLSchema => buildSchema(SDL.replace(from, to));

/** What start-up says, a line for each problem. */
function problemsOf(schema: GraphQLSchema, ...policies: Policy[]): string[] {
  try {
    guard(schema, policies);
    return [];
  } catch (error) {
    return (error as Error).message.split("\n- ").slice(1);
  }
}

const NO_RULE = "has no rule. Write one in the policy of its feature, or list it as visible.";

describe("guard", () => {
  it("takes a schema in which every field is decided, and guards the fields that can deny or change", () => {
    const schema = written();

    const guarded = guard(schema, [POLICY]);

    expect([...guarded.keys()].sort()).toEqual(["Mutation.openShop", "Query.shop", "Shop.till"]);
    expect(schema.getQueryType()?.getFields().me?.resolve).toBeUndefined();
  });

  it("takes the rules of several features about one type", () => {
    const { Shop, ...rest } = POLICY;
    const { till, ...own } = Shop;

    expect(problemsOf(written(), { ...rest, Shop: own }, { Shop: { till } })).toEqual([]);
  });

  it("begins with one sentence and names every problem, not the first alone", () => {
    const schema = written("cash: Int", "cash: Int, notes: Int");

    expect(() => guard(schema, [{ Query: POLICY.Query }])).toThrow(/^The policy does not fit the schema:\n- /);
    expect(problemsOf(schema, { Query: POLICY.Query })).toEqual([
      `Mutation.openShop ${NO_RULE}`,
      `Shop.id ${NO_RULE}`,
      `Shop.till ${NO_RULE}`,
      `Shop.people ${NO_RULE}`,
      `Till.cash ${NO_RULE}`,
      `Till.notes ${NO_RULE}`,
      `Person.name ${NO_RULE}`,
    ]);
  });

  describe("refuses", () => {
    it("a field without a rule", () => {
      expect(problemsOf(written("id: ID!, till", "id: ID!, owner: String, till"), POLICY)).toEqual([
        `Shop.owner ${NO_RULE}`,
      ]);
    });

    it("a root field without a rule", () => {
      expect(problemsOf(written("me: Person", "me: Person, shops: [Shop!]"), POLICY)).toEqual([
        `Query.shops ${NO_RULE}`,
      ]);
      expect(problemsOf(written("type Mutation {", "type Mutation { closeShop: Boolean, "), POLICY)).toEqual([
        `Mutation.closeShop ${NO_RULE}`,
      ]);
    });

    it("a subscription's field without a rule", () => {
      const schema = written("type Mutation", "type Subscription { shopOpened: Shop } type Mutation");

      expect(problemsOf(schema, POLICY)).toEqual([`Subscription.shopOpened ${NO_RULE}`]);
    });

    it("a new type", () => {
      expect(problemsOf(written("cash: Int }", "cash: Int, safe: Safe } type Safe { gold: Int }"), POLICY)).toEqual([
        `Safe.gold ${NO_RULE}`,
      ]);
    });

    it("a type reached only as a member of a union or behind an interface", () => {
      const inUnion = written("me: Person", "me: Person, any: Any } union Any = Shop | Safe type Safe { gold: Int");
      const behind = written("me: Person", "me: Person, any: Node } type Safe implements Node { id: ID!, gold: Int");
      const policy = { ...POLICY, Query: { ...POLICY.Query, any: anyone } };

      expect(problemsOf(inUnion, policy)).toEqual([`Safe.gold ${NO_RULE}`]);
      expect(problemsOf(behind, policy)).toEqual([`Safe.id ${NO_RULE}`, `Safe.gold ${NO_RULE}`]);
    });

    it("a member of a result union that is neither the payload nor a failure", () => {
      const schema = written("= OpenShopPayload | TakenFailure", "= OpenShopPayload | TakenFailure | Till");
      const { Till, ...policy } = POLICY;

      expect(problemsOf(schema, policy)).toEqual([`Till.cash ${NO_RULE}`]);
    });

    it("a type that only looks like a page", () => {
      const schema = written("cursor: String!, node: Person!", "cursor: String!, node: Person!, since: Int");

      expect(problemsOf(schema, POLICY)).toEqual([
        `PersonEdge.cursor ${NO_RULE}`,
        `PersonEdge.node ${NO_RULE}`,
        `PersonEdge.since ${NO_RULE}`,
      ]);
    });

    it("a rule that names no type, and one that names no field", () => {
      expect(problemsOf(written(), POLICY, { Ship: visible("id") }, { Shop: visible("tlil") })).toEqual([
        "Ship.id has a rule and does not exist. Remove the rule.",
        "Shop.tlil has a rule and does not exist. Remove the rule.",
      ]);
    });

    it("a type that is inherited and does not exist", () => {
      expect(problemsOf(written(), { ...POLICY, Tills: inherited })).toEqual([
        "Tills is inherited and does not exist. Remove it from the policy.",
      ]);
    });

    it("a rule on an interface, a union, an input or a scalar, where nothing would enforce it", () => {
      const sentence = (name: string, field: string) =>
        `${name}.${field} has a rule, but ${name} is not an object type, so nothing would enforce it. Write it on the types that implement ${name}.`;

      expect(
        problemsOf(
          written(),
          POLICY,
          { Node: { id: signedIn } },
          { OpenShopResult: { shop: signedIn } },
          { OpenShopInput: visible("parentId") },
          { ID: visible("length") },
        ),
      ).toEqual([
        sentence("Node", "id"),
        sentence("OpenShopResult", "shop"),
        sentence("OpenShopInput", "parentId"),
        sentence("ID", "length"),
      ]);
    });

    it("an interface or a union that is inherited", () => {
      const sentence = (name: string) =>
        `${name} is not an object type, and its policy would guard nothing. Write rules on the types that implement it.`;

      expect(problemsOf(written(), { ...POLICY, Node: inherited, OpenShopResult: inherited })).toEqual([
        sentence("Node"),
        sentence("OpenShopResult"),
      ]);
    });

    it.each(["till: Till!", "till: [Till!]!"])("a field that can deny and is not nullable: %s", (field) => {
      expect(problemsOf(written("till: Till", field), POLICY)).toEqual([
        "Shop.till has a rule and is not nullable: a denial would take down what is around it. Make it nullable.",
      ]);
    });

    it("two rules for one field, of one feature or of two", () => {
      expect(problemsOf(written(), POLICY, { Shop: { till: may("audit:read").in(fromSource) } })).toEqual([
        "Shop.till has two rules. Keep one.",
      ]);
    });

    it("a rule on a type that is inherited", () => {
      expect(problemsOf(written(), POLICY, { Till: visible("cash") })).toEqual([
        "Till is inherited, and Till.cash has a rule as well. Keep one of the two.",
      ]);
    });

    it("to inherit on a type that node(id) reaches", () => {
      expect(problemsOf(written(), { ...POLICY, Shop: inherited })).toEqual([
        "Shop is reached by node(id) and cannot be inherited. Give each of its fields a rule, or list it as visible.",
      ]);
    });

    it.each(["Query", "Mutation"])("to inherit on %s, where requests begin", (root) => {
      expect(problemsOf(written(), { ...POLICY, [root]: inherited })).toEqual([
        `${root} is where a request begins and inherits from nobody. Give each of its fields a rule.`,
      ]);
    });

    it("visible on a root field", () => {
      const sentence = (field: string) =>
        `${field} is where a request begins: there is no row that could be visible. Give it a rule.`;

      expect(
        problemsOf(written(), {
          ...POLICY,
          Query: { shop: signedIn, ...visible("me") },
          Mutation: visible("openShop"),
        }),
      ).toEqual([sentence("Query.me"), sentence("Mutation.openShop")]);
    });

    it.each(["input.parent", "parentId", "input.where.city", "input.parentId.length", "inputs.parentId"])(
      "a rule about an argument that is not there: %s",
      (path) => {
        const policy = { ...POLICY, Mutation: { openShop: may("organizations:create").in(fromArgs(path)) } };

        expect(problemsOf(written(), policy)).toEqual([
          `Mutation.openShop has a rule about ${path}, which is not among its arguments.`,
        ]);
      },
    );

    it.each(["input.where.street", "input.where"])("nothing in a rule about an argument that is there: %s", (path) => {
      const policy = { ...POLICY, Mutation: { openShop: may("organizations:create").in(fromArgs(path)) } };

      expect(problemsOf(written(), policy)).toEqual([]);
    });

    it("a rule about the arguments of a field that is further in", () => {
      const rule = may("audit:read").in(fromArgs("id"));

      expect(
        problemsOf(written("till: Till", "till(id: ID): Till"), { ...POLICY, Shop: { ...POLICY.Shop, till: rule } }),
      ).toEqual([
        "Shop.till has a rule about its arguments, which are looked up where a request begins only. Ask about its source.",
      ]);
      expect(problemsOf(written(), { ...POLICY, Query: { ...POLICY.Query, shop: rule } })).toEqual([]);
    });

    it("a field that finds what no argument names", () => {
      const policy = { ...POLICY, Query: { ...POLICY.Query, shop: finding("by.id", signedIn) } };

      expect(problemsOf(written(), policy)).toEqual([
        "Query.shop finds what by.id names, which is not among its arguments.",
      ]);
      expect(problemsOf(written(), { ...policy, Query: { ...policy.Query, shop: finding("id", signedIn) } })).toEqual(
        [],
      );
    });

    it("a rule about oneself, by an argument that is not there", () => {
      const till = may("audit:read").orAboutOneself("subject.userId").in(fromSource);

      expect(problemsOf(written(), { ...POLICY, Shop: { ...POLICY.Shop, till } })).toEqual([
        "Shop.till has a rule about subject.userId, which is not among its arguments.",
      ]);
    });

    it("a rule about the source on a root field, which has none", () => {
      const policy = { ...POLICY, Query: { ...POLICY.Query, shop: may("audit:read").in(fromSource) } };

      expect(problemsOf(written(), policy)).toEqual([
        "Query.shop has a rule about its source, and where a request begins there is none. Name an argument.",
      ]);
    });
  });

  it("denies a field whose rule finds no organization in its source", async () => {
    const schema = written();
    guard(schema, [POLICY]);
    const at = { id: newId<OrganizationId>(), path: [newId<OrganizationId>()] };
    const grant = { at, reach: "SUBTREE" as const, permissions: new Set(["audit:read"]), expiresAt: null };
    const access = new Access({ grants: [grant], memberOf: [at], suspended: [], archived: [] });

    const { data, errors } = await execute({
      schema,
      document: parse("{ shop(id: 1) { id till { cash } } }"),
      rootValue: { shop: { id: "1", till: { cash: 5 } } },
      contextValue: { operation: { scope: { access, named: new AllNamed([]) } } },
    });

    expect(data).toEqual({ shop: { id: "1", till: null } });
    expect(errors?.map(({ extensions }) => extensions)).toEqual([
      { code: "FORBIDDEN", permission: "audit:read", organizationId: null },
    ]);
  });

  it("answers null for what a query's argument names and the viewer cannot see, as for what is missing", async () => {
    const schema = written("shop(id: ID!): Shop", "shop(id: ID!): Int");
    guard(schema, [{ ...POLICY, Query: { ...POLICY.Query, shop: may("audit:read").in(fromArgs("id")) } }]);
    const [seen, hidden, closed] = [0, 1, 2].map(() => ({ id: newId<OrganizationId>(), path: [] }));
    const all = [seen!, hidden!, closed!];
    const access = { sees: (place: Place) => place !== hidden, allows: (place: Place) => place !== closed };
    const named = new AllNamed(
      all.map((place) => ({ type: "Organization", id: place.id, place, userId: null, expiresAt: null })),
    );
    const ids = [...all.map(({ id }) => id), newId()].map((id) => encodeId("Organization", id));

    const { data, errors } = await execute({
      schema,
      document: parse(`{ ${ids.map((id, n) => `s${n}: shop(id: "${id}")`).join(" ")} }`),
      rootValue: { shop: 5 },
      contextValue: { operation: { scope: { access, named, viewer: { id: newId() } } } },
    });

    expect(data).toEqual({ s0: 5, s1: null, s2: null, s3: null });
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([[["s2"], "FORBIDDEN"]]);
  });
});
