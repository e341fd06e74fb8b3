import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { progress } from "../../src/commands/progress.js";
import type { Repeatable } from "../../src/database/flight.js";
import type { Leases } from "../../src/database/leases.js";
import { boundOf } from "../../src/database/messages.js";
import { MAIN } from "../../src/database/names.js";
import { withOwner } from "../../src/database/owner.js";
import { newId, type TenantId } from "../../src/ids.js";
import { createTenant } from "../../src/tenancy/create.js";
import type { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { seeded } from "../support/random.js";
import { openLeases, recordOf, write, written } from "../support/sessions.js";

const IN_THE_GATE = 5000;
// A long run is one of `npm run night`.
const OPERATIONS = Number(process.env.TENANTRY_ISOLATION_OPERATIONS ?? IN_THE_GATE);
const SEED = Number(process.env.TENANTRY_SEED ?? randomInt(2 ** 31));
/** Connections are handed from tenant to tenant all the time, and few of them from database to database. */
const [CONNECTIONS, CLIENTS] = [12, 8];
/** One of so many operations has its session killed, is given up by its caller, fails, or is taken back. */
const ONE_OF = { killed: 150, givenUp: 150, failed: 50, takenBack: 20 };

let database: TestDatabase;
let leases: Leases;
let tenants: TenantRecord[];
beforeAll(async () => {
  database = await cloneDatabase();
  // Beside those of the demo, which are of each kind: two more in the shared home, and one more with a schema.
  const made = (["SHARED", "SHARED", "SCHEMA"] as const).map((isolation, nth) => ({
    ...{ id: newId<TenantId>(), slug: `made-${nth}`, isolation, database: MAIN, createdAt: new Date(), identities: [] },
  }));
  await database.owners(async (owners) => {
    for (const tenant of made) await createTenant(owners, tenant, async () => {});
  });
  const slugs = ["northwind", "meridian", "lumen", ...made.map(({ slug }) => slug)];
  tenants = await Promise.all(slugs.map((slug) => recordOf(database, slug)));
  // For hours, beside other work, nobody can promise that a session never waits for its client as long as logins let it.
  if (OPERATIONS > IN_THE_GATE)
    for (const { pathname, username } of database.made().map((name) => new URL(database.databases[name]!)))
      await database.owner(
        `alter role ${username} in database ${pathname.slice(1)} set idle_in_transaction_session_timeout = '10min'`,
      );
  leases = openLeases(database.databases, { size: CONNECTIONS, waitMs: 60_000, connectTimeoutMs: 60_000 });
});
afterAll(async () => {
  await leases.close();
  await database.drop();
});

/** What an operation saw of others, or did to them. */
const seen = { read: 0, foreign: [] as string[] };

/** Fails when the rows of a statement that names no tenant are anybody else's. */
function mustBeOwn({ slug, id }: TenantRecord, what: string, rows: readonly { readonly [column: string]: unknown }[]) {
  seen.read += rows.length;
  for (const { tenant_id } of rows)
    if (tenant_id !== id)
      seen.foreign.push(`${slug} ${what} a row of ${tenants.find((one) => one.id === tenant_id)?.slug}`);
}

type Random = () => number;
const pick = <T>(all: readonly T[], random: Random): T => all[Math.floor(random() * all.length)]!;

/** One thing that a session might do: none of the statements names its tenant, so that the walls alone hold it. */
const DOINGS: readonly ((session: TenantSession, random: Random) => Promise<void>)[] = [
  async (session) =>
    mustBeOwn(
      session.tenant,
      "read",
      await session.query(
        "select tenant_id from tenant union all (select tenant_id from organizations limit 20) union all (select tenant_id from audit_events order by id desc limit 20)",
        [],
      ),
    ),
  async (session, random) => {
    const other = pick(tenants, random);
    const rows = await session.query("select tenant_id from tenant where tenant_id = $1", [other.id]);
    mustBeOwn(session.tenant, "asked for and read", rows);
    if (other.id === session.tenantId && rows.length !== 1)
      seen.foreign.push(`${other.slug} did not find its own home row`);
  },
  async (session) =>
    mustBeOwn(
      session.tenant,
      "changed",
      await session.query(
        "update organizations set metadata = metadata where parent_id is null returning tenant_id",
        [],
      ),
    ),
  async (session) =>
    mustBeOwn(
      session.tenant,
      "joined to its own",
      await session.query(
        "select coalesce(m.tenant_id, u.tenant_id) as tenant_id from users u left join memberships m on m.user_id = u.id limit 20",
        [],
      ),
    ),
];

const asked = (text: string, value: string): Repeatable => ({
  text,
  params: [value],
  bound: boundOf([value]),
  isOfHome: true,
});
/** What is sent together: of this tenant or of another, what somebody asked before says nothing of whose session it is now. */
const askedBefore = (other: TenantRecord, fate: keyof Tally["counts"]): readonly Repeatable[] => [
  asked("select tenant_id from tenant where tenant_id = $1::uuid", other.id),
  asked("select tenant_id from organizations where id <> $1::uuid limit 20", other.id),
  ...(fate === "failed" ? [asked("select 1 / $1::int as tenant_id", "0")] : []),
  // In the middle of which it is killed, and not when somebody else has its connection.
  ...(fate === "killed" ? [asked("select tenant_id from tenant, pg_sleep($1::float8)", "4")] : []),
  asked("select tenant_id from audit_events where id <> $1::uuid order by id desc limit 20", other.id),
];

/** Reads all at once, and goes away, or is killed, in the middle of it. */
async function operateAtOnce(
  fate: keyof Tally["counts"],
  tally: Tally,
  random: Random,
  kill: (pid: number) => unknown,
) {
  const [tenant, other] = [pick(tenants, random), pick(tenants, random)];
  const gone = new AbortController();
  const statements = askedBefore(other, fate);
  const session = await TenantSession.open(leases, tenant, "read", gone.signal, { statements, digest: null });
  tally.counts[fate]++;
  if (session.flight) tally.counts.flown++;
  try {
    const reading = Promise.all(statements.map(({ text, params }) => session.query(text, params)));
    reading.catch(() => {});
    if (fate === "killed") await kill(session.pid);
    if (fate === "givenUp") gone.abort();
    for (const rows of await reading) mustBeOwn(tenant, "read at once", rows);
    if (fate !== "takenBack") await session.commit();
  } catch (error) {
    if (fate === "done") throw error;
  } finally {
    await session.rollback();
  }
}

interface Tally {
  acked: Map<TenantRecord, Set<string>>;
  never: Map<TenantRecord, Set<string>>;
  counts: Record<keyof typeof ONE_OF | "done" | "flown", number>;
}

async function operate(nth: number, tally: Tally, random: Random, kill: (pid: number) => Promise<unknown>) {
  const tenant = pick(tenants, random);
  const is = (what: keyof typeof ONE_OF) => random() < 1 / ONE_OF[what];
  const fate = (["killed", "givenUp", "failed", "takenBack"] as const).find(is) ?? "done";
  if (random() < 0.3) return operateAtOnce(fate, tally, random, kill);
  const isWrite = random() < 0.55;
  const gone = new AbortController();
  const session = await TenantSession.open(leases, tenant, isWrite ? "change" : "read", gone.signal);
  let row: string | null = null;
  const note = (where: Tally["acked"]) => row && where.get(tenant)!.add(row);
  try {
    if (isWrite) row = await write(session);
    if (random() < 0.8) await pick(isWrite ? DOINGS : DOINGS.filter((_, at) => at !== 2), random)(session, random);
    // A row of somebody else's, made by whoever is not they.
    if (isWrite && nth % 40 === 0) {
      const other = pick(
        tenants.filter(({ id }) => id !== tenant.id),
        random,
      );
      await session.query("savepoint attempt", []);
      const outcome = await write(session, other.id).then(
        () => "written",
        ({ code }) => code,
      );
      if (outcome === "written") seen.foreign.push(`${tenant.slug} wrote a row of ${other.slug}`);
      await session.query("rollback to savepoint attempt", []);
    }
    tally.counts[fate]++;
    if (fate === "killed") {
      const late = session.query("select tenant_id from tenant", []);
      await kill(session.pid);
      mustBeOwn(tenant, "read while it was killed", await late);
    } else if (fate === "givenUp") {
      const late = session.query("select tenant_id from tenant", []);
      gone.abort();
      mustBeOwn(tenant, "read while it was given up", await late);
    } else if (fate === "failed") await session.query("select 1 / 0", []);
    else if (fate === "takenBack") throw new Error("taken back");
    await session.commit();
    note(tally.acked);
  } catch (error) {
    // Of a killed session's COMMIT nobody knows; whatever else failed is not there.
    if ((error as Error).name !== "OutcomeUnknownError") note(tally.never);
    if (fate === "done") throw error;
  } finally {
    await session.rollback();
  }
}

describe("sessions of tenants of all kinds over few connections", () => {
  it(`see and change their own rows alone in ${OPERATIONS} operations, whatever becomes of them: TENANTRY_SEED=${SEED}`, async () => {
    const ofNobody = () => new Map(tenants.map((tenant) => [tenant, new Set<string>()]));
    const counts = { done: 0, killed: 0, givenUp: 0, failed: 0, takenBack: 0, flown: 0 };
    const tally: Tally = { acked: ofNobody(), never: ofNobody(), counts };
    const show = OPERATIONS > IN_THE_GATE ? progress("Operations") : () => {};
    let next = 0;

    await withOwner(database.url("tenantry_owner"), (killer) =>
      Promise.all(
        Array.from({ length: CLIENTS }, async (_, client) => {
          const random = seeded(SEED + client);
          while (next < OPERATIONS && seen.foreign.length === 0) {
            const nth = next++;
            await operate(nth, tally, random, (pid) => killer.run("select pg_terminate_backend($1)", [pid]));
            show(nth, OPERATIONS);
            if (random() < 0.01) await pause(random() * 5);
          }
        }),
      ),
    );

    expect(seen.foreign).toEqual([]);
    for (const tenant of tenants) {
      const there = await written(database, tenant);
      expect([...tally.acked.get(tenant)!].filter((row) => !there.has(row))).toEqual([]);
      expect([...tally.never.get(tenant)!].filter((row) => there.has(row))).toEqual([]);
      expect(tally.acked.get(tenant)!.size).toBeGreaterThan(OPERATIONS / 50);
    }
    // What never happened shows nothing.
    const isPossible = (what: string) => what !== "flown" || !process.env.TENANTRY_TEST_POOLER_PORT;
    expect(Object.entries(counts).filter(([what, count]) => count === 0 && isPossible(what))).toEqual([]);
    expect(seen.read).toBeGreaterThan(OPERATIONS);
    expect(leases.counts).toMatchObject({ waiting: 0 });
    expect(leases.counts.idle).toBe(leases.counts.open);
  });
});
