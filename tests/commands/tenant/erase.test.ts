import { run } from "../../support/command.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { owningSettings } from "../../support/settings.js";

let database: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  database = await cloneDatabase();
  // The people of the development issuer are those of all tests.
  env = { ...(await owningSettings(database)), TENANTRY_DEVELOPMENT: "off" };
});
afterAll(() => database.drop());

describe("tenantry tenant erase", () => {
  it.each([[[]], [["--json"]]])("erases nothing where nobody can be asked and nobody said so: %j", async (more) => {
    const before = await database.content("northwind");

    const refused = await run(["tenant", "erase", "northwind", ...more], { env });

    expect(refused).toEqual({
      code: 3,
      stdout: "",
      stderr: "tenantry: This erases northwind for ever. Say --yes where nobody can be asked.\n",
    });
    expect(before).not.toBe("");
    expect(await database.content("northwind")).toBe(before);
  });

  it("erases what is meant, and says where it looked for anything left", async () => {
    const { code, stdout } = await run(["tenant", "erase", "northwind", "--yes"], { env });

    expect([code, stdout]).toEqual([0, expect.stringMatching(/^Erased northwind: \d+ tables .* nothing is left\.\n$/)]);
    expect(await database.content("northwind")).toBe("");
  });
});
