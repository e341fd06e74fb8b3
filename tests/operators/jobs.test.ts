import { randomBytes } from "node:crypto";
import { readSettings } from "../../src/config.js";
import { OutcomeUnknownError } from "../../src/database/errors.js";
import { mintToken } from "../../src/identity/developmentToken.js";
import { deriveKey, loadKey } from "../../src/identity/key.js";
import { newId, type TenantId } from "../../src/ids.js";
import { JobDesk } from "../../src/tenancy/jobs/desk.js";
import { JOBS_KEY, seal } from "../../src/tenancy/jobs/seal.js";
import { FOLDER } from "../support/database.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { stopAt } from "../support/moves.js";
import { openOperators, openWorker } from "../support/operators.js";
import { openLeases, recordOf } from "../support/sessions.js";
import { owningSettings } from "../support/settings.js";

let gateway: TestGateway;
let operators: Awaited<ReturnType<typeof openOperators>>;
let worker: Awaited<ReturnType<typeof openWorker>>;
beforeAll(async () => {
  gateway = await openGateway();
  operators = await openOperators(gateway.database);
  worker = await openWorker(gateway.database);
});
afterAll(async () => {
  await worker.close();
  await operators.close();
  await gateway.close();
});

const jobIn = (result: { __typename: string; job: { id: string } }) => {
  expect(result.__typename).toBe("JobPayload");
  return result.job.id;
};
/** Hands a job in, has it done, and says what came of it. */
async function doing(name: string, input: object) {
  const id = jobIn(await operators.change(name, input));
  await worker.all();
  return operators.jobOf(id);
}
const orchard = { slug: "orchard", name: "Orchard", ownerEmail: "Zoe@orchard.test" };
const rowOf = async (slug: string) =>
  (await gateway.database.owner("select * from tenantry.tenants where slug = $1", [slug]))[0];

