import { MAIN } from "../../../src/database/names.js";
import { type Destination, moveTenant } from "../../../src/tenancy/move/move.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";

let database: TestDatabase;
beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(() => database.drop());

const move = (slug: string, to: Destination, keepSeconds = 0) =>
  database.owners((owners) => moveTenant(owners, slug, to, { keepSeconds }));

describe("moveTenant", () => {
  it("moves", async () => {
    const before = await database.content("northwind");
    const moved = await move("northwind", { isolation: "SHARED", database: MAIN });
    console.log(moved);
    expect(await database.content("northwind")).toBe(before);
  });
});
