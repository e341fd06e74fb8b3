import type { Lease } from "../../src/database/lease.js";
import type { Leases } from "../../src/database/leases.js";
import { Sent } from "../../src/database/sent.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { openLeases } from "../support/sessions.js";

let database: TestDatabase;
let leases: Leases;
let lease: Lease;
beforeAll(async () => {
  database = await cloneDatabase();
  leases = openLeases(database.url("tenantry_serve"), { size: 1 });
  lease = await leases.acquire("");
});
afterAll(async () => {
  lease.release();
  await leases.close();
  await database.drop();
});

describe("a statement", () => {
  it("has no function of its own, which V8 would keep through each collection of what is young, with all that was read", () => {
    const nobody = { hear: () => {}, meaningOf: (failure: Error) => failure };
    const statement = new Sent(nobody, { tell: () => {}, refuse: () => {} }, "select $1", [1], true, false, {
      statements: 0,
    });

    expect(Object.entries(statement).filter(([, value]) => typeof value === "function")).toEqual([]);
  });

  it("that failed has failed, whatever the driver says behind that", async () => {
    const heard: boolean[] = [];
    const sender = {
      hear: (_: unknown, isWell: boolean) => void heard.push(isWell),
      meaningOf: (failure: Error) => failure,
    };
    const answer = new Promise((tell, refuse) => {
      const statement = new Sent(sender, { tell, refuse }, "select $1", [1], true, false, { statements: 0 });
      statement.reject(new Error("A row could not be read."));
      statement.resolve([] as never);
      statement.reject(new Error("The connection was lost."));
    });

    await expect(answer).rejects.toThrow("A row could not be read.");
    expect(heard).toEqual([false]);
  });

  // Prepared by its text alone, whatever its first values looked like.
  it.each<[string, readonly unknown[]]>([
    ["bytea", [null, Buffer.from([0, 255, 92, 39]), Buffer.alloc(0), null]],
    ["boolean", [null, true, false]],
    ["bigint", ["1", 9007199254740993n, null]],
    ["text", ["", "é\n'", null, "\\x00"]],
    ["timestamptz", [null, new Date(0), "2026-01-01 00:00:00+00"]],
    ["jsonb", [null, "[1]", { a: [null] }]],
  ])("takes values of any kind for a %s that is prepared", async (type, values) => {
    for (const value of values) {
      const [prepared] = await lease.run(`select $1::${type} as value`, [value]);
      // A text that was never sent before, and so was prepared for this very value.
      const [fresh] = await lease.run(`select $1::${type} as value -- ${values.indexOf(value)}`, [value]);
      expect(prepared).toEqual(fresh);
      if (value === null) expect(prepared).toEqual({ value: null });
      if (Buffer.isBuffer(value)) expect(prepared).toEqual({ value });
    }
  });
});