describe("a job", () => {
  it("waits until a worker does it, and says who asked and what came of it", async () => {
    const id = jobIn(await operators.change("createTenant", orchard));
    const before = await operators.jobOf(id);
    expect(await rowOf("orchard")).toBeUndefined();

    expect(await worker.all()).toEqual(["DONE"]);

    const nothing = { phase: null, done: null, total: null };
    expect(before).toEqual({
      ...nothing,
      kind: "CREATE",
      slug: "orchard",
      operator: "olga",
      cancelledBy: null,
      state: "QUEUED",
      outcome: null,
      startedAt: null,
      endedAt: null,
    });
    expect(await operators.jobOf(id)).toEqual({
      ...before,
      state: "DONE",
      outcome: "Made orchard: SCHEMA in main.",
      startedAt: expect.any(String),
      endedAt: expect.any(String),
    });
    const token = await mintToken(FOLDER, { email: "zoe@orchard.test", tenant: "orchard" });
    expect(await gateway.withToken(token, "orchard").get("{ viewer { tenant { name } } }")).toEqual({
      viewer: { tenant: { name: "Orchard" } },
    });
  });

  it("suspends, resumes, renames, moves and erases, as the commands do", async () => {
    const ends = [
      await doing("suspendTenant", { slug: "orchard" }),
      await doing("resumeTenant", { slug: "orchard" }),
      await doing("renameTenant", { slug: "orchard", newSlug: "orchard-corp", name: "Orchard Corp" }),
      await doing("moveTenant", { slug: "orchard-corp", isolation: "SHARED", keepSeconds: 0 }),
    ];
    const moved = await rowOf("orchard-corp");
    const noted = await homeOf(
      gateway,
      "orchard-corp",
    )("select action from audit_events where actor_type = 'OPERATOR' order by id");
    const tenantId = moved!.id as string;
    const erased = await doing("eraseTenant", { slug: "orchard-corp", confirmSlug: "orchard-corp" });

    expect(ends.map(({ outcome }) => outcome)).toEqual([
      "It is SUSPENDED.",
      "It is ACTIVE.",
      "It is called orchard-corp, and has the name that was asked for.",
      expect.stringMatching(/^It lives shared in the database main: \d+ rows copied/),
    ]);
    expect(moved).toMatchObject({ status: "ACTIVE", isolation: "SHARED" });
    expect(noted.map(({ action }) => action)).toEqual(["tenant.renamed", "organization.updated"]);
    expect(erased).toMatchObject({ state: "DONE", outcome: expect.stringContaining("nothing is left") });
    const left = await gateway.database.owner(
      "select kind, tenant_id, sealed from tenantry.jobs where slug like 'orchard%'",
    );
    expect(left).toEqual([{ kind: "ERASE", tenant_id: null, sealed: null }]);
    expect(await gateway.database.owner("select from tenantry.slugs where tenant_id = $1", [tenantId])).toEqual([]);
  });

  it.each([
    ["createTenant", { ...orchard, slug: "Orchard" }, "INVALID_INPUT", ["input", "slug"]],
    ["createTenant", { ...orchard, slug: "api" }, "SLUG_UNAVAILABLE", ["input", "slug"]],
    ["createTenant", { ...orchard, slug: "lumen" }, "SLUG_UNAVAILABLE", ["input", "slug"]],
    ["createTenant", { ...orchard, ownerEmail: "zoe" }, "INVALID_INPUT", ["input", "ownerEmail"]],
    ["createTenant", { ...orchard, database: "mars" }, "INVALID_INPUT", ["input", "database"]],
    ["createTenant", { ...orchard, ownerIssuer: "https://id.example" }, "INVALID_INPUT", ["input", "ownerSubject"]],
    ["suspendTenant", { slug: "nobody" }, "NOT_FOUND", ["input", "slug"]],
    ["renameTenant", { slug: "lumen" }, "INVALID_INPUT", ["input"]],
    ["renameTenant", { slug: "lumen", newSlug: "api" }, "SLUG_UNAVAILABLE", ["input", "newSlug"]],
    ["moveTenant", { slug: "lumen", isolation: "SCHEMA", keepSeconds: -1 }, "INVALID_INPUT", ["input", "keepSeconds"]],
    ["eraseTenant", { slug: "lumen", confirmSlug: "lumem" }, "INVALID_INPUT", ["input", "confirmSlug"]],
  ])("is not handed in by %s of %j", async (name, input, code, field) => {
    const [before] = await gateway.database.owner("select count(*) from tenantry.jobs");

    expect(await operators.change(name, input)).toMatchObject({ code, field });
    expect(await gateway.database.owner("select count(*) from tenantry.jobs")).toEqual([before]);
  });

  it("is the only one that is open of its tenant", async () => {
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => operators.change("suspendTenant", { slug: "meridian" })),
    );
    const other = await operators.change("resumeTenant", { slug: "meridian" });
    await worker.all();

    expect(answers.filter(({ __typename }) => __typename === "JobPayload")).toHaveLength(1);
    expect([...answers, other].filter(({ code }) => code === "JOB_OPEN")).toHaveLength(4);
    expect(await doing("resumeTenant", { slug: "meridian" })).toMatchObject({ state: "DONE" });
  });

  it("says of another slug whose list of tenants has to name it, as the command does", async () => {
    const listing = { audience: "product", emailDomains: [], tenants: ["meridian"] };
    const issuers = [
      { ...listing, issuer: "https://partner.example" },
      { ...listing, issuer: "https://elsewhere.example", tenants: ["northwind"] },
      { ...listing, issuer: "https://anywhere.example", tenants: "*" },
    ];
    const env = { ...(await owningSettings(gateway.database)), TENANTRY_ISSUERS: JSON.stringify(issuers) };
    const told = await openWorker(gateway.database, { settings: readSettings(env) });
    const rename = async (input: object) => {
      const id = jobIn(await operators.change("renameTenant", input));
      await told.all();
      return (await operators.jobOf(id)).outcome;
    };

    const [named, renamed] = [
      await rename({ slug: "meridian", name: "Meridian" }),
      await rename({ slug: "meridian", newSlug: "meridian-two" }),
    ];
    await doing("renameTenant", { slug: "meridian-two", newSlug: "meridian" });

    expect(named).toBe("It is called meridian, and has the name that was asked for.");
    expect(renamed).toBe(
      "It is called meridian-two. Name meridian-two among the tenants of https://partner.example in TENANTRY_ISSUERS.",
    );
    await told.close();
  });

  it("fails in the words of the command, and without anybody's data", async () => {
    const taken = await doing("renameTenant", { slug: "lumen", newSlug: "northwind" });
    const there = await doing("moveTenant", { slug: "northwind", isolation: "SCHEMA" });

    expect(taken).toMatchObject({
      state: "FAILED",
      outcome: "The slug northwind is, or was, another tenant's. Choose another one.",
    });
    expect(there).toMatchObject({ state: "FAILED", outcome: expect.stringContaining("is there already") });
  });

  it("is listed, newest first, and found by its tenant and its state", async () => {
    const list = async (args: string) =>
      (await operators.ask(`{ jobs${args} { nodes { kind slug state } pageInfo { endCursor } } }`)).data.jobs;
    const first = await list("(first: 1)");

    const next = await list(`(first: 1, after: "${first.pageInfo.endCursor}")`);

    expect([...first.nodes, ...next.nodes].map(({ kind }) => kind)).toEqual(["MOVE", "RENAME"]);
    expect((await list('(slug: "lumen")')).nodes).toEqual([{ kind: "RENAME", slug: "lumen", state: "FAILED" }]);
    expect((await list("(state: [QUEUED, RUNNING])")).nodes).toEqual([]);
  });

  it("keeps nobody's name or address where the directory can be read", async () => {
    jobIn(await operators.change("createTenant", { slug: "quiet", name: "Qqquiet", ownerEmail: "qqq@quiet.test" }));

    const rows = await gateway.database.owner("select t::text || encode(sealed, 'escape') as row from tenantry.jobs t");

    expect(rows.map(({ row }) => row).join()).not.toMatch(/qqq/i);
    await worker.all();
  });
});

