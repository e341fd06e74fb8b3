import {
  ConnectionLostError,
  isPassing,
  LeaseOverError,
  sqlState,
  UnavailableError,
} from "../../src/database/errors.js";
import type { Lease } from "../../src/database/lease.js";
import type { Leases } from "../../src/database/leases.js";
import { MAIN } from "../../src/database/names.js";
import { withOwner } from "../../src/database/owner.js";
import type { LeaseSettings } from "../../src/database/pooled.js";
import { Cancellation } from "../../src/database/signal.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { openLeases } from "../support/sessions.js";
import { until } from "../support/until.js";
import { openWay, type Way } from "../support/way.js";

const WHY = new Error("a test's");
let database: TestDatabase;
let way: Way;
const pools: Leases[] = [];
beforeAll(async () => {
  database = await cloneDatabase();
  way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
});
afterEach(async () => {
  way.open();
  await Promise.all(pools.splice(0).map((leases) => leases.close()));
});
afterAll(async () => {
  await way.close();
  await database.drop();
});

function pool(settings: Partial<LeaseSettings> = {}): Leases {
  const leases = openLeases(way.url(database.url("tenantry_serve")), settings);
  pools.push(leases);
  return leases;
}

const acquireAll = (leases: Leases, homes: readonly string[]) => Promise.all(homes.map((home) => leases.acquire(home)));
/** For pools whose patience is shorter than a busy machine may need to connect. */
async function acquireAtLast(leases: Leases, home: string): Promise<Lease> {
  let lease: Lease | null = null;
  await until(async () => {
    lease = await leases.acquire(home).catch(() => null);
    return lease !== null;
  });
  return lease!;
}
const release = (leases: readonly Lease[]) => {
  for (const lease of leases) lease.release();
};
const serverSessions = async () =>
  Number(
    (
      await database.owner(
        "select count(*) from pg_stat_activity where usename = 'tenantry_serve' and datname = current_database()",
      )
    )[0]!.count,
  );

describe("those who wait for a connection", () => {
  /** One connection, held; and then everybody who waits for it, in the order in which they come. */
  async function served(parties: readonly string[]): Promise<string[]> {
    const leases = pool({ size: 1 });
    const held = await leases.acquire("home");
    const order: string[] = [];
    const all = parties.map(async (party) => {
      const lease = await leases.acquire("home", undefined, MAIN, { party });
      order.push(party);
      lease.release();
    });
    held.release();
    await Promise.all(all);
    return order;
  }

  it("take turns by tenant, whose homes are one: nobody waits for all of another's, and a few are served as they come", async () => {
    const [many, few] = ["a".repeat(20), "bcb"];

    expect((await served([...many, ...few])).join("")).toBe(`${"a".repeat(8)}${few}${"a".repeat(12)}`);
  });

  it("are served in the order in which they came where there is one tenant", async () => {
    const leases = pool({ size: 1 });
    const held = await leases.acquire("home");
    const order: number[] = [];
    const all = [1, 2, 3, 4].map(async (at) => {
      const lease = await leases.acquire("home", undefined, MAIN, { party: "a" });
      order.push(at);
      lease.release();
    });
    held.release();
    await Promise.all(all);

    expect(order).toEqual([1, 2, 3, 4]);
  });

  it("are so many of one tenant at most, and others still may wait", async () => {
    const leases = pool({ size: 1, waitMs: 60_000 });
    const held = await leases.acquire("home");
    const ask = async (party: string) => (await leases.acquire("home", undefined, MAIN, { party })).release();
    const flood = Array.from({ length: 100 }, () => ask("flood"));

    await expect(ask("flood")).rejects.toThrow(UnavailableError);
    const others = Array.from({ length: 200 }, (_, at) => ask(`other ${at}`));
    await expect(ask("other 7")).rejects.toThrow(UnavailableError);
    const late = ask("who has nobody waiting");

    held.release();
    await Promise.all([...flood, ...others, late]);
    await ask("flood");
  });

  it("come before most of another's hundred when they come in the middle of it, however many were served before", async () => {
    const leases = pool({ size: 1 });
    const order: string[] = [];
    const flood = Array.from({ length: 100 }, async (_, at) => {
      const lease = await leases.acquire("home", undefined, MAIN, { party: "flood" });
      order.push("flood");
      if (at === 50) late = ask();
      lease.release();
    });
    let late: Promise<void> | undefined;
    const ask = async () => {
      const lease = await leases.acquire("home", undefined, MAIN, { party: "late" });
      order.push("late");
      lease.release();
    };
    await Promise.all(flood);
    await late;

    // Behind what is left of the turn, and the next one.
    expect(order.indexOf("late")).toBeLessThanOrEqual(51 + 2 * 8);
  });
});

