import { randomBytes } from "node:crypto";
import { deriveKey, loadKey } from "../../src/identity/key.js";
import { Clerk } from "../../src/tenancy/jobs/clerk.js";
import { JobDesk, TooManyTenantsError } from "../../src/tenancy/jobs/desk.js";
import { JOBS_KEY } from "../../src/tenancy/jobs/seal.js";
import { cloneDatabase, FOLDER, type TestDatabase } from "../support/database.js";
import { stopAt } from "../support/moves.js";
import { openOperators, openWorker } from "../support/operators.js";
import { openLeases } from "../support/sessions.js";
import { until } from "../support/until.js";

let database: TestDatabase;
let operators: Awaited<ReturnType<typeof openOperators>>;
let worker: Awaited<ReturnType<typeof openWorker>>;
beforeAll(async () => {
  database = await cloneDatabase();
  operators = await openOperators(database);
  worker = await openWorker(database);
});
afterAll(async () => {
  await worker.close();
  await operators.close();
  await database.drop();
});

const key = async () => deriveKey(await loadKey({ dataDir: FOLDER }), JOBS_KEY);
const cancel = (id: string) => operators.change("cancelJob", { id });
const ask = async (name: "suspendTenant" | "resumeTenant" = "suspendTenant", slug = "northwind"): Promise<string> =>
  (await operators.change(name, { slug })).job.id;
const statusOf = async (slug = "northwind") =>
  (await database.owner("select status from tenantry.tenants where slug = $1", [slug]))[0]!.status;
const cancellations = async (id: string) =>
  (await database.owner("select operator from tenantry.job_cancellations where job_id = $1", [id])).length;

