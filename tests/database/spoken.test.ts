import fc from "fast-check";
import { sqlState } from "../../src/database/errors.js";
import type { Lease, Result } from "../../src/database/lease.js";
import type { Leases } from "../../src/database/leases.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { openLeases } from "../support/sessions.js";
import { openWay, type Way } from "../support/way.js";

let database: TestDatabase;
let way: Way;
/** Statements that are known are said in our own words. */
let speaking: Leases;
/** The driver says all of them. */
let driven: Leases;
beforeAll(async () => {
  database = await cloneDatabase();
  await database.owner("create schema said; create table said.word (n int primary key, text text)");
  way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
  speaking = openLeases(way.url(database.url("tenantry_owner")), { size: 1, prepare: true });
  driven = openLeases(database.url("tenantry_owner"), { size: 1, prepare: false });
});
afterAll(async () => {
  await Promise.all([speaking.close(), driven.close()]);
  await way.close();
  await database.drop();
});
afterEach(() => way.inParts(0));

interface Said {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly isRaw?: boolean;
}
const READ: Said = {
  text: "select n, text, length(text) as size from said.word where n <= $1::int order by n",
  values: [9],
};

const [QUOTIENT, NUMBER] = ["select 1 / $1::int as quotient", "select $1::text::int as number"];

const word = fc.string({ unit: "binary", maxLength: 20 }).map((text) => text.replaceAll("\0", ""));
const known = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 9 }), fc.option(word)).map<Said>(([n, text]) => ({
    text: "insert into said.word values ($1, $2) on conflict (n) do update set text = excluded.text",
    values: [n, text],
  })),
  fc.boolean().map<Said>((isRaw) => ({ ...READ, isRaw })),
  fc.integer({ min: 0, max: 9 }).map<Said>((n) => ({ text: "delete from said.word where n > $1", values: [n] })),
  fc.constantFrom<Said>({ text: QUOTIENT, values: [1] }, { text: NUMBER, values: ["7"] }),
);
/** Left to the driver: without values, and what nobody has said before. */
const unknown = fc.oneof(
  fc.constant<Said>({ text: "select count(*)::int as words from said.word", values: [] }),
  fc.nat().map<Said>((n) => ({ text: `select $1::text as word, ${n} as n`, values: ["new"] })),
);
/** Refused: by what it meets, by what it is given, by what it says, and by what it says without values. */
const refused = fc.constantFrom<Said>(
  { text: QUOTIENT, values: [0] },
  { text: NUMBER, values: ["none"] },
  { text: "select $1::int as number from said.nothing", values: [1] },
  { text: "select 1 / 0 as quotient", values: [] },
);
const step = fc.record({
  one: fc.oneof({ weight: 20, arbitrary: known }, { weight: 1, arbitrary: unknown }, { weight: 2, arbitrary: refused }),
  isLastOfTurn: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
});

/** What was answered to each: rows, what was done, to how many; or why not. */
const told = ({ isRaw }: Said, answer: Promise<Result>) =>
  answer.then(
    (rows) => [isRaw ? rows : rows.map((row) => ({ ...row })), rows.command, rows.count],
    (error) => sqlState(error),
  );
const say = (lease: Lease, one: Said) =>
  told(one, one.isRaw ? lease.runRaw(one.text, one.values) : lease.run(one.text, one.values));

