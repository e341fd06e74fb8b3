import type { Leases } from "../../src/database/leases.js";
import { deriveKey, loadKey } from "../../src/identity/key.js";
import { newId, type TenantId } from "../../src/ids.js";
import type { Isolation } from "../../src/tenancy/directory/table.js";
import { JobDesk } from "../../src/tenancy/jobs/desk.js";
import { JOBS_KEY } from "../../src/tenancy/jobs/seal.js";
import { moveTenant } from "../../src/tenancy/move/move.js";
import { beginMove, readTenant } from "../../src/tenancy/move/record.js";
import { whileHolding } from "../../src/tenancy/tenants/record.js";
import { command, jsonLines, run, stopCommands } from "../support/command.js";
import { cloneDatabase, FOLDER, type TestDatabase } from "../support/database.js";
import { type Stop, stopAt, stopLocking } from "../support/moves.js";
import { openWorker } from "../support/operators.js";
import { openLeases, recordOf } from "../support/sessions.js";
import { owningSettings } from "../support/settings.js";
import { until } from "../support/until.js";
import { openWay } from "../support/way.js";

let database: TestDatabase;
let env: Record<string, string>;
let spare: string;
let door: Leases;
let desk: JobDesk;
beforeAll(async () => {
  database = await cloneDatabase();
  spare = await database.spare();
  env = await owningSettings(database, "lumen", spare);
  door = openLeases(database.url("tenantry_door"));
  desk = new JobDesk(door, deriveKey(await loadKey({ dataDir: FOLDER }), JOBS_KEY));
});
afterAll(async () => {
  await stopCommands();
  await door.close();
  await database.drop();
});

const asking = { digest: Buffer.alloc(32), operator: "olga" };
const creating = (slug: string, isolation: Isolation = "SCHEMA", where: string | null = null) =>
  desk.ask(asking, slug, newId<TenantId>(), {
    kind: "CREATE",
    name: slug,
    owner: { email: "zoe@acme.test", name: "Zoe", signIn: null },
    isolation,
    database: where,
  });
const about = async (slug: string, kind: "SUSPEND" | "ERASE") =>
  desk.ask(asking, slug, (await recordOf(database, slug)).id, { kind });
const stateOf = async ({ id }: { id: string }) => (await desk.find(id))!.state;
/** What another worker, in this process, does of all there is to do. */
async function another(): Promise<string[]> {
  const worker = await openWorker(database);
  try {
    return await worker.all();
  } finally {
    await worker.close();
  }
}
const tenantOf = async (slug: string) =>
  (await database.owner("select status, isolation, database from tenantry.tenants where slug = $1", [slug]))[0];

describe("tenantry work", () => {
  it("does what there is to do, says so in lines of JSON for scripts, and ends with 4 when something failed", async () => {
    await creating("acme");
    await creating("lumen");

    const { code, stdout } = await run(["work", "--once", "--json"], { env });

    const job = (slug: string) => ({ job: expect.any(String), at: expect.any(String), kind: "CREATE", slug });
    expect([code, jsonLines(stdout)]).toEqual([
      4,
      [
        { ...job("acme"), state: "RUNNING" },
        { ...job("acme"), state: "DONE", outcome: "Made acme: SCHEMA in main." },
        { ...job("lumen"), state: "RUNNING" },
        { ...job("lumen"), state: "FAILED", outcome: expect.stringContaining("another tenant's") },
      ],
    ]);
  });

  it("leaves to another worker what that is at, and follows it when that is killed", async () => {
    const job = await creating("killed");
    const stop = await stopLocking(database, "tenantry.homes", "exclusive");
    const first = command(["work"], { env });
    await stop.reached();

    const beside = await another();
    first.child.kill("SIGKILL");
    await first.ended;
    await stop.open();
    await until(async () => (await another()).includes("DONE"));

    expect([beside, await stateOf(job)]).toEqual([[], "DONE"]);
    expect(await tenantOf("killed")).toEqual({ status: "ACTIVE", isolation: "SCHEMA", database: "main" });
  });

  it("ends what was cancelled also while it is at another job", async () => {
    const [at, cancelled] = [await creating("long"), await about("acme", "SUSPEND")];
    const stop = await stopLocking(database, "tenantry.homes", "exclusive");
    const worker = command(["work"], { env });
    await stop.reached();

    await desk.cancel(asking, cancelled.id);
    await until(async () => (await stateOf(cancelled)) === "FAILED");
    const meanwhile = await stateOf(at);
    await stop.open();
    await until(async () => (await stateOf(at)) === "DONE");
    worker.child.kill("SIGTERM");

    expect([meanwhile, await worker.ended]).toEqual(["RUNNING", 0]);
    expect(worker.stdout()).toContain("SUSPEND acme: FAILED. Cancelled by olga, before anybody began it.\n");
  });

  it("asked to end, finishes what it is at and takes no more", async () => {
    const [at, next] = [await about("killed", "ERASE"), await about("acme", "SUSPEND")];
    const stop = await stopLocking(database, "tenantry.homes", "exclusive");
    const worker = command(["work"], { env });
    await stop.reached();

    worker.child.kill("SIGTERM");
    await stop.open();

    expect(await worker.ended).toBe(0);
    expect([await stateOf(at), await stateOf(next)]).toEqual(["DONE", "QUEUED"]);
    expect(await another()).toEqual(["DONE"]);
  });
});