describe("the directory's table of jobs", () => {
  const door = (text: string, params: unknown[] = []) =>
    gateway.door.acquire("").then(async (lease) => {
      try {
        return await lease.run(text, params);
      } finally {
        lease.release();
      }
    });
  const desk = (key: Buffer) => new JobDesk(gateway.door, key);
  const key = async () => deriveKey(await loadKey({ dataDir: FOLDER }), JOBS_KEY);
  const asking = { digest: randomBytes(32), operator: "mallory" };
  const outcomes = async () => {
    const [row] = await gateway.database.owner(
      "select state, outcome from tenantry.jobs order by ended_at desc limit 1",
    );
    return row;
  };

  it("says of a job that it may have been handed in where it cannot be read any more", async () => {
    const { id } = await recordOf(gateway.database, "northwind");
    const door = openLeases(gateway.database.url("tenantry_door"), { size: 1, waitMs: 50 });
    const stop = await stopAt(gateway.database, "insert on tenantry.jobs", "true");

    const handedIn = new JobDesk(door, await key()).ask(asking, "northwind", id, { kind: "RESUME" });
    await stop.reached();
    // Who waits for the only connection has it next, and keeps it.
    const next = door.acquire("", undefined, undefined, { waitMs: 60_000 });
    await stop.open();

    await expect(handedIn).rejects.toThrow(OutcomeUnknownError);
    (await next).release();
    await door.close();
    expect(await worker.all()).toEqual(["DONE"]);
  });

  it("has nothing done for who can only write to it", async () => {
    const { id } = await recordOf(gateway.database, "northwind");
    await desk(randomBytes(32)).ask(asking, "northwind", id, { kind: "ERASE" });

    expect(await worker.all()).toEqual(["FAILED"]);

    expect(await outcomes()).toMatchObject({ state: "FAILED", outcome: expect.stringContaining("Nothing was done.") });
    expect(await rowOf("northwind")).toMatchObject({ status: "ACTIVE" });
  });

  it.each([
    ["kind", "update tenantry.jobs set kind = 'ERASE' where id = $1"],
    ["slug", "update tenantry.jobs set slug = 'lumen' where id = $1"],
    ["operator", "update tenantry.jobs set operator = 'olga' where id = $1"],
    ["time", "update tenantry.jobs set asked_at = asked_at + interval '1 day' where id = $1"],
    ["id", "update tenantry.jobs set id = gen_random_uuid() where id = $1"],
    ["order", "update tenantry.jobs set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where id = $1"],
  ])("has nothing done with another %s than was asked for", async (_what, change) => {
    const { id } = await recordOf(gateway.database, "northwind");
    const job = await desk(await key()).ask(asking, "northwind", id, { kind: "SUSPEND" });
    await gateway.database.owner(change, [job.id]);

    expect(await worker.all()).toEqual(["FAILED"]);

    expect(await rowOf("northwind")).toMatchObject({ status: "ACTIVE" });
    expect(await rowOf("lumen")).toMatchObject({ status: "ACTIVE" });
  });

  it("has no job done about a tenant that got a slug after it was asked for", async () => {
    await desk(await key()).ask(asking, "northwind", newId<TenantId>(), { kind: "SUSPEND" });

    expect(await worker.all()).toEqual(["FAILED"]);

    expect(await outcomes()).toMatchObject({ outcome: "The tenant northwind is gone." });
    expect(await rowOf("northwind")).toMatchObject({ status: "ACTIVE" });
  });

  it("has no job done that waited for more than a week", async () => {
    const { id: tenantId } = await recordOf(gateway.database, "northwind");
    const askedAt = new Date(Date.now() - 8 * 86_400_000);
    const head = {
      id: newId<never>(),
      kind: "SUSPEND",
      slug: "northwind",
      askedBy: asking.digest,
      operator: "olga",
    } as const;
    const sealed = seal(await key(), { ...head, slot: null, askedAt }, { tenantId, order: { kind: "SUSPEND" } });
    await gateway.database.owner(
      `insert into tenantry.jobs (id, kind, slug, asked_by, operator, sealed, asked_at) values ($1, $2, $3, $4, $5, $6, $7)`,
      [...Object.values(head), sealed, askedAt],
    );

    expect(await worker.all()).toEqual(["FAILED"]);

    expect(await outcomes()).toMatchObject({ outcome: expect.stringContaining("waited for more than a week") });
  });

  it("has no job done that killed its worker five times", async () => {
    const { id } = await recordOf(gateway.database, "northwind");
    await desk(await key()).ask(asking, "northwind", id, { kind: "SUSPEND" });
    await gateway.database.owner("update tenantry.jobs set attempts = 5 where ended_at is null");

    expect(await worker.all()).toEqual(["FAILED"]);

    expect(await outcomes()).toMatchObject({ outcome: expect.stringContaining("5 workers ended in the middle of it") });
    expect(await rowOf("northwind")).toMatchObject({ status: "ACTIVE" });
  });

  it.each([
    "update tenantry.jobs set state = 'DONE', ended_at = asked_at, sealed = null",
    "delete from tenantry.jobs",
    "update tenantry.job_cancellations set operator = 'mallory'",
    "delete from tenantry.job_cancellations",
    "insert into tenantry.jobs (id, kind, slug, asked_by, operator, sealed, asked_at, state, ended_at) values (gen_random_uuid(), 'SUSPEND', 'x', '', 'x', null, now(), 'DONE', now())",
  ])("lets the door's login add what was asked for, and no more: %s", async (text) => {
    await expect(door(text)).rejects.toThrow(/permission denied/);
  });
});