describe("a statement that is known on its connection", () => {
  it("is answered as the driver answers it, whatever is said in the same turn, known or not, refused or not, in a transaction or each in its own", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        // Null where each is a transaction of its own.
        fc.constantFrom("commit", "rollback", null),
        fc.integer({ min: 0, max: 30 }),
        async (steps, end, bytes) => {
          await database.owner("truncate said.word");
          const expected: unknown[] = [];
          const by = await driven.acquire("");
          if (end) await by.runFirst("begin");
          for (const { one } of steps) expected.push(await say(by, one));
          if (end) expected.push((await by.runLast(end)).command);
          expected.push(await say(by, READ));
          by.release();
          const kept = await database.owner("select * from said.word order by n");

          await database.owner("truncate said.word");
          way.inParts(bytes);
          const lease = await speaking.acquire("");
          const answers: Promise<unknown>[] = [];
          if (end) void lease.runFirst("begin");
          for (const { one, isLastOfTurn } of steps) {
            answers.push(say(lease, one));
            if (isLastOfTurn) await new Promise(setImmediate);
          }
          if (end) answers.push(lease.runLast(end).then(({ command }) => command));
          answers.push(say(lease, READ));
          const given = await Promise.all(answers);
          lease.release();

          expect(given).toEqual(expected);
          expect(await database.owner("select * from said.word order by n")).toEqual(kept);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is one message with all of its turn, the beginning of their transaction too", async () => {
    const asked: Said[] = [READ, { text: "select $1::text as one", values: ["1"] }, { ...READ, isRaw: true }];
    const before = await speaking.acquire("");
    for (const one of asked) await say(before, one);
    before.release();

    const lease = await speaking.acquire("");
    const { trips, rests } = way;
    const began = lease.runFirst("begin");
    await Promise.all([began, ...asked.map((one) => say(lease, one))]);
    const [ways, messages] = [way.trips - trips, way.rests - rests];
    await lease.runLast("commit");
    lease.release();

    expect([ways, messages]).toEqual([1, 1]);
  });

  it("is passed over where its transaction cannot begin", async () => {
    const ask = { text: "select $1::text as one", values: ["1"] };
    const before = await speaking.acquire("");
    await say(before, ask);
    before.release();

    const lease = await speaking.acquire("");
    const began = lease.runFirst("begin isolation level unheard");
    const behind = say(lease, ask);

    expect(await began.catch(sqlState)).toBe("42601");
    expect(await behind).toBe("42601");
    lease.release();
  });

  it.each(["known", "new"])(
    "with a value that cannot be written ends its session, so that nothing of it is kept: %s",
    async (text) => {
      const ask = `insert into said.word values ($1, $2) on conflict (n) do nothing -- ${text}`;
      await database.owner("truncate said.word");
      const lease = await speaking.acquire("");
      if (text === "known") await lease.run(ask, [1, "kept"]);
      void lease.runFirst("begin");
      void lease.run(ask.replace("nothing", "update set text = 'lost'"), [1, "one"]);
      // Nobody waits for it.
      void lease.run(ask, [2, undefined]);

      await expect(lease.runLast("commit")).rejects.toThrow("lost");

      lease.release();
      const kept = text === "known" ? [{ n: 1, text: "kept" }] : [];
      expect(await database.owner("select * from said.word")).toEqual(kept);
    },
  );

  it("that stands alone is refused where its transaction is, when all of it is done", async () => {
    await database.owner("create table said.late (n int unique deferrable initially deferred)");
    const ask = (n: number) => ({ text: "insert into said.late values ($1)", values: [n] });
    const lease = await speaking.acquire("");
    const alone = [await say(lease, ask(1)), await say(lease, ask(1))];
    void lease.runFirst("begin");
    const within = await say(lease, ask(1));
    const end = await lease.runLast("commit").catch(sqlState);
    lease.release();

    expect([...alone, within, end]).toEqual([[[], "INSERT", 1], "23505", [[], "INSERT", 1], "23505"]);
    expect(await database.owner("select * from said.late")).toEqual([{ n: 1 }]);
  });

  it("is prepared anew once where a column that it writes has another type, also by the driver", async () => {
    await database.owner("create table said.wide (n text)");
    const write: Said = { text: "insert into said.wide values ($1)", values: ["1"] };
    const lease = await speaking.acquire("");
    const first = [await say(lease, write), await say(lease, write)];
    await database.owner("alter table said.wide alter n type int using n::int");
    const refused = await say(lease, write);
    const then = [await say(lease, write), await say(lease, write)];
    // Behind what the driver has to prepare, it is the driver's.
    const [, driven] = await Promise.all([
      say(lease, { text: "select $1::text as never", values: ["said"] }),
      say(lease, write),
    ]);
    const last = await say(lease, write);
    const texts = await lease.run("select statement from pg_prepared_statements where statement like $1", [
      "%said.wide%",
    ]);
    lease.release();

    const written = [[], "INSERT", 1];
    // Texts that are told apart by a pooler, too.
    expect(texts.map(({ statement }) => statement)).toContain(`${write.text} /* anew 1 */`);
    expect([...first, refused, ...then, driven, last]).toEqual([
      written,
      written,
      "42804",
      written,
      written,
      written,
      written,
    ]);
  });

  it("ends with its session, in the middle of an answer too, and nobody waits for ever", async () => {
    const before = await speaking.acquire("");
    await say(before, READ);
    before.release();
    const lease = await speaking.acquire("");
    const kill = database.owner(`select pg_terminate_backend(${lease.pid})`);
    way.inParts(7);

    await kill;
    const answers = [lease.runFirst("begin"), lease.run(READ.text, READ.values), lease.runLast("commit")];

    for (const { status } of await Promise.allSettled(answers)) expect(status).toBe("rejected");
    lease.release();
    const next = await speaking.acquire("");
    expect(next.pid).not.toBe(lease.pid);
    next.release();
  });
});
