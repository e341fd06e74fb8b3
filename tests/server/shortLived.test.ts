import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Deadline } from "../../src/graphql/context.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { openLeases } from "../support/sessions.js";

const AT_ONCE = 24;
const ROUNDS = 100;

let database: TestDatabase;
beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(() => database.drop());

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (how?: { type: "minor" }) => void;
const oldBytes = () => getHeapSpaceStatistics().find((space) => space.space_name === "old_space")!.space_used_size;

/** How many bytes each of so many operations leaves in memory that is collected as a whole alone. */
async function leftBy(operation: () => Promise<void>): Promise<number> {
  const many = async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(Array.from({ length: AT_ONCE }, operation));
      if (round % 10 === 0) collect({ type: "minor" });
    }
  };
  await many();
  collect();
  const before = oldBytes();
  await many();
  for (let n = 0; n < 2; n++) collect({ type: "minor" });
  return (oldBytes() - before) / (ROUNDS * AT_ONCE);
}

describe("an operation that is over", () => {
  it("leaves nothing behind that the collection of what is young cannot find", async () => {
    const leases = openLeases(database.url("tenantry_serve"), { size: 3 });

    const left = await leftBy(async () => {
      const deadline = new Deadline(60_000, null);
      deadline.start();
      const lease = await leases.acquire("a", deadline.signal);
      await lease.run("select 1");
      lease.release();
      deadline.stop();
    });

    await leases.close();
    expect(left).toBeLessThan(500);
  });
});
