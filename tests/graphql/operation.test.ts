import { OutcomeUnknownError, sqlState, UnavailableError } from "../../src/database/errors.js";
import type { Leases } from "../../src/database/leases.js";
import { perSession } from "../../src/graphql/loader.js";
import { type HomeAnswer, Operation, type Scope } from "../../src/graphql/operation.js";
import type { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { activity, openLeases, recordOf, whileLocked, write, written } from "../support/sessions.js";
import { until } from "../support/until.js";

let database: TestDatabase;
let northwind: TenantRecord;
let leases: Leases;
beforeAll(async () => {
  database = await cloneDatabase();
  await database.owner(`alter role tenantry_serve in database ${database.name} set lock_timeout = '50ms'`);
  northwind = await recordOf(database, "northwind");
});
beforeEach(() => {
  leases = openLeases(database.url("tenantry_serve"));
});
afterEach(async () => {
  await leases.close();
});
afterAll(() => database.drop());

const never = new AbortController().signal;
const refuse = () => {
  throw new Error("nobody is refused here");
};

/** An operation whose access is the number of grants in the tenant, as its session saw it. */
function operation(signal: AbortSignal = never, pool: Leases = leases): Operation {
  const readAccess = async (session: TenantSession): Promise<HomeAnswer> => {
    const [row] = await session.query("select count(*)::int as access from grants", []);
    return row as never;
  };
  return new Operation({
    leases: pool,
    signal,
    readAccess,
    tenant: async () => northwind,
    notFound: refuse,
    fenced: refuse,
  });
}
const accessOf = (scope: Scope | null) => scope?.access as unknown as number;

describe("Operation.change", () => {
  it("reads access after a withdrawal that was under way has been committed", async () => {
    await database.owner(`alter role tenantry_serve in database ${database.name} set lock_timeout = '60s'`);
    const pool = openLeases(database.url("tenantry_serve"));
    const withdrawal = await TenantSession.open(pool, northwind, "withdraw");
    const before = Number((await withdrawal.query("select count(*)::int as count from grants", []))[0]!.count);
    const current = operation(never, pool);
    const seen: number[] = [];

    const change = current.change("change", [], async () => void seen.push(accessOf(current.scope)));
    await until(async () => (await activity(database, "advisory")) === 1);
    await database.owner(
      `delete from ${northwind.schemaName}.grants where id = (select min(id::text)::uuid from ${northwind.schemaName}.grants)`,
    );
    await withdrawal.commit();
    await change;
    await current.end();

    expect(seen).toEqual([before - 1]);
    await pool.close();
    await database.owner(`alter role tenantry_serve in database ${database.name} set lock_timeout = '50ms'`);
  });

  it("is tried again for as long as the lock is not to be had, and passes when it is", async () => {
    const current = operation();
    let runs = 0;
    const failures: (string | null)[] = [];

    const change = await whileLocked(database, northwind, async () => {
      const result = current.change("change", [], async () => {
        runs++;
        return write(current.scope!.session);
      });
      const log = await database.statements(() => database.owner("select pg_sleep(0.4)"));
      failures.push(...log.filter((text) => text.startsWith("select pg_advisory_xact_lock_shared")));
      return { result };
    });
    const row = await change.result;
    await current.end();

    expect(failures.length).toBeGreaterThan(1);
    expect(runs).toBe(1);
    expect(await written(database, northwind)).toContain(row);
  });

  it("is unavailable when the lock is not to be had within the request's time, and nothing was done", async () => {
    const time = new AbortController();
    const current = operation(time.signal);
    let runs = 0;

    const change = await whileLocked(database, northwind, async () => {
      const result = current.change("change", [], async () => void runs++);
      result.catch(() => {});
      await database.owner("select pg_sleep(0.2)");
      time.abort();
      await expect(result).rejects.toSatisfy?.(() => true);
      return { result };
    });

    await expect(change.result).rejects.toThrow(Error);
    expect(runs).toBe(0);
    expect(current.scope).toBeNull();
  });

  it("is run again when two of them broke each other", async () => {
    await database.owner(`alter role tenantry_serve in database ${database.name} set deadlock_timeout = '20ms'`).catch(() => {});
    const ids = (await database.owner(`select id::text from ${northwind.schemaName}.organizations order by id limit 2`)).map(
      ({ id }) => String(id),
    );
    const met: (() => void)[] = [];
    const both = new Promise<void>((go) => met.push(go));
    let arrived = 0;
    let runs = 0;
    const lock = (current: Operation, key: number) =>
      current.scope!.session.query("select pg_advisory_xact_lock($1::bigint)", [key]);
    const cross = (current: Operation, [first, second]: [number, number]) =>
      current.change("change", [], async () => {
        runs++;
        await lock(current, first);
        if (++arrived === 2) for (const go of met) go();
        await both;
        await lock(current, second);
        return write(current.scope!.session);
      });
    const [one, other] = [operation(), operation()];

    const rows = await Promise.all([cross(one, [1, 2]), cross(other, [2, 1])]);
    await Promise.all([one.end(), other.end()]);

    expect(ids).toHaveLength(2);
    expect(runs).toBeGreaterThan(2);
    expect([...(await written(database, northwind))]).toEqual(expect.arrayContaining(rows));
  });
});
