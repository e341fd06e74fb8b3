import { readFileSync } from "node:fs";
import fc from "fast-check";
import { type GraphQLArgument, type GraphQLSchema, buildSchema as parseSchema, validateSchema } from "graphql";
import { Access } from "../../src/access/access.js";
import { VisibleSchemas } from "../../src/graphql/introspection.js";
import type { Scope } from "../../src/graphql/operation.js";
import type { Rule } from "../../src/graphql/policy.js";
import { mintToken } from "../../src/identity/developmentToken.js";
import { buildSchema } from "../../src/schema.js";
import { readFacts } from "../oracle/facts.js";
import { Judge } from "../oracle/judge.js";
import { FOLDER } from "../support/database.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { anySketch } from "../support/sketches.js";
import { ACCESS, ofData } from "../support/statements.js";
import { type TenantSketch, world } from "../support/world.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ signUp: true });
});
afterAll(() => gateway.close());

const SHAPE = "{ __schema { types { name fields { name } } mutationType { name } } }";

/** What introspection shows, as coordinates. */
async function seenBy(caller: { get(document: string): Promise<Record<string, unknown>> }): Promise<string[]> {
  const { __schema } = (await caller.get(SHAPE)) as {
    __schema: { types: { name: string; fields: { name: string }[] | null }[] };
  };
  return __schema.types.flatMap(({ name, fields }) => [
    name,
    ...(fields ?? []).map((field) => `${name}.${field.name}`),
  ]);
}

describe("introspection", () => {
  it("shows an owner everything", async () => {
    const seen = await seenBy(gateway.as("ada@northwind.test", "northwind"));

    expect(seen).toEqual(
      expect.arrayContaining(["Mutation.createOrganization", "Organization.memberships", "Query.organizations"]),
    );
  });

  it("leaves out what is certain to be denied to a member, and the types that only that leads to", async () => {
    const seen = await seenBy(gateway.as("cleo@northwind.test", "northwind"));

    expect(seen).toEqual(expect.arrayContaining(["Organization.memberships", "Organization.children"]));
    expect(seen).not.toContain("Mutation.createOrganization");
    expect(seen).not.toContain("CreateOrganizationInput");
    // Which are about what is their own, or about tenants that they are not in: for none a right is needed here.
    expect(seen.filter((name) => name.startsWith("Mutation."))).toEqual([
      "Mutation.leaveOrganization",
      "Mutation.acceptInvitation",
      "Mutation.declineInvitation",
      "Mutation.joinByEmail",
      "Mutation.updateViewer",
      "Mutation.createTenant",
      "Mutation.transferOwnership",
      "Mutation.acceptOwnership",
      "Mutation.closeOwnershipOffer",
    ]);
  });

  it("leaves out what this installation offers nobody", async () => {
    const closed = await openGateway();

    expect(await seenBy(closed.as("ada@northwind.test", "northwind"))).not.toContain("Mutation.createTenant");
    expect(await seenBy(closed.as("cleo@northwind.test", "northwind"))).not.toContain("Mutation.createTenant");
    await closed.close();
  });

  it("leaves out what needs a permission to who holds none", async () => {
    const seen = await seenBy(gateway.as("finn@northwind.test", "northwind"));

    expect(seen).toEqual(expect.arrayContaining(["Query.organizations", "Organization.name"]));
    expect(seen).not.toContain("Organization.memberships");
  });

  it("shows who is not signed in, or names no tenant of theirs, what everybody sees", async () => {
    const anonymous = await seenBy(gateway.anonymous);

    expect(anonymous).toContain("Query.identity");
    expect(anonymous).not.toContain("Query.organizations");
    expect(await seenBy(gateway.as("ada@northwind.test", "lumen"))).toEqual(anonymous);
    expect(await seenBy(gateway.as("dan@contractor.test", null))).toEqual(anonymous);
  });

  it("answers beside other fields, which are validated against the whole schema", async () => {
    const cleo = gateway.as("cleo@northwind.test", "northwind");

    const { data } = await cleo.ask(
      '{ viewer { user { email } } ...S o: organization(by: { slug: "north" }) { id } } fragment S on Query { __type(name: "CreateOrganizationInput") { name } }',
    );

    expect(data).toEqual({ viewer: { user: { email: "cleo@northwind.test" } }, __type: null, o: null });
  });

  it("answers beside fields whose variables are of types that the viewer is not shown", async () => {
    const cleo = gateway.as("cleo@northwind.test", "northwind");
    const asking = (more: string) =>
      cleo.ask(
        `query ($filter: AuditFilter, $first: Int = 1) { ${more} viewer { memberships(first: 1) { nodes { organization { name auditEvents(filter: $filter, first: $first) { nodes { id } } } } } } }`,
      );

    const alone = await asking("");
    const { data, errors } = await asking('__type(name: "Organization") { name }');

    expect(await seenBy(cleo)).not.toContain("AuditFilter");
    expect(alone.errors?.map(({ extensions }) => extensions?.code)).toEqual(["FORBIDDEN"]);
    expect(data).toEqual({ ...alone.data, __type: { name: "Organization" } });
    expect(errors?.map(({ path, extensions }) => [path, extensions?.code])).toEqual([
      [["viewer", "memberships", "nodes", 0, "organization", "auditEvents"], "FORBIDDEN"],
    ]);
  });

  it("is whole for everybody where the product wants it so", async () => {
    const whole = await openGateway({ introspection: "whole" });

    expect(await seenBy(whole.anonymous)).toContain("Mutation.createOrganization");
    await whole.close();
  });
});