describe("Leases.acquire", () => {
  it("serves those first whose home the connection knows, and of those who came first", async () => {
    const leases = pool({ size: 1 });
    const held = await leases.acquire("a");
    const served: string[] = [];
    const waiting = ["b", "a", "c", "a"].map(async (home, at) => {
      const lease = await leases.acquire(home);
      served.push(`${home}${at}`);
      lease.release();
    });

    held.release();
    await Promise.all(waiting);

    expect(served).toEqual(["a1", "a3", "b0", "c2"]);
  });

  it("lets nobody be overtaken more than 200 times", async () => {
    const leases = pool({ size: 1 });
    const held = await leases.acquire("a");
    const served: string[] = [];
    const waiting = ["b", ...Array<string>(220).fill("a")].map(async (home, at) => {
      const lease = await leases.acquire(home, undefined, MAIN, { party: `tenant ${at}` });
      served.push(home);
      lease.release();
    });

    held.release();
    await Promise.all(waiting);

    expect(served.indexOf("b")).toBeLessThanOrEqual(200);
  });

  it("prefers the connection that knows the home", async () => {
    const leases = pool({ size: 3 });
    const held = await acquireAll(leases, ["a", "b", "c"]);
    const pidOf = new Map(held.map((lease, at) => ["abc"[at], lease.pid]));
    release(held);

    for (const home of ["c", "a", "b", "a", "c"]) {
      const lease = await leases.acquire(home);
      expect(lease.pid).toBe(pidOf.get(home));
      lease.release();
    }
    expect(leases.homes).toEqual([1, 1, 1]);
  });

  it("opens one connection for one caller, and a second tenant's own while there is room", async () => {
    const leases = pool({ size: 3 });

    (await leases.acquire("a")).release();
    expect(leases.counts).toEqual({ open: 1, idle: 1, waiting: 0 });
    (await leases.acquire("a")).release();
    expect(leases.counts.open).toBe(1);
    (await leases.acquire("b")).release();
    expect(leases.counts.open).toBe(2);
  });

  describe("while the connection that knows a home is busy, and the idle one knows many others", () => {
    const crowded = async (stuckMs: number) => {
      const leases = pool({ size: 2, stuckMs, longMs: 60_000 });
      const busy = await leases.acquire("a");
      // Half of what the two take on as they come.
      for (let at = 0; at < 160; at++) (await leases.acquire(`b${at}`)).release();
      return { leases, busy };
    };

    it("has callers wait for it", async () => {
      const { leases, busy } = await crowded(60_000);

      const waiting = leases.acquire("a");
      expect(leases.counts).toEqual({ open: 2, idle: 1, waiting: 1 });
      busy.release();

      const lease = await waiting;
      expect(lease.pid).toBe(busy.pid);
      lease.release();
    });

    it("serves everybody else meanwhile", async () => {
      const { leases, busy } = await crowded(60_000);
      const waiting = leases.acquire("a");

      (await leases.acquire("b3")).release();
      (await leases.acquire("c")).release();

      busy.release();
      (await waiting).release();
    });

    it("has them wait for as long as it goes from one to the next, however long that takes", async () => {
      const { leases, busy } = await crowded(60_000);

      const pids = Array.from({ length: 7 }, async () => {
        const lease = await leases.acquire("a");
        await lease.run("select pg_sleep(0.03)");
        lease.release();
        return lease.pid;
      });
      busy.release();

      expect(new Set(await Promise.all(pids))).toEqual(new Set([busy.pid]));
    });

    it("gives them the idle one before long", async () => {
      const { leases, busy } = await crowded(100);

      const lease = await leases.acquire("a");

      expect(lease.pid).not.toBe(busy.pid);
      release([lease, busy]);
    });

    it("gives it at once to the ninth of them", async () => {
      const { leases, busy } = await crowded(60_000);

      const waiting = Array.from({ length: 9 }, async () => (await leases.acquire("a")).release());
      expect(leases.counts).toEqual({ open: 2, idle: 0, waiting: 8 });

      busy.release();
      await Promise.all(waiting);
    });
  });

  it("takes the connection that rested longest when the tenant has none and there is no room", async () => {
    const leases = pool({ size: 2 });
    const [a, b] = (await acquireAll(leases, ["a", "b"])) as [Lease, Lease];
    a.release();
    b.release();

    const c = await leases.acquire("c");

    expect(c.pid).toBe(a.pid);
    c.release();
  });

  it("tells who waited too long to come back, and serves the next one", async () => {
    const leases = pool({ size: 1, waitMs: 50 });
    const held = await acquireAtLast(leases, "a");

    const late = leases.acquire("a");

    await expect(late).rejects.toThrow(UnavailableError);
    await expect(late).rejects.toMatchObject({ retryAfterSeconds: 1 });
    expect(leases.counts).toEqual({ open: 1, idle: 0, waiting: 0 });
    held.release();
    (await leases.acquire("a")).release();
  });

  it("never has more connections than its size, whatever the crowd", async () => {
    const leases = pool({ size: 3, waitMs: 30_000, maxAgeMs: 20 });
    let most = 0;
    let running = 0;
    let mostRunning = 0;

    const all = await Promise.all(["a", "b", "c"].map((key) => leases.acquire(key)));
    expect(leases.counts.open).toBe(3);
    for (const lease of all) lease.release();
    await Promise.all(
      Array.from({ length: 200 }, async (_, at) => {
        const lease = await leases.acquire(`tenant ${at % 7}`);
        mostRunning = Math.max(mostRunning, ++running);
        most = Math.max(most, leases.counts.open);
        await lease.run("select 1");
        if (at % 50 === 0) most = Math.max(most, await serverSessions());
        running--;
        if (at % 31 === 0) lease.condemn(new Error("a test's"));
        else lease.release();
      }),
    );

    expect(mostRunning).toBeLessThanOrEqual(3);
    // A condemned session's process may take a moment to notice.
    expect(most).toBeLessThanOrEqual(4);
    expect(leases.counts.waiting).toBe(0);
  });

  it("gives a lease to one caller only, and its connection on to the next", async () => {
    const leases = pool({ size: 1 });
    const first = await leases.acquire("a");
    first.release();
    const second = await leases.acquire("a");

    await expect(first.run("select 1")).rejects.toThrow(LeaseOverError);
    expect(second.pid).toBe(first.pid);
    second.release();
  });
});

