import fc from "fast-check";
import type { Course, Flight, Repeatable } from "../../src/database/flight.js";
import type { Lease } from "../../src/database/lease.js";
import type { Leases } from "../../src/database/leases.js";
import { boundOf } from "../../src/database/messages.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { openLeases } from "../support/sessions.js";
import { until } from "../support/until.js";
import { openWay, type Way } from "../support/way.js";

let database: TestDatabase;
let way: Way;
let leases: Leases;
beforeAll(async () => {
  database = await cloneDatabase();
  way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
  leases = openLeases(way.url(database.url("tenantry_serve")), { size: 1, prepare: true });
});
afterAll(async () => {
  await leases.close();
  await way.close();
  await database.drop();
});
afterEach(() => way.inParts(0));

const plain = (text: string): Repeatable => ({ text, params: [], bound: boundOf([]), isOfHome: false });
const statement = (text: string, ...values: (string | null)[]): Repeatable => ({
  text,
  params: values,
  bound: boundOf(values),
  isOfHome: false,
});
const course = (statements: readonly Repeatable[], digest: string | null = null): Course => ({
  opening: [plain("begin isolation level repeatable read read only")],
  again: { statements, digest },
  end: plain("commit"),
});

/** A lease in which these were asked before, so that the connection has prepared them. */
async function leaseFor(statements: readonly Repeatable[]): Promise<Lease> {
  const before = await leases.acquire("");
  for (const { text, params } of statements) await before.runAnywhere(text, params).catch(() => {});
  before.release();
  return leases.acquire("");
}

async function flown(statements: readonly Repeatable[], digest: string | null = null) {
  const lease = await leaseFor(statements);
  lease.fly(course(statements, digest));
  return { lease, flight: lease.flight as Flight };
}

const leave = async (lease: Lease) => {
  await lease.closing;
  lease.release();
};

const VALUES = `select $1::text as text, nullif($1::text, '') as maybe, array[$1::text, null, 'a,"b"'] as texts, $1::text is null as is_null,
  convert_to($1::text, 'UTF8') as bytes, json_build_object('of', $1::text) as json, 42::int as int, 1.5::float8 as float,
  '2026-01-02 03:04:05.678901+00'::timestamptz as at, array['6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid] as ids`;