const { schema, rules } = buildSchema();

/** Every type, field, argument, input field, value and member of a schema, each as it is written there. */
function partsOf(shown: GraphQLSchema): string[] {
  return Object.values(shown.getTypeMap()).flatMap((type) => {
    const parts = [`${type.name}: ${type.description}`];
    if ("getFields" in type)
      for (const [name, field] of Object.entries(type.getFields())) {
        parts.push(`${type.name}.${name}: ${field.type} ${field.description}`);
        if ("args" in field)
          parts.push(
            ...(field.args as readonly GraphQLArgument[]).map(
              (arg) => `${type.name}.${name}(${arg.name}: ${arg.type})`,
            ),
          );
      }
    if ("getValues" in type) parts.push(...type.getValues().map(({ name }) => `${type.name} = ${name}`));
    if ("getTypes" in type) parts.push(...type.getTypes().map(({ name }) => `${type.name} | ${name}`));
    if ("getInterfaces" in type) parts.push(...type.getInterfaces().map(({ name }) => `${type.name} & ${name}`));
    return parts;
  });
}
const WHOLE = new Set(partsOf(schema));

/** Reads a schema from its text, and sees that it is one, and nothing but a part of the whole. */
function read(text: string): GraphQLSchema {
  const shown = parseSchema(text);
  expect(validateSchema(shown)).toEqual([]);
  expect(partsOf(shown).filter((part) => !WHOLE.has(part))).toEqual([]);
  return shown;
}

const hasField = (shown: GraphQLSchema, coordinate: string): boolean => {
  const [typeName, field] = coordinate.split(".") as [string, string];
  const type = shown.getType(typeName);
  return type !== undefined && "getFields" in type && field in type.getFields();
};

/** What of the rules a judge says who goes through the rows: whether there is any organization in which it is allowed. */
function isPossible(coordinate: string, judge: Judge, organizations: readonly string[]): boolean {
  return isPossibleBy(rules.get(coordinate)!, judge, organizations);
}

function isPossibleBy(rule: Rule, judge: Judge, organizations: readonly string[]): boolean {
  if (rule.kind !== "may" || rule.self) return true;
  const places = rule.where.from === "root" ? organizations.filter((id) => judge.isRoot(id)) : organizations;
  const needed = rule.besides ? [rule.permission, rule.besides] : [rule.permission];
  const isHeld = places.some((id) => needed.every((permission) => judge.allows(id, permission, rule.reach)));
  return isHeld && (!rule.also || isPossibleBy(rule.also, judge, organizations));
}