describe("a caller who gives up", () => {
  it("leaves the queue at once", async () => {
    const leases = pool({ size: 1, waitMs: 30_000 });
    const held = await leases.acquire("a");
    const patience = new Cancellation();
    const waiting = leases.acquire("a", patience);

    patience.abort(WHY);

    await expect(waiting).rejects.toThrow(UnavailableError);
    expect(leases.counts.waiting).toBe(0);
    held.release();
    expect(leases.counts.idle).toBe(1);
  });

  it("leaves the connection that was being opened for them to the next", async () => {
    const leases = pool({ size: 1 });
    const patience = new Cancellation();
    const waiting = leases.acquire("a", patience);

    patience.abort(WHY);

    await expect(waiting).rejects.toThrow(UnavailableError);
    await until(() => leases.counts.idle === 1);
    (await leases.acquire("b")).release();
    expect(leases.counts.open).toBe(1);
  });

  it("can do nothing with what they hold, nor with what they waited for, and leaves both to the next", async () => {
    const leases = pool({ size: 1, waitMs: 30_000 });
    const patience = new Cancellation();
    const held = await leases.acquire("a", patience);
    const waiting = leases.acquire("a", patience);

    patience.abort(WHY);

    for (const lease of [held, await waiting]) await expect(lease.run("select 1")).rejects.toThrow(ConnectionLostError);
    await until(() => leases.counts.idle === 1);
    (await leases.acquire("a")).release();
  });

  it("is not even queued when they gave up before", async () => {
    const leases = pool();

    await expect(leases.acquire("a", AbortSignal.abort())).rejects.toThrow(UnavailableError);

    expect(leases.counts).toEqual({ open: 0, idle: 0, waiting: 0 });
  });

  it("leaves the connection to the next, with nothing of what they did", async () => {
    const leases = pool({ size: 1 });
    const patience = new Cancellation();
    const lease = await leases.acquire("a", patience);
    void lease.runFirst("begin");
    void lease.run("set local work_mem = '7MB'");
    await lease.run("set local statement_timeout = '7s'");
    const answer = lease.run("select pg_sleep(0.01)");

    patience.abort(WHY);

    await expect(answer).rejects.toThrow(ConnectionLostError);
    await expect(lease.run("select 1")).rejects.toThrow(ConnectionLostError);
    const next = await leases.acquire("a");
    expect(next.pid).toBe(lease.pid);
    void next.runFirst("begin");
    expect(await next.run("select current_setting('work_mem') as memory")).toEqual([{ memory: "4MB" }]);
    await next.runLast("commit");
    next.release();
  });

  it.each([
    ["nothing yet", async () => {}],
    ["a statement of no transaction", async (lease: Lease) => void lease.run("select pg_sleep(0.01)")],
    [
      "a commit",
      async (lease: Lease) => {
        void lease.runFirst("begin");
        void lease.runLast("commit");
      },
    ],
    [
      "what PostgreSQL refuses",
      async (lease: Lease) => {
        void lease.runFirst("begin");
        void lease.run("select 1 / 0");
      },
    ],
  ])("leaves the connection to the next, when they sent %s", async (_what, send) => {
    const leases = pool({ size: 1 });
    const patience = new Cancellation();
    const lease = await leases.acquire("a", patience);
    await send(lease);

    patience.abort(WHY);

    const next = await leases.acquire("a");
    expect(next.pid).toBe(lease.pid);
    expect(await next.run("select 1 as one")).toEqual([{ one: 1 }]);
    next.release();
  });

  it("loses the session that dies while it is tidied", async () => {
    const leases = pool({ size: 1 });
    const patience = new Cancellation();
    const lease = await leases.acquire("a", patience);
    void lease.runFirst("begin");
    void lease.run("select pg_sleep(60)");

    patience.abort(WHY);
    await database.owner("select pg_terminate_backend($1)", [lease.pid]);

    const next = await leases.acquire("a");
    expect(next.pid).not.toBe(lease.pid);
    next.release();
  });

  it("loses the session they hold, in the middle of a statement that takes long", async () => {
    const leases = pool({ size: 1 });
    const patience = new Cancellation();
    const lease = await leases.acquire("a", patience);
    const answer = lease.run("select pg_sleep(60)");
    await until(async () => (await serverSessions()) === 1);

    patience.abort(WHY);

    await expect(answer).rejects.toThrow(ConnectionLostError);
    await until(async () => (await serverSessions()) === 0);
    (await leases.acquire("a")).release();
  });

  it("takes nothing from who has the connection after them", async () => {
    const leases = pool({ size: 1 });
    const patience = new Cancellation();
    (await leases.acquire("a", patience)).release();
    const next = await leases.acquire("a");

    patience.abort(WHY);

    expect(await next.run("select 1 as one")).toMatchObject([{ one: 1 }]);
    next.release();
  });
});

