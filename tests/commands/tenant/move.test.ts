import { command } from "../../support/command.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { owningSettings } from "../../support/settings.js";

let database: TestDatabase;
beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(() => database.drop());

describe("tenantry tenant move", () => {
  it("goes on to its end when nobody reads any more what it says", async () => {
    const moving = command(["tenant", "move", "northwind", "--to", "shared"], { env: await owningSettings(database) });
    const { stdout } = moving.child;
    stdout!.once("data", () => stdout!.destroy());

    const code = await moving.ended;

    expect([code, moving.stdout(), moving.stderr()]).toEqual([0, expect.stringMatching(/^Copying \d+ rows\.\n/), ""]);
    expect(await database.owner("select isolation from tenantry.tenants where slug = 'northwind'")).toEqual([
      { isolation: "SHARED" },
    ]);
  });
});