describe("cancelJob", () => {
  it("takes back what nobody has begun, and says by whom; then something else can be asked for", async () => {
    const id = await ask();

    const cancelled = await cancel(id);
    const before = await operators.jobOf(id);
    const done = await worker.all();

    expect(cancelled).toEqual({ __typename: "JobPayload", job: { id } });
    expect(before).toMatchObject({ state: "QUEUED", cancelledBy: "olga", endedAt: null });
    expect(done).toEqual([]);
    expect(await operators.jobOf(id)).toEqual({
      ...before,
      state: "FAILED",
      outcome: "Cancelled by olga, before anybody began it.",
      endedAt: expect.any(String),
    });
    expect(await statusOf()).toBe("ACTIVE");
    const next = await ask("resumeTenant");
    expect([await worker.all(), (await operators.jobOf(next)).cancelledBy]).toEqual([["DONE"], null]);
  });

  it("changes nothing when it is cancelled already, also by several at once and after its end", async () => {
    const id = await ask();

    const answers = await Promise.all([cancel(id), cancel(id), cancel(id)]);
    answers.push(await cancel(id));
    const asked = await cancellations(id);
    await worker.all();
    const ended = await operators.jobOf(id);
    answers.push(await cancel(id));

    expect(answers).toEqual(Array(5).fill({ __typename: "JobPayload", job: { id } }));
    expect(await cancellations(id)).toBe(asked);
    expect(await operators.jobOf(id)).toEqual(ended);
  });

  it.each([["00000000-0000-4000-8000-000000000000"], ["northwind"]])("finds no job %s", async (id) => {
    expect(await cancel(id)).toMatchObject({ code: "NOT_FOUND", field: ["input", "id"] });
  });

  it("says of one that has ended what undoes it", async () => {
    const [suspended, resumed] = [await ask(), await worker.all().then(() => ask("resumeTenant"))];
    await worker.all();
    const failed = (await operators.change("moveTenant", { slug: "northwind", isolation: "SCHEMA" })).job.id;
    await worker.all();

    expect([await cancel(suspended), await cancel(resumed), await cancel(failed)]).toMatchObject([
      { code: "JOB_ENDED", message: "It is done. `resumeTenant` lets people in again." },
      { code: "JOB_ENDED", message: "It is done. `suspendTenant` keeps people out again." },
      { code: "JOB_ENDED", message: "It has failed: `outcome` says what was done of it." },
    ]);
    expect((await operators.jobOf(failed)).cancelledBy).toBeNull();
  });

  it("takes back what was put back untouched, and not what a worker was interrupted in", async () => {
    const busy = async (attempts: number) => {
      const id = await ask();
      const held = await database.hold(
        "select pg_advisory_lock(hashtextextended('tenantry move ' || id, 0)) from tenantry.tenants where slug = 'northwind'",
      );
      expect(await worker.next()).toBe("QUEUED");
      await held.close();
      await database.owner("update tenantry.jobs set attempts = $2 where id = $1", [id, attempts]);
      return id;
    };
    const interrupted = await busy(1);
    const refused = await cancel(interrupted);
    const follower = await openWorker(database);
    await follower.all();
    await operators.change("resumeTenant", { slug: "northwind" });
    await follower.all();
    await follower.close();

    const untouched = await cancel(await busy(0));
    await worker.all();

    expect([refused.code, untouched.__typename]).toEqual(["JOB_STARTED", "JobPayload"]);
    expect([await cancellations(interrupted), await statusOf()]).toEqual([0, "ACTIVE"]);
  });

  it("finds no rename that is half done: whoever wants to hold the tenant comes after all of it", async () => {
    const id = (await operators.change("renameTenant", { slug: "northwind", newSlug: "northwind-two", name: "Two" }))
      .job.id;
    const stop = await stopAt(
      database,
      "update on tenantry.tenants",
      "new.slug = 'northwind-two'",
      "main",
      "at the end",
    );
    const working = worker.next();
    await stop.reached();
    const held = database.hold(
      "select pg_advisory_lock(hashtextextended('tenantry move ' || id, 0)) from tenantry.tenants where slug in ('northwind', 'northwind-two')",
    );
    const waits =
      "select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())";
    await until(async () => (await database.owner(waits)).length > 0);
    await stop.open();
    await (await held).close();

    expect(await working).toBe("DONE");
    expect((await cancel(id)).code).toBe("JOB_ENDED");
    await operators.change("renameTenant", { slug: "northwind-two", newSlug: "northwind", name: "Northwind" });
    await worker.all();
  });

  it("waits for a worker that is about to begin the job, and then leaves it to that", async () => {
    const id = await ask();
    const stop = await stopAt(database, "update on tenantry.jobs", "new.state = 'RUNNING'", "main", "at the end");
    const working = worker.next();
    await stop.reached();

    const answer = cancel(id);
    const waits = "select from pg_stat_activity where datname = current_database() and wait_event = 'transactionid'";
    await until(async () => (await database.owner(waits)).length > 0);
    await stop.open();

    expect(await answer).toMatchObject({
      code: "JOB_STARTED",
      message:
        "A worker has begun it, and finishes what was begun. Wait for its end. `resumeTenant` lets people in again.",
    });
    expect([await working, await statusOf(), await cancellations(id)]).toEqual(["DONE", "SUSPENDED", 0]);
    await ask("resumeTenant");
    await worker.all();
  });

  it("keeps a worker that comes in the middle of it from beginning the job", async () => {
    const id = await ask();
    const stop = await stopAt(database, "insert on tenantry.job_cancellations", "true", "main", "at the end");
    const answer = cancel(id);
    await stop.reached();

    const meanwhile = await worker.all();
    await stop.open();

    expect([meanwhile, (await answer).__typename]).toEqual([[], "JobPayload"]);
    expect([await worker.all(), await statusOf()]).toEqual([[], "ACTIVE"]);
  });

  it("is left alone by whoever looks for a job before it is ended", async () => {
    const id = await ask();
    await cancel(id);

    const taken = await database.owners(async (owners) => {
      const clerk = await Clerk.open(owners, await key());
      const [first, again] = [await clerk.take([]), await clerk.take([])];
      await clerk.close();
      return [first, again];
    });

    expect(taken).toEqual([null, null]);
    expect([await worker.all(), await statusOf()]).toEqual([[], "ACTIVE"]);
  });

  it("has a job cancelled or done, and never both, whoever comes first", async () => {
    for (let round = 0; round < 12; round++) {
      const status = await statusOf();
      const id = await ask(status === "ACTIVE" ? "suspendTenant" : "resumeTenant");

      const [answer] = await Promise.all([cancel(id), worker.all()]);
      await worker.all();

      const isCancelled = answer.__typename === "JobPayload";
      const { state, cancelledBy, startedAt } = await operators.jobOf(id);
      expect([state, cancelledBy, startedAt === null]).toEqual(
        isCancelled ? ["FAILED", "olga", true] : ["DONE", null, false],
      );
      expect((await statusOf()) === status).toBe(isCancelled);
    }
    if ((await statusOf()) === "SUSPENDED") await ask("resumeTenant");
    await worker.all();
  });

  it("frees the place of a tenant that somebody asked for by signing up", async () => {
    const door = openLeases(database.url("tenantry_door"));
    const desk = new JobDesk(door, await key());
    const digest = randomBytes(32);
    const owner = { email: "zoe@acme.test", name: "Zoe", signIn: null };
    const order = { kind: "SIGN_UP", name: "Acme", owner, isolation: "SCHEMA", database: null } as const;
    const signUp = (slug: string) => desk.signUp(digest, slug, order);
    const jobs = [await signUp("acme-a"), await signUp("acme-b"), await signUp("acme-c")];
    await expect(signUp("acme-d")).rejects.toThrow(TooManyTenantsError);

    for (const { id } of jobs) await cancel(id);
    await worker.all();

    const { id } = await signUp("acme-a");
    await cancel(id);
    expect([await worker.all(), await statusOf("lumen")]).toEqual([[], "ACTIVE"]);
    await door.close();
  });

  it("is not done by who can only write to the directory", async () => {
    const id = await ask();
    const forge = `insert into tenantry.job_cancellations (job_id, sealed, asked_by, operator, asked_at)
      values ($1, $2, $3, 'olga', clock_timestamp())`;
    await database.owner(forge, [id, randomBytes(28), randomBytes(32)]);
    const forged = await operators.jobOf(id);

    expect([forged.cancelledBy, await worker.all(), await statusOf()]).toEqual([null, ["DONE"], "SUSPENDED"]);

    const next = await ask("resumeTenant");
    await database.owner(forge, [next, randomBytes(28), randomBytes(32)]);
    expect([(await cancel(next)).__typename, (await operators.jobOf(next)).cancelledBy]).toEqual([
      "JobPayload",
      "olga",
    ]);
  });
});
