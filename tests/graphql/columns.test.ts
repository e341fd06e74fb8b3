import { type GraphQLField, getNamedType, isLeafType, isObjectType } from "graphql";
import { memberships } from "../../src/features/memberships/table.js";
import { users } from "../../src/features/users/table.js";
import { columnsOf } from "../../src/graphql/columns.js";
import { buildSchema } from "../../src/schema.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { type Planted, world } from "../support/world.js";

const { schema } = buildSchema();

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { shop: {} } },
      roles: { local: { at: "acme", permissions: ["members:read"] } },
      people: {
        ada: [
          { at: "acme", roles: ["owner"], reach: "SUBTREE" },
          { at: "shop", roles: ["local", "guest"] },
        ],
        bob: [{ at: "shop", roles: ["local"] }],
      },
    },
  }));
  const sql = homeOf(gateway, "acme");
  // Nothing that could be missed by being null.
  await sql(`update users set locale = 'de', external_id = 'u' || display_name, image_url = 'https://acme.test/' || id,
    metadata = '{"a": 1}', email_verified = true`);
  await sql(
    `update organizations set external_id = 'o' || slug, image_url = 'https://acme.test/' || id, metadata = '{"b": 2}'`,
  );
  await sql(
    "update memberships set expires_at = now() + interval '1 day' where user_id = (select id from users where display_name ilike 'bob%')",
  );
});
afterAll(() => gateway.close());

/** Every way to rows that are read as far as they are asked for. */
const WAYS: Record<string, (selection: string) => string> = {
  "Membership of a person": (selection) => `{ viewer { memberships { nodes { ${selection} } } } }`,
  "Membership of an organization": (selection) =>
    `{ organization(by: { slug: "shop" }) { memberships { nodes { ${selection} } } } }`,
  "Organization of a membership": (selection) =>
    `{ viewer { memberships { nodes { organization { ${selection} } } } } }`,
  "Organization of members": (selection) =>
    `{ organizations { nodes { memberships { nodes { organization { ${selection} } } } } } }`,
  "Organization by slug": (selection) => `{ organization(by: { slug: "shop" }) { ${selection} } }`,
  "Organization in a list": (selection) => `{ organizations { nodes { ${selection} } } }`,
  "User of a member": (selection) =>
    `{ organization(by: { slug: "shop" }) { memberships { nodes { user { ${selection} } } } } }`,
  "User who asks": (selection) => `{ viewer { user { ${selection} } } }`,
  "User in a list": (selection) => `{ users { nodes { ${selection} } } }`,
  "Role of a membership": (selection) => `{ viewer { memberships { nodes { roles { ${selection} } } } } }`,
  "Grant of a membership": (selection) => `{ viewer { memberships { nodes { grants { ${selection} } } } } }`,
};

/** Each field of a type that can be asked for without arguments, and with what is needed below it. */
function fieldsOf(name: string): string[] {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`There is no ${name}.`);
  const isPlain = (field: GraphQLField<unknown, unknown>) =>
    field.args.every(({ type }) => !String(type).endsWith("!"));
  return Object.values(type.getFields())
    .filter(isPlain)
    .map((field) => {
      const of = getNamedType(field.type);
      if (isLeafType(of)) return field.name;
      return `${field.name} { ${isObjectType(of) && "id" in of.getFields() ? "id" : "__typename"} }`;
    });
}

describe("what an operation asks for of a row", () => {
  it.each(Object.entries(WAYS))("is the same alone as with all else: %s", async (title, ask) => {
    const fields = fieldsOf(title.split(" ")[0]!);
    const told = async (selection: string) => JSON.stringify((await acme.as("ada").ask(ask(selection))).data);
    const together = await acme.as("ada").ask(ask(fields.join(" ")));
    const only = (value: unknown, name: string): unknown => {
      if (Array.isArray(value)) return value.map((one) => only(one, name));
      if (typeof value !== "object" || value === null) return value;
      const own = Object.entries(value);
      // Those objects hold all fields that were asked for, and none that leads to them.
      const isRow = own.length === fields.length && fields.every((field) => field.split(" ")[0]! in value);
      return isRow
        ? { [name]: (value as never)[name] }
        : Object.fromEntries(own.map(([key, of]) => [key, only(of, name)]));
    };

    for (const field of fields) {
      const [name] = field.split(" ") as [string];
      expect([field, await told(field)]).toEqual([field, JSON.stringify(only(together.data, name))]);
    }
    expect(fields.length).toBeGreaterThan(4);
  });

  it("is read as it is asked for, in however many ways others asked before", async () => {
    const fields = ["status", "expiresAt", "createdAt", "updatedAt", "user { id }"];
    const subsets = Array.from({ length: 2 ** fields.length }, (_, n) => fields.filter((_name, bit) => n & (1 << bit)));
    const ask = (order: string, filter: string, some: readonly string[]) =>
      acme
        .as("ada")
        .get(
          `{ organization(by: { slug: "shop" }) { memberships(orderBy: ${order}, filter: { ${filter} }) { nodes { id ${some.join(" ")} } } } }`,
        );
    for (const order of ["NAME_ASC", "NAME_DESC"]) for (const some of subsets) await ask(order, 'search: "ada"', some);
    const pageOf = async (filter: string, some: readonly string[]) =>
      (await gateway.database.statements(() => ask("CREATED_AT_ASC", filter, some))).find((text) =>
        /"page"/.test(text),
      );

    const pages = [await pageOf("reach: SUBTREE", []), await pageOf('search: "bob"', ["status"])];

    expect(pages.map((text) => text!.includes('"page"."status"'))).toEqual([false, true]);
    const shown = await ask("CREATED_AT_ASC", 'search: "bob"', ["user { displayName }"]);
    expect(shown.organization.memberships.nodes).toHaveLength(1);
  });

  it("is read beside its ids and no more", () => {
    const columns = columnsOf(users, "User", ["id"], { uuid: [] });
    const fields = new Map([["User", new Set(["uuid", "displayName"])]]);

    expect(Object.keys(columns({ fields }))).toEqual(["id", "displayName"]);
    expect(columns({ fields })).toBe(columns({ fields: new Map(fields) }));
  });

  it("is the whole row for a field that nobody said anything about, and where nothing is known of what is asked", () => {
    const columns = columnsOf(memberships, "Membership", ["id"], {});

    expect(columns({ fields: new Map([["Membership", new Set(["via"])]]) })).toBe(columns({}));
    expect(Object.keys(columns({}))).toContain("createdAt");
  });

  it("stays known to those who ask for it again and again, whatever others make up", () => {
    const columns = columnsOf(users, "User", ["id"], {});
    const names = ["displayName", "email", "locale", "status", "externalId", "metadata"];
    const subsets = Array.from({ length: 2 ** names.length }, (_, n) => names.filter((_name, bit) => n & (1 << bit)));
    const of = (fields: readonly string[]) => columns({ fields: new Map([["User", new Set(fields)]]) });
    const usual = of(["displayName", "email"]);

    const made = subsets.map((some) => [of(some), of(["displayName", "email"])]);

    expect(made.map(([one]) => Object.keys(one!).length)).toEqual(subsets.map(({ length }) => length + 1));
    expect(made.every(([, again]) => again === usual)).toBe(true);
    expect(of(subsets[0]!)).not.toBe(made[0]![0]);
  });
});