describe("a connection", () => {
  it("is closed when it is too old", async () => {
    const leases = pool({ size: 1, maxAgeMs: 50 });

    const first = await leases.acquire("a");
    await first.run("select pg_sleep(0.1)");
    first.release();
    const second = await leases.acquire("a");

    expect(second.pid).not.toBe(first.pid);
    second.release();
  });

  it("is closed when it has seen too many statements, but not before its lease ends", async () => {
    const leases = pool({ size: 1 });
    const lease = await leases.acquire("a");
    for (let at = 0; at < 510; at++) void lease.run(`select ${at} + $1::int`, [at]);
    await lease.run("select 'the last'");

    lease.release();
    const next = await leases.acquire("a");

    expect(next.pid).not.toBe(lease.pid);
    next.release();
  });

  it("is kept whatever it has seen of statements without parameters, which leave no plan", async () => {
    const leases = pool({ size: 1 });
    const lease = await leases.acquire("a");
    for (let at = 0; at < 510; at++) void lease.run(`select ${at}`);
    await lease.run("select 'the last'");

    lease.release();
    const next = await leases.acquire("a");

    expect(next.pid).toBe(lease.pid);
    next.release();
  });

  it("is given to nobody after its session was killed", async () => {
    const leases = pool({ size: 1 });
    const first = await leases.acquire("a");
    first.release();

    await withOwner(database.url("tenantry_owner"), (owner) =>
      owner.run("select pg_terminate_backend($1)", [first.pid]),
    );
    await until(() => leases.counts.open === 0);

    const second = await leases.acquire("a");
    expect(await second.run("select 1 as one")).toMatchObject([{ one: 1 }]);
    second.release();
  });

  it("is ended when a lease is given back with a statement under way", async () => {
    const leases = pool({ size: 1 });
    const lease = await leases.acquire("a");
    const forgotten = lease.run("select pg_sleep(60)");

    lease.release();

    await expect(forgotten).rejects.toThrow(LeaseOverError);
    const next = await leases.acquire("b");
    expect(next.pid).not.toBe(lease.pid);
    next.release();
  });

  it("that comes back inside a transaction serves nobody in it", async () => {
    const leases = pool({ size: 1 });
    const first = await leases.acquire("a");
    await first.run("begin");
    first.release();
    const second = await leases.acquire("b");

    await expect(second.run("begin")).rejects.toThrow(ConnectionLostError);

    const third = await leases.acquire("b");
    expect(third.pid).not.toBe(first.pid);
    expect((await third.run("begin")).command).toBe("BEGIN");
    expect((await third.runLast("commit")).command).toBe("COMMIT");
    third.release();
  });
});

