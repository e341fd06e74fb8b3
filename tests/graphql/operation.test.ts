import { Access } from "../../src/access/access.js";
import { isAway, LeaseOverError, OutcomeUnknownError } from "../../src/database/errors.js";
import type { Leases } from "../../src/database/leases.js";
import { withOwner } from "../../src/database/owner.js";
import type { Ahead } from "../../src/graphql/ahead.js";
import type { Answering } from "../../src/graphql/answering.js";
import { perSession } from "../../src/graphql/loader.js";
import { type HomeAnswer, Operation, type Scope } from "../../src/graphql/operation.js";
import type { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { activity, openLeases, recordOf, whileLocked, write, written } from "../support/sessions.js";
import { until } from "../support/until.js";
import { openWay } from "../support/way.js";

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
/** Access that knows nothing but how many grants there were in the tenant, as its session saw them; none of them ends. */
class CountingAccess extends Access {
  constructor(readonly count: number) {
    super({ grants: [], memberOf: [], suspended: [], archived: [] });
  }
}

/** An operation with such an access. */
function operation(signal: AbortSignal = never, reading: (session: TenantSession) => void = () => {}): Operation {
  const readAccess = async (session: TenantSession): Promise<HomeAnswer> => {
    reading(session);
    const [row] = await session.query("select count(*)::int as access from grants", []);
    return { access: new CountingAccess(Number(row!.access)) } as never;
  };
  return new Operation({
    leases,
    signal,
    readAccess,
    tenant: async () => northwind,
    onChange: () => {},
  });
}
const accessOf = (scope: Scope | null) => (scope!.access as CountingAccess).count;

describe("Operation.change", () => {
  it("reads access after a withdrawal that was under way has been committed", async () => {
    const withdrawal = await TenantSession.open(leases, northwind, "withdraw");
    const [before] = await withdrawal.query("select count(*)::int as count from grants", []);
    const current = operation();
    const seen: number[] = [];

    const change = current.change("change", [], async () => void seen.push(accessOf(current.scope)));
    await until(async () => (await activity(database, "advisory")) === 1);
    await database.owner(
      `delete from ${northwind.home.schemaName}.grants
       where id = (select id from ${northwind.home.schemaName}.grants order by id limit 1)`,
    );
    await withdrawal.commit();
    await change;
    await current.end();

    expect(seen).toEqual([Number(before!.count) - 1]);
  });

  it("is tried again while the lock is not to be had, and passes when it is", async () => {
    const current = operation();
    let runs = 0;
    let change: Promise<string> | undefined;

    const statements = await database.statements(() =>
      whileLocked(database, northwind, async () => {
        change = current.change("change", [], async () => {
          runs++;
          return write(current.scope!.session);
        });
        await database.owner("select pg_sleep(0.4)");
      }),
    );
    const row = await change!;
    await current.end();

    expect(statements.filter((text) => text.includes("pg_advisory_xact_lock_shared")).length).toBeGreaterThan(1);
    expect(runs).toBe(1);
    expect(await written(database, northwind)).toContain(row);
  });

  it("is unavailable when the lock is not to be had within the request's time", async () => {
    const time = new AbortController();
    const current = operation(time.signal);
    let runs = 0;

    await whileLocked(database, northwind, async () => {
      const change = current.change("change", [], async () => void runs++);
      change.catch(() => {});
      await database.owner("select pg_sleep(0.2)");
      time.abort();
      expect(isAway(await change.catch((error) => error))).toBe(true);
    });

    expect(runs).toBe(0);
    expect(current.scope).toBeNull();
    await until(() => leases.counts.open === leases.counts.idle);
  });

  it("is run again when two of them broke each other, and both are made", async () => {
    const [one, other] = [operation(), operation()];
    let [arrived, runs] = [0, 0];
    const cross = (current: Operation, keys: [number, number]) =>
      current.change("change", [], async () => {
        runs++;
        const lock = (key: number) => current.scope!.session.query("select pg_advisory_xact_lock($1::bigint)", [key]);
        await lock(keys[0]);
        arrived++;
        await until(() => arrived >= 2);
        await lock(keys[1]);
        return write(current.scope!.session);
      });

    const rows = await Promise.all([cross(one, [1, 2]), cross(other, [2, 1])]);
    await Promise.all([one.end(), other.end()]);

    expect(runs).toBeGreaterThan(2);
    expect([...(await written(database, northwind))]).toEqual(expect.arrayContaining(rows));
  });

  it("is not run again after an error that would come again, and leaves nothing", async () => {
    const current = operation();
    let row = "";
    let runs = 0;

    const change = current.change("change", [], async () => {
      runs++;
      row = await write(current.scope!.session);
      throw new Error("a bug");
    });

    await expect(change).rejects.toThrow("a bug");
    expect(runs).toBe(1);
    expect(await written(database, northwind)).not.toContain(row);
    expect(leases.counts).toMatchObject({ open: 1, idle: 1 });
  });

  it("is of unknown outcome, not undone, when it was made and cannot be shown", async () => {
    const time = new AbortController();
    const current = operation(time.signal, ({ purpose }) => purpose === "read" && time.abort());
    let row = "";

    const change = current.change("change", [], async () => {
      row = await write(current.scope!.session);
    });

    await expect(change).rejects.toThrow(OutcomeUnknownError);
    // Its commit was on its way.
    await until(async () => (await written(database, northwind)).has(row));
  });
});

describe("the answer of a change", () => {
  const LOCK = "select pg_advisory_xact_lock($1::bigint)";

  const ahead: Ahead = {
    keyOf: ({ id }) => id as string,
    send: (session, _fields, keys) =>
      session.query("select id from audit_events where id = any($1::uuid[])", [`{${keys.join()}}`]),
  };

  it("is asked for in the same breath as its commit, on the same connection, with what is sure to be read for it", async () => {
    const way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
    await leases.close();
    leases = openLeases(way.url(database.url("tenantry_serve")), { size: 1 });
    const current = operation();
    const change = async () => {
      const { id } = await current.change("change", [], async () => ({ id: await write(current.scope!.session) }), {
        ahead,
        keepsAccess: () => false,
      });
      return { id, rows: await current.scope!.ahead!.rowsOf(ahead, [id]) };
    };
    await change();
    await current.end();

    const before = way.trips;
    const { id, rows } = await change();
    const trips = way.trips - before;
    await current.end();
    await leases.close();
    await way.close();

    // What opens it with access; the row; the commit with all that the answer takes.
    expect(trips).toBe(3);
    expect(rows).toEqual([{ id }]);
  });

  describe("of which no more is expected than was sent ahead", () => {
    const answering: Answering = { ahead, keepsAccess: () => true };
    /** One that is expected to be answered so, and what is read of access in its sessions. */
    function expecting() {
      const purposes: string[] = [];
      const current = operation(never, ({ purpose }) => void purposes.push(purpose));
      current.isAnsweredAhead = true;
      let runs = 0;
      const change = (how = answering) =>
        current.change(
          "change",
          [],
          async () => {
            runs++;
            return { id: await write(current.scope!.session) };
          },
          how,
        );
      return { current, purposes, change, runs: () => runs };
    }

    it("is read in the transaction of the change, and no connection is held for it", async () => {
      const { current, purposes, change } = expecting();

      const { id } = await change();

      expect(leases.counts).toMatchObject({ open: 1, idle: 1 });
      expect(await written(database, northwind)).toContain(id);
      expect(await current.scope!.ahead!.rowsOf(ahead, [id])).toEqual([{ id }]);
      expect([purposes, current.mustAskAgain()]).toEqual([["change"], false]);
      await current.end();
      expect(leases.counts).toMatchObject({ open: 1, idle: 1 });
    });

    it("is asked for again where it asks for more, in a session with access of its own, and the change is not made again", async () => {
      const { current, purposes, change, runs } = expecting();
      const first = await change();

      await expect(current.scope!.session.query("select 1", [])).rejects.toThrow(LeaseOverError);

      expect(current.mustAskAgain()).toBe(true);
      expect([await change(), runs(), purposes]).toEqual([first, 1, ["change", "read"]]);
      const [row] = await current.scope!.session.query(
        "select count(*)::int as count from audit_events where id = $1",
        [first.id],
      );
      expect([row, current.mustAskAgain()]).toEqual([{ count: 1 }, false]);
      await current.end();
    });

    it("is of unknown outcome where it asks for more, and that cannot be read", async () => {
      const time = new AbortController();
      const current = operation(time.signal);
      current.isAnsweredAhead = true;
      let runs = 0;
      const change = () =>
        current.change(
          "change",
          [],
          async () => {
            runs++;
            return { id: await write(current.scope!.session) };
          },
          answering,
        );
      await change();
      await expect(current.scope!.session.query("select 1", [])).rejects.toThrow(LeaseOverError);
      time.abort();

      expect(current.mustAskAgain()).toBe(true);
      await expect(change()).rejects.toThrow(OutcomeUnknownError);
      expect(runs).toBe(1);
    });

    it("is read in a session of its own where the change may have given the viewer something", async () => {
      const { current, purposes, change } = expecting();

      await change({ ahead, keepsAccess: () => false });
      await current.end();

      expect(purposes).toEqual(["change", "read"]);
    });

    it("undoes the change where PostgreSQL refuses to read it", async () => {
      const { current, change } = expecting();
      let id = "";
      const refused: Ahead = {
        keyOf: (changed) => {
          id = changed.id as string;
          return id;
        },
        send: (session) => session.query("select 1 / (length($1) - 1)", ["x"]),
      };

      await expect(change({ ahead: refused, keepsAccess: () => true })).rejects.toMatchObject({ code: "22012" });

      expect([id === "", current.scope]).toEqual([false, null]);
      expect(await written(database, northwind)).not.toContain(id);
      expect(leases.counts).toMatchObject({ open: 1, idle: 1 });
    });
  });

  it("is read after what is to be done behind the commit, which holds no connection", async () => {
    await leases.close();
    leases = openLeases(database.url("tenantry_serve"), { size: 1 });
    const purposes: string[] = [];
    const current = operation(never, ({ purpose }) => void purposes.push(purpose));

    await current.change("change", [], async () => {
      const row = await write(current.scope!.session);
      current.afterCommit(async () => {
        purposes.push(`${leases.counts.idle} free`);
        expect(await written(database, northwind)).toContain(row);
      });
    });
    await current.end();

    expect(purposes).toEqual(["change", "1 free", "read"]);
  });

  it("is read when a change that was made behind the commit has ended, with its answer that nobody reads", async () => {
    await leases.close();
    leases = openLeases(database.url("tenantry_serve"), { size: 1 });
    const current = operation();
    const rows: string[] = [];

    await current.change("change", [], async () => {
      rows.push(await write(current.scope!.session));
      current.afterCommit(() =>
        current.change("change", [], async () => {
          rows.push(await write(current.scope!.session));
        }),
      );
    });
    const open = leases.counts.idle;
    await current.end();

    expect([open, leases.counts]).toEqual([0, { open: 1, idle: 1, waiting: 0 }]);
    expect([...(await written(database, northwind))]).toEqual(expect.arrayContaining(rows));
  });

  it("is of nothing where PostgreSQL refused what nobody waited for, and the reason is told", async () => {
    const current = operation();
    let row = "";

    const change = current.change("change", [], async () => {
      row = await write(current.scope!.session);
      current.scope!.session.write("select 1 / (length($1) - 1)", ["x"]);
    });

    await expect(change).rejects.toMatchObject({ code: "22012" });
    expect(current.scope).toBeNull();
    expect(await written(database, northwind)).not.toContain(row);
    expect(leases.counts).toMatchObject({ open: 1, idle: 1 });
  });

  it("comes from another try where the reason passes", async () => {
    const current = operation();
    let runs = 0;
    const rows: string[] = [];

    const change = await withOwner(database.url("tenantry_owner"), async (owner) => {
      await owner.run("select pg_advisory_lock($1::bigint)", ["77"]);
      const changing = current.change("change", [], async () => {
        runs++;
        rows.push(await write(current.scope!.session));
        current.scope!.session.write(LOCK, ["77"]);
      });
      await until(() => runs > 1);
      await owner.run("select pg_advisory_unlock($1::bigint)", ["77"]);
      return changing;
    });
    await current.end();

    expect(change).toBeUndefined();
    const kept = await written(database, northwind);
    expect(rows.map((row) => kept.has(row))).toEqual(rows.map((row) => row === rows.at(-1)));
    expect(leases.counts.open).toBe(leases.counts.idle);
  });
});

describe("what was read in a session", () => {
  it("ends with it: access and loaders are new in the next", async () => {
    const current = operation();
    let made = 0;
    const loader = perSession(() => ++made);
    const seen: unknown[] = [];

    for (let at = 0; at < 2; at++) {
      await current.change("change", [], async () => {
        seen.push(loader(current.scope!), loader(current.scope!));
      });
      seen.push(loader(current.scope!));
    }
    const last = current.scope!;
    await current.end();

    expect(seen).toEqual([1, 1, 2, 3, 3, 4]);
    expect(current.scope).toBeNull();
    await expect(last.session.query("select 1", [])).rejects.toThrow(LeaseOverError);
  });
});
