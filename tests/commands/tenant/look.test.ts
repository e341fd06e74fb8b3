import { jsonLines, run } from "../../support/command.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { homeOf } from "../../support/home.js";
import { recordOf } from "../../support/sessions.js";
import { owningSettings } from "../../support/settings.js";

let database: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  database = await cloneDatabase();
  // The people of the development issuer are those of all tests.
  env = { ...(await owningSettings(database, "lumen")), TENANTRY_DEVELOPMENT: "off" };
});
afterAll(() => database.drop());

const look = (...words: string[]) => run(["tenant", ...words], { env });

/** A tenant as scripts are shown it, by what the directory has. */
async function inDirectory(slug: string) {
  const [row] = await database.owner(
    "select id, status, isolation, database, schema_name, epoch, created_at from tenantry.tenants where slug = $1",
    [slug],
  );
  const { schema_name, epoch, created_at, ...rest } = row!;
  return {
    slug,
    ...rest,
    schema: schema_name,
    epoch: Number(epoch),
    createdAt: new Date(created_at as string).toISOString(),
  };
}

describe("tenantry tenant list", () => {
  it("lists every tenant by slug, and how and where it is kept apart", async () => {
    const { code, stdout } = await look("list");

    const [head, ...lines] = stdout.trimEnd().split("\n");
    const since = (await inDirectory("lumen")).createdAt.slice(0, 10);
    expect([code, head!.split(/ +/)]).toEqual([0, ["SLUG", "STATUS", "ISOLATION", "DATABASE", "SINCE"]]);
    expect(lines.map((line) => line.split(/ +/))).toEqual([
      ["lumen", "ACTIVE", "DATABASE", "lumen", since],
      ["meridian", "ACTIVE", "SHARED", "main", since],
      ["northwind", "ACTIVE", "SCHEMA", "main", since],
    ]);
    for (const line of lines) expect(line.indexOf("ACTIVE")).toBe(head!.indexOf("STATUS"));
  });

  it("says the same for scripts, a line for each", async () => {
    const { code, stdout } = await look("list", "--json");

    const slugs = ["lumen", "meridian", "northwind"];
    expect([code, jsonLines(stdout)]).toEqual([0, await Promise.all(slugs.map(inDirectory))]);
  });
});

describe("tenantry tenant show", () => {
  const shown = async (slug: string) => {
    const { code, stdout } = await look("show", slug, "--json");
    expect(code).toBe(0);
    return jsonLines(stdout)[0] as Record<string, unknown>;
  };

  it("says where a tenant is, what its home says, who owns it and how much is in it", async () => {
    expect((await look("rename", "northwind", "northwind-corp")).code).toBe(0);
    const home = homeOf({ database }, "northwind-corp");
    const [[counts], [known]] = [
      await home("select (select count(*)::int from users) as users, (select count(*)::int from grants) as grants"),
      await database.owner(
        "select count(*)::int as identities from tenantry.identities i join tenantry.tenants t on t.id = i.tenant_id where slug = $1",
        ["northwind-corp"],
      ),
    ];

    const data = await shown("northwind-corp");

    expect(data).toMatchObject({
      ...(await inDirectory("northwind-corp")),
      name: "Northwind",
      home: { status: "ACTIVE", epoch: (await inDirectory("northwind-corp")).epoch },
      owners: ["ada@northwind.test"],
      formerSlugs: ["northwind"],
      identities: known!.identities,
      rows: counts!,
    });
    expect(data.bytes).toBeGreaterThan(0);
  });

  it("says it in words for people", async () => {
    const { home } = await recordOf(database, "northwind-corp");
    const { identities, rows } = (await shown("northwind-corp")) as { identities: number; rows: { users: number } };

    const { code, stdout } = await look("show", "northwind-corp");

    const lines = stdout.split("\n").map((line) => line.replace(/ {2,}/, ": "));
    expect(code).toBe(0);
    expect(lines).toEqual(
      expect.arrayContaining([
        "Slug: northwind-corp",
        "Name: Northwind",
        "Status: ACTIVE",
        `Home: SCHEMA in main, ${home.schemaName}`,
        expect.stringMatching(/^Home says: ACTIVE, epoch \d+$/),
        "Owners: ada@northwind.test",
        `Can sign in: ${identities} identities`,
        "Former slugs: northwind",
        expect.stringContaining(`${rows.users} users`),
        expect.stringMatching(/^Size: \d+ kB$/),
      ]),
    );
  });

  it("shows also a tenant that is not in its home, and names what says what to do", async () => {
    await homeOf({ database }, "meridian")("delete from tenant");

    const { code, stdout } = await look("show", "meridian");

    expect(code).toBe(0);
    expect(stdout).toMatch(/^Home says +nothing: `tenantry doctor` says what to do$/m);
    expect(await shown("meridian")).toMatchObject({ name: null, home: null, owners: [], rows: {}, bytes: 0 });
  });

  it("says so where there is no such tenant", async () => {
    expect(await look("show", "nobody")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("There is no tenant nobody."),
    });
  });
});