describe("a database that is away", () => {
  it("is told to every caller at once, and serves again when it is back", async () => {
    const leases = pool({ size: 2, waitMs: 60_000 });
    const lease = await leases.acquire("a");
    const answer = lease.run("select pg_sleep(60)");

    way.bar();

    await expect(answer).rejects.toThrow(ConnectionLostError);
    const callers = await Promise.allSettled(acquireAllOf(leases, 20));
    expect(callers.every(({ status }) => status === "rejected")).toBe(true);
    for (const caller of callers) {
      expect((caller as PromiseRejectedResult).reason).toBeInstanceOf(UnavailableError);
    }

    way.open();
    release(await acquireAll(leases, ["a", "b"]));
    expect(leases.counts).toEqual({ open: 2, idle: 2, waiting: 0 });
  });

  it("is noticed when it takes connections and says nothing, and keeps none of them", async () => {
    const leases = pool({ size: 2, waitMs: 60_000, connectTimeoutMs: 100 });
    way.mute();

    const callers = await Promise.allSettled(acquireAllOf(leases, 4));

    expect(callers.map(({ status }) => status)).toEqual(Array(4).fill("rejected"));
    await until(() => way.count === 0);
    way.open();
    (await acquireAtLast(leases, "a")).release();
  });

  it("is noticed when it stops answering in the middle of a lease", async () => {
    const leases = pool({ size: 1, silenceMs: 500 });
    const lease = await leases.acquire("a");
    await lease.run("select 1");
    way.mute();

    await expect(lease.run("select 1")).rejects.toThrow(ConnectionLostError);

    way.open();
    (await leases.acquire("a")).release();
  });

  it("is not suspected between two statements", async () => {
    const leases = pool({ size: 1, silenceMs: 500 });
    const lease = await leases.acquire("a");
    await lease.run("select 1");

    await Promise.all([database.owner("select pg_sleep(0.6)")]);

    expect(await lease.run("select 1 as one")).toMatchObject([{ one: 1 }]);
    lease.release();
  });

  it("makes callers wait for a connection of their own pool when the server has no room for more", async () => {
    const name = `few_${database.name}`;
    await database.owner(`create role ${name} login connection limit 1 password 'few'`);
    const url = new URL(way.url(database.url("tenantry_serve")));
    url.username = name;
    url.password = "few";
    const leases = openLeases(url.href, { size: 3 });
    const held = await leases.acquire("a");
    const waiting = acquireAllOf(leases, 3).map(async (lease) => (await lease).release());
    await until(async () => leases.counts.waiting === 3);

    held.release();
    await Promise.all(waiting);

    expect(leases.counts.open).toBe(1);
    await leases.close();
    await database.owner(`drop role ${name}`);
  });
});

const acquireAllOf = (leases: Leases, count: number) =>
  Array.from({ length: count }, (_, at) => leases.acquire(String(at)));