describe("a worker", () => {
  it("forgets what ended a month ago, and none of the tenants that somebody has by signing up", async () => {
    const ended = async (kind: string, state: string, days: number) => {
      const [row] = await database.owner(
        `insert into tenantry.jobs (id, kind, slug, asked_by, operator, slot, asked_at, state, ended_at)
         select gen_random_uuid(), $1, 'old', sha256($3::text::bytea), case when $1 <> 'SIGN_UP' then 'olga' end,
           case when $1 = 'SIGN_UP' then 1 end, at, $2, at
         from (select clock_timestamp() - make_interval(days => $3::int)) as long_ago (at) returning id`,
        [kind, state, days],
      );
      return { id: String(row!.id) };
    };
    const [kept, forgotten] = [
      [await ended("SUSPEND", "DONE", 29), await ended("SIGN_UP", "DONE", 400)],
      [await ended("SUSPEND", "DONE", 31), await ended("MOVE", "FAILED", 31), await ended("SIGN_UP", "FAILED", 31)],
    ];

    await another();

    for (const job of kept) expect(await stateOf(job)).toBe("DONE");
    for (const { id } of forgotten) expect(await desk.find(id)).toBeNull();
  });

  it.each([
    ["RESUME", { kind: "RESUME" }],
    ["MOVE", { kind: "MOVE", isolation: "SHARED", database: null, keepSeconds: 0 }],
  ] as const)("puts back what others are at, and does it later: %s", async (_kind, order) => {
    const { id } = await recordOf(database, "acme");
    const job = await desk.ask(asking, "acme", id, order);
    const held = await database.hold(`select pg_advisory_lock(hashtextextended('tenantry move ${id}', 0))`);

    const first = await another();
    const meanwhile = await stateOf(job);
    await held.close();

    expect([first, meanwhile]).toEqual([["QUEUED"], "QUEUED"]);
    expect([await another(), await stateOf(job)]).toEqual([["DONE"], "DONE"]);
  });

  it("does each job once, also beside others", async () => {
    for (let n = 0; n < 6; n++) await creating(`many-${n}`);

    const ends = await Promise.all([another(), another(), another()]);

    expect(ends.flat()).toEqual(Array(6).fill("DONE"));
  });

  it.each([
    ["within its home", "spare", "pg_catalog.pg_namespace"],
    ["before it is opened", "main", "tenantry.tenants"],
  ])(
    "cut off while it makes a tenant in another database, %s, is followed by one that finishes it",
    async (_, where, table) => {
      const job = await creating(`cut-${where}`, "SCHEMA", spare);
      const inHome = await stopLocking(database, "pg_catalog.pg_namespace", "share", spare);
      const worker = await begin();
      await inHome.reached();
      const stop = where === "main" ? await stopLocking(database, table, "share") : inHome;
      if (stop !== inHome) await inHome.open();
      await worker.cutOff(stop);

      expect([await another(), await stateOf(job)]).toEqual([["DONE"], "DONE"]);
      expect(await tenantOf(`cut-${where}`)).toEqual({ status: "ACTIVE", isolation: "SCHEMA", database: spare });
    },
  );

  it("puts back what lost its connection in the middle of a statement, and says nothing of that", async () => {
    await creating("neighbour", "SHARED", spare);
    await another();
    const { home } = await recordOf(database, "neighbour");
    const job = await creating("lost", "SHARED", spare);
    const stop = await stopAt(database, `insert on ${home.schemaName}.tenant`, "true", spare);
    const way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
    const { url, serve } = database.owning.databases[spare]!;
    const databases = { ...database.owning.databases, [spare]: { url: way.url(url), serve } };
    const ends: unknown[] = [];
    const worker = await openWorker(
      { ...database, owning: { ...database.owning, databases } },
      { onEnd: (_job, ...end) => void ends.push(end) },
    );

    const ended = worker.next();
    await stop.reached();
    way.reset();
    const state = await ended;
    await worker.close();
    await way.close();
    await stop.open();

    expect(state).toBe("QUEUED");
    expect(ends).toEqual([["QUEUED", "The session was lost.", null]]);
    expect([await another(), await stateOf(job)]).toEqual([["DONE"], "DONE"]);
  });

  it("cut off within a move, or when only its outcome is missing, is followed by one that brings it to its end", async () => {
    const { id, home } = await recordOf(database, "northwind");
    for (const isolation of ["SHARED", "SCHEMA"] as const) {
      const job = await desk.ask(asking, "northwind", id, { kind: "MOVE", isolation, database: null, keepSeconds: 0 });
      const stop =
        isolation === "SHARED"
          ? await stopAt(database, `update on ${home.schemaName}.tenant`, "new.status = 'FENCED'")
          : await stopAt(database, "update on tenantry.jobs", "new.state = 'DONE'");
      const worker = await begin();
      await worker.cutOff(stop);

      expect([await another(), await stateOf(job)]).toEqual([["DONE"], "DONE"]);
      expect(await tenantOf("northwind")).toMatchObject({ status: "ACTIVE", isolation, database: "main" });
    }
    const left = "select from tenantry.moves union all select from tenantry.homes where status = 'LEFT'";
    expect(await database.owner(left)).toEqual([]);
  });

  it("goes to main where a move that names no database is tried again, though it lives alike elsewhere", async () => {
    await creating("abroad", "SCHEMA", spare);
    await another();
    const { id } = await recordOf(database, "abroad");
    const order = { kind: "MOVE", isolation: "SCHEMA", database: null, keepSeconds: 0 } as const;
    const job = await desk.ask(asking, "abroad", id, order);
    const stop = await stopAt(database, "insert on tenantry.moves", "true");
    const worker = await begin();
    await worker.cutOff(stop);

    expect([await another(), await stateOf(job)]).toEqual([["DONE"], "DONE"]);
    expect(await tenantOf("abroad")).toMatchObject({ isolation: "SCHEMA", database: "main" });
  });
});

