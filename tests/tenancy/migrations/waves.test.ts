import { withOwner } from "../../../src/database/owner.js";
import { baselineSql, newSchemaName } from "../../../src/tenancy/migrations/baseline.js";
import { type Migration, ownFiles } from "../../../src/tenancy/migrations/files.js";
import { migrate } from "../../../src/tenancy/migrations/migrate.js";
import { type Shape, shapesOf } from "../../../src/tenancy/migrations/shape.js";
import { inTrial } from "../../../src/tenancy/migrations/transaction.js";
import { filesWith, homesWithColumn, later, recordIn } from "../../support/fleet.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { until } from "../../support/until.js";
import { stumblesOver } from "../../support/waves.js";

const NEXT = later(
  "add_nicknames",
  `ALTER TABLE "users" ADD COLUMN "nickname" text;
   ALTER TABLE "organizations" ADD COLUMN "motto" text NOT NULL DEFAULT 'none';`,
);

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const READ =
  "{ organizations(first: 3) { nodes { slug name memberCount } } viewer { memberships(first: 1) { nodes { id } } } }";
const WRITE = `mutation ($input: CreateOrganizationInput!) {
  createOrganization(input: $input) { __typename ... on CreateOrganizationPayload { organization { slug } } } }`;

describe("a gateway of the version before", () => {
  it("reads and changes tenants on either side of a migration that adds columns, while it is under way", async () => {
    const { database } = gateway;
    const [homes] = await database.owner(
      `select max(schema_name) filter (where slug = 'northwind') as done, max(schema_name) filter (where slug = 'meridian') as left
       from tenantry.tenants`,
    );
    const [done, left] = [String(homes!.done), String(homes!.left)];
    const ada = gateway.as("ada@northwind.test", "northwind");
    const eve = gateway.as("eve@meridian.test", "meridian");
    const works = async (name: string) => {
      for (const [caller, tenant] of [
        [ada, "northwind"],
        [eve, "meridian"],
      ] as const) {
        const { organizations } = await caller.get(READ);
        expect(organizations.nodes.length).toBeGreaterThan(0);
        const { organization } = await caller.get(`{ organization(by: { slug: "${tenant}" }) { id } }`);
        const input = { parentId: organization.id, slug: name, name };
        expect((await caller.get(WRITE, { input })).createOrganization.organization).toEqual({ slug: name });
      }
    };
    await works("before");

    await withOwner(database.url("tenantry_owner"), async (reader) => {
      await reader.run("begin");
      await reader.run(`select from ${left}.users`);
      const run = database.owners((owners) =>
        migrate(owners, { files: filesWith(NEXT), lockMs: 100, pace: { tries: 1000 } }),
      );
      await until(async () => (await homesWithColumn(database, "nickname")).includes(done));
      await works("during");
      expect(await recordIn(database, left)).not.toContain(NEXT.name);
      await reader.run("commit");
      expect((await run).behind).toEqual([]);
    });

    expect(await homesWithColumn(database, "motto")).toEqual([done, left].sort());
    await works("after");
  });
});

describe("every migration of homes after the first", () => {
  const shapesAlong = (files: readonly Migration[]): Promise<Shape[]> =>
    gateway.database.owners(async (owners) => {
      const owner = await owners.main;
      return inTrial(owner, async () => {
        const schemas = files.map(() => newSchemaName());
        for (const [index, schema] of schemas.entries())
          await owner.run(baselineSql(schema, owners.names("main"), files.slice(0, index + 1)));
        await owner.run("set local search_path = ''");
        const shapes = await shapesOf((text, params) => owner.run(text, params), schemas);
        return schemas.map((schema) => shapes.get(schema)!);
      });
    });

  it("only adds, so that gateways of the version before go on serving", async () => {
    const shapes = await shapesAlong(ownFiles().tenant);

    const stumbles = shapes.slice(1).flatMap((shape, index) => stumblesOver(shapes[index]!, shape));

    expect(shapes.length).toBeGreaterThan(2);
    expect(stumbles).toEqual([]);
  });

  it.each([
    ["removes a column", "ALTER TABLE users DROP COLUMN locale", "column users.locale was (text) and is (gone)"],
    ["renames a column", "ALTER TABLE users RENAME locale TO language", "column users.locale was (text) and is (gone)"],
    ["gives a column another type", "ALTER TABLE users ALTER locale TYPE varchar(9)", "column users.locale was (text)"],
    ["wants a value", "ALTER TABLE users ALTER locale SET NOT NULL", "column users.locale was (text)"],
    [
      "adds a column that wants a value",
      "ALTER TABLE users ADD shoe int NOT NULL",
      "column users.shoe is new and wants",
    ],
    ["removes a table", "DROP TABLE slugs", "table slugs was"],
    ["takes a right", 'REVOKE UPDATE ON users FROM "{{serve}}"', "tenantry_serve lost w of the rights on users"],
    ["adds a check", "ALTER TABLE users ADD CONSTRAINT c CHECK (locale <> '')", "constraint users.c is new"],
  ])("is found when it %s", async (_what, sql, words) => {
    const [before, after] = (await shapesAlong([...ownFiles().tenant, later("change", sql)])).slice(-2);

    expect(stumblesOver(before!, after!).join("; ")).toContain(words);
  });

  it("may add columns that need no value, tables, indexes and rights", async () => {
    const sql = `${NEXT.sql} CREATE TABLE notes (tenant_id uuid primary key); CREATE INDEX i ON users (tenant_id, locale);
      GRANT DELETE ON users TO "{{serve}}"; ALTER TABLE users ALTER display_name DROP NOT NULL`;
    const [before, after] = (await shapesAlong([...ownFiles().tenant, later("change", sql)])).slice(-2);

    expect(stumblesOver(before!, after!)).toEqual([]);
  });
});
