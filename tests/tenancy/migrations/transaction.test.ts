import { withOwner } from "../../../src/database/owner.js";
import { inTransaction } from "../../../src/tenancy/migrations/transaction.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";

let database: TestDatabase;
beforeAll(async () => {
  database = await cloneDatabase();
  await database.owner(
    "create table public.kept (word text constraint kept_once unique deferrable initially deferred)",
  );
});
afterAll(() => database.drop());

describe("inTransaction", () => {
  it.each([
    ["the work", ["insert into public.kept values ('a')", "select 1 / 0"], { code: "22012" }],
    ["the commit", ["insert into public.kept values ('a'), ('a')"], { code: "23505" }],
  ])("keeps nothing, says why, and leaves the connection usable when %s fails", async (_what, texts, reason) => {
    await withOwner(database.url("tenantry_owner"), async (owner) => {
      const done = inTransaction(owner, async () => {
        for (const text of texts) await owner.run(text);
      });

      await expect(done).rejects.toMatchObject(reason);
      expect(await owner.run("select from public.kept")).toHaveLength(0);
    });
  });

  it("refuses to call done what failed without anybody looking", async () => {
    await withOwner(database.url("tenantry_owner"), async (owner) => {
      const done = inTransaction(owner, async () => {
        await owner.run("insert into public.kept values ('a')");
        await owner.run("select 1 / 0").catch(() => {});
      });

      await expect(done).rejects.toThrow("ROLLBACK");
      expect(await owner.run("select from public.kept")).toHaveLength(0);
    });
  });
});
