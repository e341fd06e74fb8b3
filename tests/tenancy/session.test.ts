import { sql } from "drizzle-orm";
import { ConnectionLostError, LeaseOverError, OutcomeUnknownError } from "../../src/database/errors.js";
import type { Leases } from "../../src/database/leases.js";
import type { LeaseSettings } from "../../src/database/pooled.js";
import { organizations } from "../../src/features/organizations/table.js";
import type { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { type Purpose, TenantSession } from "../../src/tenancy/session.js";
import { lockOf } from "../../src/tenancy/tenantLock.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { activity, openLeases, recordOf, whileLocked, write, written } from "../support/sessions.js";
import { until } from "../support/until.js";
import { openWay, type Way } from "../support/way.js";

let database: TestDatabase;
let way: Way;
let northwind: TenantRecord;
let meridian: TenantRecord;
const pools: Leases[] = [];
beforeAll(async () => {
  database = await cloneDatabase();
  way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
  [northwind, meridian] = await Promise.all([recordOf(database, "northwind"), recordOf(database, "meridian")]);
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
  const leases = openLeases(way.url(database.url("tenantry_serve")), { size: 1, ...settings });
  pools.push(leases);
  return leases;
}

const open = (leases: Leases, purpose: Purpose, tenant = northwind, signal?: AbortSignal) =>
  TenantSession.open(leases, tenant, purpose, signal);

const LOCKS = `select mode from pg_locks where locktype = 'advisory' and granted
  and ((classid::bigint << 32) | objid::bigint) = $1::bigint
  and database = (select oid from pg_database where datname = current_database())`;

describe("a session", () => {
  it("prepares itself in the same message as its first statement", async () => {
    const leases = pool();
    const use = async () => {
      const session = await open(leases, "change");
      await session.query("select name from organizations where tenant_id = $1 limit 1", [northwind.id]);
      await session.commit();
    };
    await use();

    const before = way.trips;
    const statements = await database.statements(use);

    expect(way.trips - before).toBe(2);
    expect(statements).toEqual([
      "begin isolation level read committed read write",
      expect.stringMatching(
        /^select set_config\('search_path', \$1, true\), set_config\('tenantry.tenant_id', \$2, true\), now\(\) as now, pg_advisory_xact_lock_shared\(\$3::bigint\)/,
      ),
      expect.stringMatching(/^select name from organizations/),
      "commit",
    ]);
  });

  it("needs no round trip more for statements that run side by side", async () => {
    const leases = pool();
    const use = async () => {
      const session = await open(leases, "read");
      await Promise.all(
        Array.from({ length: 3 }, () => session.db.select({ name: organizations.name }).from(organizations)),
      );
      await session.commit();
    };
    await use();

    const before = way.trips;
    await use();

    expect(way.trips - before).toBe(2);
  });

  it("ends in the same message as the last statement that it was said to expect", async () => {
    const leases = pool();
    const use = async () => {
      const session = await open(leases, "read");
      session.expect(session.statements + 2);
      const [first, last] = await Promise.all([
        session.query("select 1 as one", []),
        session.db.select({ name: organizations.name }).from(organizations).limit(1),
      ]);
      await session.commit();
      return [first[0]?.one, last.length, session.isExceeded];
    };
    await use();

    const before = way.trips;
    const answers: unknown[] = [];
    const statements = await database.statements(async () => void answers.push(...(await use())));

    expect(way.trips - before).toBe(1);
    expect(statements.at(-1)).toBe("commit");
    expect(answers).toEqual([1, 1, false]);
    await (await open(leases, "read")).commit();
  });

  it.each(["commit", "rollback"] as const)(
    "refuses what is more than it was said to expect, and says so: %s",
    async (end) => {
      const leases = pool();
      const session = await open(leases, "read");
      session.expect(session.statements + 1);
      await session.query("select 1", []);

      await expect(session.query("select 2", [])).rejects.toThrow(LeaseOverError);
      expect(session.isExceeded).toBe(true);
      await session[end]();
      await (await open(leases, "read")).commit();
    },
  );

  it("ends once, when its caller says so, where fewer statements came than it was said to expect", async () => {
    const leases = pool();
    const use = async (end: "commit" | "rollback") => {
      const session = await open(leases, "read");
      session.expect(session.statements + 2);
      await session.query("select 1", []);
      await session[end]();
      expect(session.isExceeded).toBe(false);
      return session.pid;
    };
    const pids = [await use("commit"), await use("rollback")];

    const statements = await database.statements(async () => {
      pids.push(await use("commit"), await use("rollback"));
    });

    expect(statements.filter((text) => ["commit", "rollback"].includes(text))).toEqual(["commit", "rollback"]);
    expect(new Set(pids).size).toBe(1);
  });

  it("does not count what undoes it for a caller who has gone", async () => {
    const leases = pool();
    const patience = new AbortController();
    const session = await open(leases, "read", northwind, patience.signal);
    const asked = session.query("select pg_sleep(0.01)", []);
    const before = session.statements;

    patience.abort();

    await expect(asked).rejects.toThrow(ConnectionLostError);
    expect(session.statements).toBe(before);
    await session.rollback();
  });

  it("never ends a change by itself", async () => {
    const leases = pool();
    const session = await open(leases, "change");
    session.expect(session.statements + 1);
    await session.query("select 1", []);

    expect(await session.query("select 2 as two", [])).toMatchObject([{ two: 2 }]);
    await session.rollback();
  });

  it("sees one snapshot when it reads", async () => {
    const session = await open(pool(), "read");
    const count = async () => (await session.query("select count(*)::int as count from audit_events", []))[0]?.count;
    const before = await count();

    const other = await open(pool(), "change");
    await write(other);
    await other.commit();

    expect(await count()).toBe(before);
    await session.commit();
  });

  it("sees what others committed when it changes", async () => {
    const session = await open(pool(), "change");
    const count = async () => (await session.query("select count(*)::int as count from audit_events", []))[0]?.count;
    const before = await count();

    const other = await open(pool(), "change");
    await write(other);
    await other.commit();

    expect(await count()).toBe(Number(before) + 1);
    await session.commit();
  });

  it("writes nothing when it reads", async () => {
    const session = await open(pool(), "read");

    await expect(write(session)).rejects.toMatchObject({ code: "25006" });

    await session.rollback();
  });

  it.each([
    ["change", "ShareLock"],
    ["withdraw", "ExclusiveLock"],
    ["read", undefined],
  ] as const)("of purpose %s holds the tenant's lock as %s", async (purpose, mode) => {
    const session = await open(pool(), purpose);
    await session.query("select 1", []);

    const [held] = await database.owner(LOCKS, [lockOf(northwind.id)]);

    expect(held?.mode).toBe(mode);
    await session.commit();
    expect(await database.owner(LOCKS, [lockOf(northwind.id)])).toEqual([]);
  });

  it("lets changes run side by side, and a withdrawal alone", async () => {
    const leases = pool({ size: 3 });
    const changes = await Promise.all([open(leases, "change"), open(leases, "change")]);
    for (const change of changes) await write(change);

    const withdrawal = await open(leases, "withdraw");
    const answer = withdrawal.query("select 'alone' as word", []);
    await until(async () => (await activity(database, "advisory")) === 1);
    for (const change of changes) await change.commit();

    expect(await answer).toMatchObject([{ word: "alone" }]);
    await withdrawal.commit();
  });

  it("sees its own tenant's rows whatever home its connection takes it to be in, and whatever was planned there", async () => {
    const leases = pool();
    const tenants = [...Array<TenantRecord>(12).fill(northwind), meridian, northwind, meridian];

    for (const tenant of tenants) {
      const lease = await leases.acquire("the same for both");
      const session = TenantSession.enter(lease, tenant, "read");

      const rows = await session.query("select distinct tenant_id from organizations where slug <> $1", ["nobody"]);

      expect(rows).toEqual([{ tenant_id: tenant.id }]);
      await session.commit();
    }
  });

  it.each([true, "auto", false] as const)(
    "has plans of its own for a home that is served often, where statements are prepared: %s",
    async (prepare) => {
      const leases = pool({ prepare });
      for (let at = 0; at < 5; at++)
        for (const tenant of [northwind, meridian]) {
          const session = await open(leases, "read", tenant);
          await session.query("select slug from organizations where slug = $1", ["nobody"]);
          await session.commit();
        }

      const lease = await leases.acquire("");
      const kept = await lease.run(`select generic_plans::int, custom_plans::int from pg_prepared_statements
      where statement ~ '^select slug from organizations .* home [0-9]+'`);
      lease.release();

      const homes = new Set([northwind, meridian].map(({ home }) => home.schemaName));
      expect(kept).toHaveLength(prepare ? homes.size : 0);
      for (const plans of kept) expect(plans).toEqual({ generic_plans: expect.any(Number), custom_plans: 0 });
    },
  );

  it("does not wait for the lock of another tenant", async () => {
    const leases = pool({ size: 2 });
    const [ours, theirs] = await Promise.all([open(leases, "withdraw"), open(leases, "withdraw", meridian)]);

    await Promise.all([write(ours), write(theirs)]);

    await Promise.all([ours.commit(), theirs.commit()]);
  });
});

describe("what failed first", () => {
  it("is what the next statement tells, when the lock was not to be had", async () => {
    await database.owner(`alter role tenantry_serve in database ${database.name} set lock_timeout = '50ms'`);
    const leases = pool();

    await whileLocked(database, northwind, async () => {
      const session = await open(leases, "change");
      await expect(session.query("select 1", [])).rejects.toMatchObject({ code: "55P03" });
      await expect(session.db.select().from(organizations)).rejects.toMatchObject({ cause: { code: "55P03" } });
      await session.rollback();
    });

    await database.owner(`alter role tenantry_serve in database ${database.name} reset lock_timeout`);
    expect(leases.counts).toEqual({ open: 1, idle: 1, waiting: 0 });
  });

  it("refuses the commit, even where nobody looked at it", async () => {
    const leases = pool();
    const session = await open(leases, "change");
    const id = await write(session);
    void session.query("select 1 / 0", []);

    const commit = session.commit();

    await expect(commit).rejects.toMatchObject({ code: "22012" });
    expect(await written(database, northwind)).not.toContain(id);
    expect(leases.counts.idle).toBe(1);
  });
});

describe("a session that reads behind a commit", () => {
  const SEES = "select count(*)::int as count from audit_events where id = $1";
  /** A change that has written a row, for a caller who can go. */
  const changing = async () => {
    const [leases, gone] = [pool(), new AbortController()];
    const session = await open(leases, "change", northwind, gone.signal);
    return { leases, gone, session, id: await write(session) };
  };

  it("travels with it, sees what it kept, and leaves a connection that knows nothing of either", async () => {
    const leases = pool();
    const use = async () => {
      const session = await open(leases, "change");
      const id = await write(session);
      const before = way.trips;
      const { kept, reading } = session.commitAndRead();
      const seen = reading.query(SEES, [id]);
      await kept;
      const trips = way.trips - before;
      expect(await seen).toEqual([{ count: 1 }]);
      expect([reading.purpose, reading.tenantId]).toEqual(["read", northwind.id]);
      await reading.commit();
      return trips;
    };
    await use();

    expect(await use()).toBe(1);

    expect(leases.counts).toEqual({ open: 1, idle: 1, waiting: 0 });
    const lease = await leases.acquire("");
    const [left] = await lease.run(
      "select current_setting('tenantry.tenant_id', true) as tenant, current_setting('search_path') as path",
    );
    lease.release();
    expect([left!.tenant || null, left!.path]).toEqual([null, '""']);
  });

  it("keeps the connection from everybody else until it ends", async () => {
    const leases = pool();
    const session = await open(leases, "change");
    await write(session);
    const { kept, reading } = session.commitAndRead();
    await kept;

    const next = open(leases, "read", meridian);
    const [own] = await reading.query("select distinct tenant_id from organizations where slug <> $1", ["nobody"]);
    expect([own!.tenant_id, leases.counts.waiting]).toEqual([northwind.id, 1]);
    await reading.commit();

    const other = await next;
    const [theirs] = await other.query("select distinct tenant_id from organizations where slug <> $1", ["nobody"]);
    expect(theirs!.tenant_id).toBe(meridian.id);
    await other.commit();
  });

  it("is none of what was refused: that fails with its reason, and the other reads what was there", async () => {
    const leases = pool();
    const session = await open(leases, "change");
    const id = await write(session);
    session.write("select 1 / (length($1) - 1)", ["x"]);

    const { kept, reading } = session.commitAndRead();
    const seen = reading.query(SEES, [id]);

    await expect(kept).rejects.toMatchObject({ code: "22012" });
    expect([await seen, reading.failure]).toEqual([[{ count: 0 }], null]);
    await reading.rollback();
    expect(leases.counts).toEqual({ open: 1, idle: 1, waiting: 0 });
  });

  it("can fail by itself, and what was kept before it stays kept", async () => {
    const leases = pool();
    const session = await open(leases, "change");
    const id = await write(session);

    const { kept, reading } = session.commitAndRead();
    const refused = reading.query("select 1 / (length($1) - 1)", ["x"]);

    await expect(kept).resolves.toBeUndefined();
    await expect(refused).rejects.toMatchObject({ code: "22012" });
    await reading.rollback();
    expect(await written(database, northwind)).toContain(id);
    expect(leases.counts).toEqual({ open: 1, idle: 1, waiting: 0 });
  });

  it("ends with a caller who goes away, and the connection serves the next one", async () => {
    const { leases, gone, session } = await changing();

    const { kept, reading } = session.commitAndRead();
    const seen = reading.query(SEES, [northwind.id]);
    gone.abort();

    await expect(kept).rejects.toBeInstanceOf(OutcomeUnknownError);
    await expect(seen).rejects.toBeInstanceOf(ConnectionLostError);
    await reading.rollback();
    const next = await open(leases, "read", meridian);
    const [row] = await next.query("select distinct tenant_id from organizations where slug <> $1", ["nobody"]);
    expect([row!.tenant_id, leases.counts.open]).toEqual([meridian.id, 1]);
    await next.commit();
  });

  it("is ended with a caller who goes away while it reads", async () => {
    const { leases, gone, session, id } = await changing();
    const { kept, reading } = session.commitAndRead();
    await kept;

    const seen = reading.query("select pg_sleep(0.01), $1", [id]);
    gone.abort();

    await expect(seen).rejects.toBeInstanceOf(ConnectionLostError);
    await until(() => leases.counts.idle === 1);
    expect(await written(database, northwind)).toContain(id);
  });

  it.each([
    ["the network", () => way.reset()],
    [
      "the server",
      () =>
        database.owner(`select pg_terminate_backend(pid) from pg_stat_activity
      where usename = 'tenantry_serve' and datname = current_database() and state <> 'idle'`),
    ],
  ])("is lost with it by %s, of which nobody knows what it kept", async (_by, lose) => {
    const leases = pool();
    const session = await open(leases, "change");
    await write(session);
    session.write("select pg_sleep(60) where $1 <> ''", ["x"]);

    const { kept, reading } = session.commitAndRead();
    const seen = reading.query(SEES, [northwind.id]);
    const outcome = expect(kept).rejects.toBeInstanceOf(OutcomeUnknownError);
    await until(async () => (await activity(database, "PgSleep")) === 1);
    await lose();

    await outcome;
    await expect(seen).rejects.toBeInstanceOf(ConnectionLostError);
    await reading.rollback();
    expect(leases.counts).toEqual({ open: 0, idle: 0, waiting: 0 });
  });

  it("is refused where the caller had gone before, and takes nothing from who has the connection since", async () => {
    const { leases, gone, session } = await changing();
    gone.abort();
    const next = await open(leases, "read", meridian);
    await next.query("select 1 where $1 <> ''", ["x"]);

    const { kept, reading } = session.commitAndRead();

    await expect(kept).rejects.toBeInstanceOf(ConnectionLostError);
    await expect(reading.query(SEES, [northwind.id])).rejects.toBeInstanceOf(ConnectionLostError);
    await reading.rollback();
    // It learns of its own loss.
    way.reset();
    await expect(next.query("select pg_sleep(60) where $1 <> ''", ["x"])).rejects.toBeInstanceOf(ConnectionLostError);
    await next.rollback();
    expect(leases.counts).toEqual({ open: 0, idle: 0, waiting: 0 });
  });

  it("is refused where the caller goes, and gives the connection back when all is undone", async () => {
    const { leases, gone, session } = await changing();
    gone.abort();

    const { kept } = session.commitAndRead();

    await expect(kept).rejects.toBeInstanceOf(ConnectionLostError);
    await until(() => leases.counts.idle === 1);
    const next = await open(leases, "read", meridian);
    await next.query("select 1 where $1 <> ''", ["x"]);
    await next.commit();
  });

  it("is refused where the session was lost before", async () => {
    const leases = pool();
    const session = await open(leases, "change");
    await write(session);
    way.reset();
    await until(() => leases.counts.open === 0);

    const { kept, reading } = session.commitAndRead();

    await expect(kept).rejects.toBeInstanceOf(ConnectionLostError);
    await expect(reading.query(SEES, [northwind.id])).rejects.toBeInstanceOf(ConnectionLostError);
    await reading.rollback();
  });
});

describe("the end of a session", () => {
  // What goes wrong, and whether the connection outlives it.
  const endings: Record<
    string,
    [keeps: boolean, end: (session: TenantSession, gone: AbortController) => Promise<unknown>]
  > = {
    "a commit": [true, (session) => session.commit()],
    "a rollback": [true, (session) => session.rollback()],
    "a commit of a failed transaction": [
      true,
      async (session) => {
        await expect(session.query("select 1 / 0", [])).rejects.toMatchObject({ code: "22012" });
        await expect(session.commit()).rejects.toMatchObject({ code: "22012" });
      },
    ],
    "a statement that took too long": [
      true,
      async (session) => {
        await session.query("select set_config('statement_timeout', '20', true)", []);
        await expect(session.query("select pg_sleep(60)", [])).rejects.toMatchObject({ code: "57014" });
        await session.rollback();
      },
    ],
    "a statement that nobody awaited": [
      true,
      async (session) => {
        void session.query("select pg_sleep(0.05)", []);
        void session.query("select 1 / 0", []);
        await session.rollback();
      },
    ],
    "a caller who has gone": [
      true,
      async (session, gone) => {
        const answer = session.query("select pg_sleep(0.01)", []);
        gone.abort();
        await expect(answer).rejects.toThrow(ConnectionLostError);
        await expect(session.commit()).rejects.toThrow(ConnectionLostError);
      },
    ],
    "a caller who has gone from a statement that takes long": [
      false,
      async (session, gone) => {
        const answer = session.query("select pg_sleep(60)", []);
        gone.abort();
        await expect(answer).rejects.toThrow(ConnectionLostError);
        await expect(session.commit()).rejects.toThrow(ConnectionLostError);
      },
    ],
    "a caller who has gone, and a rollback": [
      true,
      async (session, gone) => {
        gone.abort();
        await session.rollback();
      },
    ],
    "a transaction that was closed by hand": [
      false,
      async (session) => {
        await session.query("rollback", []);
        await expect(session.commit()).rejects.toThrow(OutcomeUnknownError);
      },
    ],
    "a transaction that was begun twice": [
      false,
      async (session) => {
        await expect(session.query("begin", [])).rejects.toThrow(ConnectionLostError);
        await expect(session.commit()).rejects.toThrow(ConnectionLostError);
      },
    ],
    // The driver would take the answers of what follows for one statement earlier.
    "a value that cannot be sent": [
      false,
      async (session) => {
        const answers = [
          session.query("select 'first' as word", []),
          session.query("select $1::text as word", [undefined]),
          session.query("select 'third' as word", []),
        ];
        for (const answer of answers) await expect(answer).rejects.toThrow(ConnectionLostError);
        await expect(session.commit()).rejects.toThrow(ConnectionLostError);
      },
    ],
  };

  it.each(Object.entries(endings))("by %s leaves a connection that knows nothing of it", async (name, [keeps, end]) => {
    const leases = pool();
    const gone = new AbortController();
    const session = await open(leases, "change", northwind, gone.signal);
    await write(session);

    await end(session, gone);

    await expect(session.query("select 1", [])).rejects.toThrow(
      keeps && !name.startsWith("a caller") ? LeaseOverError : ConnectionLostError,
    );
    await expect(session.db.select().from(organizations)).rejects.toThrow();
    const lease = await leases.acquire(northwind.home.schemaName);
    expect(lease.pid === session.pid).toBe(keeps);
    expect(
      await lease.run(
        "select current_setting('search_path') as path, coalesce(current_setting('tenantry.tenant_id', true), '') as tenant",
      ),
    ).toMatchObject([{ path: '""', tenant: "" }]);
    await until(async () => (await database.owner(LOCKS, [lockOf(northwind.id)])).length === 0);
    lease.release();
    const next = await open(leases, "read", meridian);
    expect(await next.query("select distinct tenant_id from organizations", [])).toMatchObject([
      { tenant_id: meridian.id },
    ]);
    await next.commit();
    expect(await activity(database, "idle in transaction")).toBe(0);
  });

  it("may come before the session is in the caller's hands, and ends nothing but the session", async () => {
    const leases = pool();
    await (await open(leases, "read")).commit();
    const gone = new AbortController();

    const opening = open(leases, "change", northwind, gone.signal);
    gone.abort();
    const session = await opening;

    await expect(session.query("select 1", [])).rejects.toThrow(ConnectionLostError);
    await expect(session.commit()).rejects.toThrow(ConnectionLostError);
    await (await open(leases, "read")).commit();
  });

  it("comes once", async () => {
    const session = await open(pool(), "change");
    await session.commit();

    await expect(session.commit()).rejects.toThrow(TypeError);
    await session.rollback();
  });

  it("keeps no listener of the signal", async () => {
    const leases = pool();
    const { signal } = new AbortController();
    const kept = new Set<unknown>();
    signal.addEventListener = (_type: string, listener: unknown) => void kept.add(listener);
    signal.removeEventListener = (_type: string, listener: unknown) => void kept.delete(listener);

    for (let at = 0; at < 3; at++) {
      const session = await open(leases, "read", northwind, signal);
      expect(kept.size).toBe(1);
      await session.query("select 1", []);
      await session.commit();
    }

    expect(kept.size).toBe(0);
  });
});

describe("a commit whose answer does not come", () => {
  it("is of unknown outcome, though the change was made", async () => {
    const leases = pool();
    const session = await open(leases, "change");
    const id = await write(session);
    way.mute();

    const commit = session.commit();
    await until(async () => (await written(database, northwind)).has(id));
    way.bar();

    await expect(commit).rejects.toThrow(OutcomeUnknownError);
  });

  it("is of unknown outcome when the caller goes away or the time is up meanwhile", async () => {
    const leases = pool();
    const gone = new AbortController();
    const session = await open(leases, "change", northwind, gone.signal);
    await write(session);
    way.mute();

    const commit = session.commit();
    gone.abort();

    await expect(commit).rejects.toThrow(OutcomeUnknownError);
  });

  it("is of unknown outcome when the network resets the connection", async () => {
    const session = await open(pool(), "change");
    await write(session);
    way.mute();

    const commit = session.commit();
    way.reset();

    await expect(commit).rejects.toThrow(OutcomeUnknownError);
  });

  it("is of known outcome when it was never sent", async () => {
    const leases = pool();
    const session = await open(leases, "change");
    const id = await write(session);
    way.bar();
    await until(() => leases.counts.open === 0);

    await expect(session.commit()).rejects.toThrow(ConnectionLostError);

    expect(await written(database, northwind)).not.toContain(id);
  });

  it("is not waited for for ever", async () => {
    const session = await open(pool({ silenceMs: 1000 }), "change");
    await write(session);
    way.mute();

    await expect(session.commit()).rejects.toThrow(OutcomeUnknownError);
  });
});

describe("a session's tables", () => {
  it("have no transactions of their own", async () => {
    const session = await open(pool(), "read");

    const own = async () =>
      (session.db as unknown as { transaction(work: unknown): Promise<unknown> }).transaction(async () => {});

    await expect(own()).rejects.toThrow();
    expect(await session.db.execute(sql`select 1 as one`)).toMatchObject([{ one: 1 }]);
    await session.commit();
  });
});