async function textFor(email: string | null, tenant: string | null) {
  const response = await gateway.fetch("/graphql/schema", {
    headers: {
      ...(email && { authorization: `Bearer ${await mintToken(FOLDER, { email })}` }),
      ...(tenant && { "x-tenant": tenant }),
    },
  });
  await gateway.settled();
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe("GET /graphql/schema", () => {
  it("is, to whom nothing is denied, the text that is checked in", async () => {
    const { status, headers, text } = await textFor("ada@northwind.test", "northwind");

    expect([status, headers.get("content-type"), headers.get("cache-control")]).toEqual([
      200,
      "text/plain; charset=utf-8",
      "no-store",
    ]);
    expect(text).toBe(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8"));
  });

  it("shows each viewer what introspection shows them", async () => {
    for (const [email, tenant] of [
      ["cleo@northwind.test", "northwind"],
      ["finn@northwind.test", "northwind"],
      ["dan@contractor.test", null],
    ] as const) {
      const shown = partsOf(read((await textFor(email, tenant)).text)).map((part) => part.split(/: |\(/)[0]);

      const seen = (await seenBy(gateway.as(email, tenant))).filter((name) => !name.startsWith("__"));
      expect(seen.filter((name) => !shown.includes(name))).toEqual([]);
    }
    expect((await textFor(null, null)).text).toBe((await textFor("ada@northwind.test", "lumen")).text);
  });

  it("asks the database for the viewer's access, and for nothing else", async () => {
    const statements = await gateway.database.statements(() => textFor("cleo@northwind.test", "northwind"));

    expect(ofData(statements)).toEqual([]);
    expect(statements.filter((text) => text.startsWith(ACCESS))).toHaveLength(1);
  });

  it("keeps a bad token, other methods and pages of other sites out, as GraphQL does", async () => {
    const ask = (init: RequestInit) => gateway.fetch("/graphql/schema", init);
    const answers = [
      await ask({ headers: { authorization: "Bearer nonsense" } }),
      await ask({ method: "POST", body: "{}" }),
      await ask({ method: "POST", headers: { origin: "https://elsewhere.example" } }),
    ];

    const told = await Promise.all(
      answers.map(async (one) => [one.status, (await one.json()).errors[0].extensions.code]),
    );
    expect(told).toEqual([
      [401, "UNAUTHENTICATED"],
      [405, "METHOD_NOT_ALLOWED"],
      [403, "FORBIDDEN_ORIGIN"],
    ]);
    expect(answers[0]!.headers.get("www-authenticate")).toContain("Bearer");
    expect(answers.map(({ headers }) => headers.get("cache-control"))).toEqual(Array(3).fill("no-store"));
  });

  it("is whole for everybody where the product wants it so", async () => {
    const whole = await openGateway({ introspection: "whole" });

    const response = await whole.fetch("/graphql/schema");

    expect(await response.text()).toBe(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8"));
    await whole.close();
  });
});

describe("the schema that is shown", () => {
  /** Fields of an organization that can be denied, each with a selection of its own. */
  const FIELDS = {
    auditEvents: "(first: 1) { nodes { id } }",
    children: "(first: 1) { nodes { id } }",
    descendants: "(first: 1) { nodes { id } }",
    memberCount: "",
    memberships: "(first: 1) { nodes { id } }",
    roles: "{ id }",
  };

  it("is well-formed, part of the whole, and has all that is not certain to be denied, whoever asks", async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    const sketches = fc.sample(anySketch, { numRuns: 15, seed });
    // What the random ones hold is chance; that viewers differ must not be.
    const certain = ["members:read", "audit:read", "organizations:create", "members:manage"].map(
      (permission): TenantSketch => ({ tree: { o0: {} }, people: { vera: [{ at: "o0", can: [permission] }] } }),
    );
    const planted = await world(
      gateway,
      Object.fromEntries([...certain, ...sketches].map((sketch, n) => [`shown-${n}`, sketch])),
    );
    const demo = ["ada", "ben", "cleo", "finn"].map((name) => [`${name}@northwind.test`, "northwind"] as const);
    const viewers = [
      ...demo,
      ...Object.values(planted).flatMap(({ slug }) =>
        ["vera", "otto"].map((name) => [`${name}@${slug}.test`, slug] as const),
      ),
    ];
    const shapes = new Set<string>();
    for (const [email, tenant] of viewers) {
      const facts = await readFacts(homeOf(gateway, tenant), tenant);
      const judge = new Judge(facts, facts.users.find((user) => user.email === email && !user.suspended)?.id ?? null);
      if (!facts.users.some((user) => user.email === email && !user.suspended)) continue;

      const { text } = await textFor(email, tenant);

      const shown = read(text);
      shapes.add(text);
      const ids = facts.organizations.map(({ id }) => id);
      const told = [...rules.keys()].map((coordinate) => [coordinate, hasField(shown, coordinate)]);
      expect({ seed, email, told }).toEqual({
        seed,
        email,
        told: [...rules.keys()].map((coordinate) => [coordinate, isPossible(coordinate, judge, ids)]),
      });
      const fields = Object.entries(FIELDS).map(([name, rest]) => `${name}${rest}`);
      const { data } = await gateway
        .as(email, tenant)
        .ask(`{ organizations(first: 100) { nodes { ${fields.join(" ")} } } }`);
      for (const node of data.organizations.nodes)
        for (const [name, value] of Object.entries(node))
          if (value !== null)
            expect([seed, email, name, hasField(shown, `Organization.${name}`)]).toEqual([seed, email, name, true]);
    }
    expect(shapes.size).toBeGreaterThan(4);
  });
});

describe("VisibleSchemas", () => {
  const root = { id: "o", path: [] } as never;
  /** Somebody who holds these at the root and everywhere below. */
  const holding = (...permissions: string[]): Scope => {
    const grant = { at: root, reach: "SUBTREE" as const, permissions: new Set(permissions), expiresAt: null };
    return {
      root,
      access: new Access({ grants: [grant], memberOf: [root], suspended: [], archived: [] }),
    } as unknown as Scope;
  };

  it("makes one schema for all who are denied the same", () => {
    const schemas = new VisibleSchemas(schema, rules);

    expect(schemas.for(holding("members:read"))).toBe(schemas.for(holding("members:read", "invoices:read")));
    expect(schemas.for(holding("members:read"))).not.toBe(schemas.for(holding("audit:read")));
    expect(schemas.kept).toBe(2);
  });

  it("keeps no more than there is memory for, and shows the rest all the same", () => {
    const permissions = ["members:read", "audit:read", "organizations:read", "organizations:update", "roles:manage"];
    const schemas = new VisibleSchemas(schema, rules, 1_000_000);

    const texts = fc.sample(fc.subarray(permissions), { numRuns: 30, seed: 7 }).map((some) => {
      expect(schemas.kept).toBeLessThanOrEqual(5);
      return schemas.for(holding(...some)).text;
    });

    expect(schemas.kept).toBeGreaterThan(1);
    expect(new Set(texts).size).toBeGreaterThan(schemas.kept);
  });
});