describe("a move that was interrupted, and an old home that is to be kept no longer", () => {
  const beginning = (slug: string) =>
    database.owners(async (owners) => {
      const main = await owners.main;
      await beginMove(main, await readTenant(main, slug), { isolation: "SCHEMA", database: "main" }, 60);
    });

  it("are seen to by a worker that nobody asked, and what is to be kept is kept", async () => {
    const moved = (slug: string, keepSeconds: number) =>
      database.owners((owners) => moveTenant(owners, slug, { isolation: "SHARED", database: "main" }, { keepSeconds }));
    for (const slug of ["left", "kept", "cut"]) await creating(slug);
    await another();
    await moved("left", 60);
    await moved("kept", 60);
    await database.owner(
      "update tenantry.moves set kept_until = clock_timestamp() where tenant_id = (select id from tenantry.tenants where slug = 'left')",
    );
    await beginning("cut");

    const { code, stdout } = await run(["work", "--once", "--json"], { env });

    expect([code, jsonLines(stdout)]).toEqual([
      0,
      [
        { at: expect.any(String), slug: "left", recovered: "REMOVED" },
        { at: expect.any(String), slug: "cut", recovered: "TAKEN_BACK" },
      ],
    ]);
    expect(
      await database.owner("select t.slug, m.step from tenantry.moves m join tenantry.tenants t on t.id = m.tenant_id"),
    ).toEqual([{ slug: "kept", step: "LEFT" }]);
  });

  it("are seen to also while the worker is at a job, which may take hours", async () => {
    await creating("busy");
    await another();
    const { id, home } = await recordOf(database, "busy");
    const stop = await stopLocking(database, `${home.schemaName}.users`, "access exclusive");
    const move = { kind: "MOVE", isolation: "SHARED", database: null, keepSeconds: 0 } as const;
    const job = await desk.ask(asking, "busy", id, move);
    await beginning("cut");

    const worker = command(["work"], { env });
    await stop.reached();
    await until(() => worker.stdout().includes("cut: a move was interrupted. It is in its old home"));
    const meanwhile = await stateOf(job);
    await stop.open();
    await until(async () => (await stateOf(job)) === "DONE");
    worker.child.kill("SIGTERM");

    expect([meanwhile, await worker.ended]).toEqual(["RUNNING", 0]);
  });

  it("are left alone while somebody is at the tenant, and doctor says for scripts why it mended nothing", async () => {
    await beginning("cut");
    const { id } = await recordOf(database, "cut");

    const [worked, doctor] = await database.owners(async (owners) =>
      whileHolding(await owners.main, id, async () => [
        await run(["work", "--once", "--json"], { env }),
        await run(["doctor", "--fix", "--json"], { env }),
      ]),
    );

    expect(worked).toMatchObject({ code: 0, stdout: "" });
    expect([doctor!.code, jsonLines(doctor!.stdout)]).toEqual([
      1,
      [expect.objectContaining({ check: "moves", isMended: false, trouble: "A mover is at work." })],
    ]);
    expect(await another()).toEqual([]);
    expect(await run(["doctor"], { env })).toMatchObject({ code: 0, stdout: "All is sound.\n" });
  });
});

/** Every session of workers: all of the owner's but those that hold a stop. */
const SESSIONS = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and application_name = 'tenantry owner'
    and query not like '%lock table%' and query not like 'select pg_advisory_lock(%'`;

/** A worker in this process that takes the next job, and whose every session can be ended as if it were killed. */
async function begin() {
  const worker = await openWorker(database);
  const ended = worker.next().then(
    () => null,
    (error: Error) => error,
  );
  return {
    async cutOff(stop: Stop): Promise<void> {
      await stop.reached();
      for (const name of ["main", spare]) await database.owner(SESSIONS, [], name);
      expect(await ended).toBeInstanceOf(Error);
      await stop.open();
      await worker.close();
    },
  };
}