describe("a flight", () => {
  it("answers as the driver does, in parts of any size, and takes one way to the server and back", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", "")),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 60 }),
        async (text, bytes, rows) => {
          const asked = [
            statement(VALUES, text),
            statement("select n, $1::text as of from generate_series(1, $2::int) as n", null, String(rows)),
          ];
          const by = await leases.acquire("");
          const said = await Promise.all(asked.map((one) => by.run(one.text, one.params)));
          const saidRaw = await by.runRaw(asked[0]!.text, asked[0]!.params);
          by.release();

          way.inParts(bytes);
          const trips = way.trips;
          const { lease } = await flown(asked);
          const told = await Promise.all(asked.map((one) => lease.run(one.text, one.params)));
          const toldRaw = await lease.runRaw(asked[0]!.text, asked[0]!.params);
          const { command } = (await lease.closing)!;
          lease.release();

          // Two of them prepared what was asked, or found that it was.
          expect(way.trips - trips).toBeLessThanOrEqual(3);
          expect([told, toldRaw, command]).toEqual([said, saidRaw, "COMMIT"]);
          expect(told.map(({ command: tag, count }) => [tag, count])).toEqual([
            ["SELECT", 1],
            ["SELECT", rows],
          ]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("says whether the very same was answered", async () => {
    const asked = [statement("select $1::text as one", "1"), statement("select $1::text as other", "2")];
    const first = await flown(asked);
    await leave(first.lease);
    const { digest } = first.flight;

    const same = await flown(asked, digest);
    const again = same.flight.answerTo("select $1::text as one", ["1"], false);
    await expect(again).rejects.toThrow("What is the same was not kept.");
    await leave(same.lease);
    const other = await flown([asked[0]!, statement("select $1::text as other", "3")], digest);
    await leave(other.lease);

    expect([first.flight.isSame, same.flight.isSame, other.flight.isSame]).toEqual([false, true, false]);
    expect([same.flight.digest === digest, other.flight.digest === digest]).toEqual([true, false]);
  });

  it("is not taken for that of whoever has the connection next", async () => {
    const [mine, theirs] = ["m".repeat(200_000), "t".repeat(200_000)];
    const ask = (text: string) => [statement("select $1::text as whose", text)];
    const one = await flown(ask(mine));
    await leave(one.lease);

    const two = await flown(ask(theirs));
    const [row] = await two.lease.run("select $1::text as whose", [theirs]);
    await leave(two.lease);

    expect(row?.whose).toBe(theirs);
    expect(two.flight.digest).not.toBe(one.flight.digest);
    await expect(two.lease.run("select $1::text as whose", [mine])).rejects.toThrow("has ended");
  });

  it("is undone as a whole where a statement is refused, and the connection goes on", async () => {
    const asked = [
      statement("select 1 / $1::int as quotient", "1"),
      statement("select 2 / $1::int as next", "0"),
      statement("select $1::int as last", "3"),
    ];
    const { lease, flight } = await flown(asked);
    const { pid } = lease;

    const told = await Promise.allSettled(asked.map((one) => lease.run(one.text, one.params)));
    const { command } = (await lease.closing)!;
    const { failure } = lease;
    lease.release();

    expect(told.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect([command, (failure as Error & { code: string }).code, flight.digest]).toEqual(["ROLLBACK", "22012", null]);
    const next = await leases.acquire("");
    const [row] = await next.run("select now() = statement_timestamp() as is_fresh");
    next.release();
    expect([row?.is_fresh, next.pid]).toEqual([true, pid]);
  });

  it("is not begun where a statement was not prepared on the connection, and asks nothing then", async () => {
    const lease = await leases.acquire("");

    const statements = await database.statements(async () =>
      lease.fly(course([statement("select $1::int as new", "1")])),
    );
    lease.release();

    expect([lease.flight, statements]).toEqual([null, []]);
  });

  it("is of statements that were answered: what waits may not have been written as it is sent", async () => {
    const lease = await leases.acquire("");
    const notes = lease.note()!;
    const waits = lease.run("select $1::boolean as is_waited_for", [false]);
    const early = notes.repeatable;
    await waits;
    const [noted] = notes.repeatable!;
    lease.release();

    const { lease: next } = await flown([noted!]);
    const [row] = await next.run("select $1::boolean as is_waited_for", [false]);
    await leave(next);

    expect([early, row]).toEqual([null, { is_waited_for: false }]);
  });

  it("refuses what was not asked before, and says that more was asked", async () => {
    const { lease } = await flown([statement("select $1::text as one", "1")]);

    await expect(lease.run("select $1::text as one", ["2"])).rejects.toThrow("has ended");

    expect(lease.isExceeded).toBe(true);
    await leave(lease);
  });

  it("that somebody gave up is brought to its end, and whoever comes next has the connection", async () => {
    const { lease } = await flown([statement("select pg_sleep($1::float8 / 20)", "1")]);
    const { pid } = lease;
    const waits = lease.run("select pg_sleep($1::float8 / 20)", ["1"]);

    lease.abandon(new Error("Gone."));

    await expect(waits).rejects.toThrow("Gone.");
    const next = await leases.acquire("");
    expect(next.pid).toBe(pid);
    next.release();
  });

  it("ends with its session, and nobody waits for ever", async () => {
    const { lease } = await flown([statement("select $1::text as of, pg_sleep(0)", "1")]);
    await leave(lease);
    const again = await leases.acquire("");
    way.mute();
    again.fly(course([statement("select $1::text as of, pg_sleep(0)", "1")]));
    const waits = again.run("select $1::text as of, pg_sleep(0)", ["1"]);

    way.reset();
    way.open();

    await expect(waits).rejects.toThrow("lost");
    await expect(again.closing).rejects.toThrow("lost");
    await until(async () => leases.counts.open === 0);
    const next = await leases.acquire("");
    expect(next.pid).not.toBe(again.pid);
    next.release();
  });
});