describe("a statement that was prepared before a column had another type", () => {
  const READ = ["select wide from eyes.thing where $1::int = 1", [1]] as const;
  let leases: Leases;
  let type = "int";
  beforeAll(() =>
    database.owner("create schema eyes; create table eyes.thing (wide int); insert into eyes.thing values (1)"),
  );
  beforeEach(async () => {
    leases = openLeases(database.url("tenantry_owner"), { size: 1 });
    pools.push(leases);
    const lease = await leases.acquire("");
    await lease.run(...READ);
    lease.release();
    type = type === "int" ? "bigint" : "int";
    await database.owner(`alter table eyes.thing alter wide type ${type}`);
  });

  // Behind a statement that the driver has to prepare, all are the driver's.
  describe.each([
    ["in our words", []],
    ["by the driver", [["select $1::int as unknown", [0]] as const]],
  ])("%s", (_, before) => {
    it("is refused, may be tried again, and leaves all that was sent with it in step", async () => {
      const lease = await leases.acquire("");
      void lease.runFirst("begin");
      for (const one of before) void lease.run(...one);
      const refused = lease.run(...READ);
      const behind = lease.run("select 2 as two");

      const [error, other] = await Promise.all([refused.catch((why) => why), behind.catch((why) => why)]);

      expect([sqlState(error), isPassing(error), other]).toEqual(["0A000", true, error]);
      expect(await lease.runLast("rollback")).toMatchObject({ command: "ROLLBACK" });
      lease.release();
      const next = await leases.acquire("");
      expect(next.pid).toBe(lease.pid);
      expect(await next.run(...READ)).toHaveLength(1);
      next.release();
    });

    it("is not sent once more to who has the connection after a caller who gave up", async () => {
      const patience = new Cancellation();
      const lease = await leases.acquire("", patience);
      const waiting = leases.acquire("");
      void lease.runFirst("begin");
      for (const one of before) void lease.run(...one);
      const answer = lease.run(...READ);
      // What is sent leaves at the end of its turn.
      await new Promise(setImmediate);

      patience.abort(WHY);

      await expect(answer).rejects.toThrow(ConnectionLostError);
      const next = await waiting;
      const [begun, seen] = await Promise.all([next.runFirst("begin"), next.run("select 'mine' as word")]);
      expect([begun.command, seen]).toEqual(["BEGIN", [{ word: "mine" }]]);
      await next.runLast("commit");
      next.release();
    });
  });
});

describe("Leases.close", () => {
  it("waits for who holds a lease, and refuses everybody else", async () => {
    const leases = pool({ size: 1, waitMs: 60_000 });
    const held = await leases.acquire("a");
    const waiting = leases.acquire("a");

    let isClosed = false;
    const closed = leases.close().then(() => {
      isClosed = true;
    });

    await expect(waiting).rejects.toThrow(UnavailableError);
    await expect(leases.acquire("a")).rejects.toThrow(UnavailableError);
    expect(await held.run("select 1 as one")).toMatchObject([{ one: 1 }]);
    expect(isClosed).toBe(false);
    held.release();
    await closed;
    expect(leases.counts).toEqual({ open: 0, idle: 0, waiting: 0 });
    await until(async () => (await serverSessions()) === 0);
  });

  it("closes a connection that was just being opened", async () => {
    const leases = pool({ size: 1 });
    const waiting = leases.acquire("a");

    await Promise.all([expect(waiting).rejects.toThrow(UnavailableError), leases.close()]);

    expect(leases.counts.open).toBe(0);
    await until(async () => (await serverSessions()) === 0);
  });
});

describe("Lease.run", () => {
  it("tells of a failure that nobody listened to, not that there was one", async () => {
    const leases = pool({ size: 1 });
    const lease = await leases.acquire("a");
    void lease.run("begin");
    void lease.run("select 1 / 0");

    const next = lease.run("select 1");

    await expect(next).rejects.toMatchObject({ code: "22012" });
    await lease.run("rollback");
    expect(await lease.run("select 1 as one")).toMatchObject([{ one: 1 }]);
    lease.release();
  });

  it("sends nothing behind the statement that closed the transaction", async () => {
    const leases = pool({ size: 1 });
    const lease = await leases.acquire("a");
    void lease.run("begin");

    const [end, after] = await Promise.allSettled([lease.runLast("commit"), lease.run("select 1")]);

    expect(end).toMatchObject({ status: "fulfilled", value: { command: "COMMIT" } });
    expect((after as PromiseRejectedResult).reason).toBeInstanceOf(LeaseOverError);
    lease.release();
    expect(leases.counts.idle).toBe(1);
  });
});
