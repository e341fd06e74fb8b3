import { UnavailableError } from "../../src/database/errors.js";
import type { Lease } from "../../src/database/lease.js";
import type { Leases } from "../../src/database/leases.js";
import { MAIN } from "../../src/database/names.js";
import type { LeaseSettings } from "../../src/database/pooled.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { openLeases } from "../support/sessions.js";
import { until } from "../support/until.js";
import { openWay, type Way } from "../support/way.js";

const MORE = 4;

let database: TestDatabase;
let way: Way;
let names: string[];
const pools: Leases[] = [];
beforeAll(async () => {
  database = await cloneDatabase();
  way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
  names = [MAIN];
  while (names.length <= MORE) names.push(await database.spare());
});
afterEach(async () => {
  way.open();
  await Promise.all(pools.splice(0).map((leases) => leases.close()));
});
afterAll(async () => {
  await way.close();
  await database.drop();
});

/** A pool to all the databases, to the last of them over a way that fails. */
function pool(settings: Partial<LeaseSettings> = {}): Leases {
  const urls = names.map((name) => [name, database.databases[name]!] as const);
  const leases = openLeases({ ...Object.fromEntries(urls), [names[MORE]!]: way.url(urls[MORE]![1]) }, settings);
  pools.push(leases);
  return leases;
}

const use = async (leases: Leases, name: string, home = "a") => {
  const lease = await leases.acquire(home, undefined, name);
  const [row] = await lease.run("select current_database() as name");
  lease.release();
  return row!.name;
};
const nameOf = (name: string) => new URL(database.databases[name]!).pathname.slice(1);

describe("one budget of connections to several databases", () => {
  it("leads each caller to the database that was asked for", async () => {
    const leases = pool();

    const reached = await Promise.all(names.map((name) => use(leases, name)));

    expect(reached).toEqual(names.map(nameOf));
  });

  it("is never exceeded: an idle connection gives way to a caller of another database", async () => {
    const leases = pool({ size: 2 });

    for (let round = 0; round < 3; round++)
      for (const name of names) {
        expect(await use(leases, name)).toBe(nameOf(name));
        expect(leases.counts.open).toBeLessThanOrEqual(2);
      }
  });

  it("is not taken whole by one database, however many of its callers wait", async () => {
    const leases = pool({ size: 4 });
    const held = await Promise.all([0, 1, 2].map((at) => leases.acquire(String(at), undefined, names[1])));
    const waiting = leases.acquire("late", undefined, names[1]);
    await until(() => leases.counts.waiting === 1);

    expect(await use(leases, names[2]!)).toBe(nameOf(names[2]!));
    expect(leases.open).toMatchObject({ [names[1]!]: 3, [names[2]!]: 1 });

    for (const lease of held) lease.release();
    (await waiting).release();
  });

  it("has tenants take turns in each database, whatever is asked of the others meanwhile", async () => {
    const leases = pool({ size: 4 });
    const [busy, other] = [names[1]!, names[2]!];
    // All that one of them may have.
    const held = await Promise.all([0, 1, 2].map(() => leases.acquire("a", undefined, busy)));
    const order: string[] = [];
    const ask = async (party: string) => {
      const lease = await leases.acquire("a", undefined, busy, { party });
      order.push(party);
      lease.release();
    };

    const flood = Array.from({ length: 30 }, () => ask("flood"));
    for (let at = 0; at < 50; at++) await use(leases, other);
    const late = ask("late");
    for (const lease of held) lease.release();
    await Promise.all([...flood, late]);

    // Behind one turn of those, of whom three are served at once.
    expect(order.indexOf("late")).toBeLessThanOrEqual(8 + 3);
  });

  it("refuses the callers of a database that is away at once, and serves all others", async () => {
    const leases = pool({ size: 4, waitMs: 60_000 });
    way.bar();

    const away = await Promise.allSettled(Array.from({ length: 20 }, () => use(leases, names[MORE]!)));
    const others = await Promise.all(
      names.slice(0, MORE).flatMap((name) => [use(leases, name), use(leases, name, "b")]),
    );
    way.open();

    expect(away.map(({ status }) => status)).toEqual(away.map(() => "rejected"));
    for (const one of away) expect((one as PromiseRejectedResult).reason).toBeInstanceOf(UnavailableError);
    expect(others).toHaveLength(2 * MORE);
    expect(await use(leases, names[MORE]!)).toBe(nameOf(names[MORE]!));
  });

  it("leaves room for the others while a database hangs with callers in it", async () => {
    const leases = pool({ size: 4, waitMs: 60_000, connectTimeoutMs: 60_000 });
    way.mute();
    const hanging = Array.from({ length: 20 }, (_, at) => leases.acquire(String(at), undefined, names[MORE]));
    for (const one of hanging) one.catch(() => {});
    await until(() => way.count === 3);

    for (let round = 0; round < 5; round++)
      for (const name of names.slice(0, MORE)) expect(await use(leases, name)).toBe(nameOf(name));

    expect(way.count).toBe(3);
    way.open();
    const outcomes = await Promise.allSettled(hanging.map(async (one) => (await one).release()));
    expect(outcomes).toHaveLength(20);
  });

  it("lets nobody's tenants into a database that is barred, and in again after that", async () => {
    const leases = pool();
    leases.bar(names[1]!, "Closed for a moment.");

    await expect(use(leases, names[1]!)).rejects.toThrow("Closed for a moment.");
    expect(await use(leases, names[1]!, "")).toBe(nameOf(names[1]!));
    leases.bar(names[1]!, null);
    expect(await use(leases, names[1]!)).toBe(nameOf(names[1]!));
  });

  it("takes a database that the settings do not name for one that is away", async () => {
    await expect(use(pool(), "elsewhere")).rejects.toThrow(UnavailableError);
  });

  it("serves 500 tenants of 200 databases at once by 60 connections, each or with a word to come again, and everybody after that", async () => {
    const many = Array.from({ length: 200 }, (_, at) => [`d${at}`, database.databases[names[at % MORE]!]!] as const);
    // Sixty that are opened at once take their time where something else is under way.
    const leases = openLeases(Object.fromEntries(many), { size: 60, waitMs: 6000 });
    pools.push(leases);
    const work = async (at: number): Promise<"served" | "later"> => {
      let lease: Lease;
      try {
        lease = await leases.acquire(`tenant ${at}`, undefined, `d${at % many.length}`);
      } catch (error) {
        expect(error).toBeInstanceOf(UnavailableError);
        return "later";
      }
      const [row] = await lease.run("select current_database() as name, pg_sleep(0.005)");
      lease.release();
      expect(row!.name).toBe(nameOf(names[(at % many.length) % MORE]!));
      expect(leases.counts.open).toBeLessThanOrEqual(60);
      return "served";
    };

    const outcomes = await Promise.all(Array.from({ length: 500 }, (_, at) => work(at)));

    expect(outcomes).toContain("served");
    expect(leases.counts.waiting).toBe(0);
    // What was being opened for those who went away takes its place until it is there.
    const come = (at: number) =>
      use(leases, `d${at}`).catch((error) => {
        expect(error).toBeInstanceOf(UnavailableError);
        return null;
      });
    for (const at of [0, 1, 2, 3, 70, 199]) {
      let name: unknown = null;
      await until(async () => {
        name = await come(at);
        return name !== null;
      });
      expect(name).toBe(nameOf(names[at % MORE]!));
    }
  });
});
