import type postgres from "postgres";
import type { Kind } from "../../../src/tenancy/walls/reach.js";
import { Unchanged } from "../../../src/tenancy/walls/unchanged.js";
import { until } from "../../support/until.js";
import { HOME, OTHER } from "./faults/fault.js";
import { faultsOfKeys } from "./faults/ofKeys.js";
import { DATABASE, faultsOfBoth, faultsOfDoor, faultsOfServe, LOGIN } from "./faults/ofLogins.js";
import { faultsOfObjects } from "./faults/ofObjects.js";
import { faultsOfRights } from "./faults/ofRights.js";
import { faultsOfTables } from "./faults/ofTables.js";
import { databaseWithOwnLogins } from "./ownLogins.js";

const MINUTE_MS = 60_000;
const OPEN = { what: "A wall is open.", mend: "Close it." };

let database: Awaited<ReturnType<typeof databaseWithOwnLogins>>;
let serve: postgres.Sql;

beforeAll(async () => {
  database = await databaseWithOwnLogins();
  serve = database.connect("serve");
});
afterAll(async () => {
  await serve.end();
  await database.drop();
});

const query = (text: string) => serve.unsafe(text);
/** One whose clock goes on by a minute with each look at walls that stand, so that it need not look again at once. */
function unhurried() {
  let now = 0;
  const standing = async () => {
    now += MINUTE_MS;
    return [];
  };
  return { unchanged: new Unchanged(() => now), standing };
}

/** One that found the walls standing, and need not look: tests beside this one change the server's roles and databases. */
async function settled() {
  const { unchanged, standing } = unhurried();
  await until(async () => (await unchanged.check("walls", query, standing)) === null);
  return unchanged;
}

/** What the owner does counts at once, as it does within ten seconds otherwise. */
async function change(...texts: string[]): Promise<void> {
  try {
    for (const text of texts) await database.owner.unsafe(text);
  } catch (error) {
    await database.owner.unsafe("rollback");
    throw error;
  }
  await database.owner`select pg_stat_force_next_flush()`;
  await database.owner`select 1`;
}

describe("Unchanged", () => {
  it("looks again while walls are open, and once more when they stand", async () => {
    const unchanged = await settled();
    await change(`comment on table ${database.home}.users is 'changed'`);

    const first = await unchanged.check("walls", query, async () => [OPEN]);
    const second = await unchanged.check("walls", query, async () => [OPEN]);
    const third = await unchanged.check("walls", query, async () => []);

    expect([first, second, third]).toEqual([[OPEN], [OPEN], []]);
  });

  it("looks again after a look that failed", async () => {
    const unchanged = await settled();
    await change(`comment on table ${database.home}.users is 'changed again'`);

    await expect(unchanged.check("walls", query, () => Promise.reject(new Error("away")))).rejects.toThrow("away");
    expect(await unchanged.check("walls", query, async () => [OPEN])).toEqual([OPEN]);
  });

  it("does not take one database's walls for another's", async () => {
    const unchanged = await settled();

    expect(await unchanged.check("others", query, async () => [OPEN])).toEqual([OPEN]);
  });

  it.each([
    ["fifty times what the look took", 100, 5000],
    ["four and a half minutes", 60_000, 270_000],
  ])("looks again after %s, whatever the counters say", async (_what, tookMs, untilMs) => {
    let now = 1000;
    const unchanged = new Unchanged(() => now);
    const same = async () => [{ mark: "as ever" }];
    const check = () => unchanged.check("walls", same, async () => [OPEN]);
    await unchanged.check("walls", same, async () => {
      now += tookMs;
      return [];
    });

    now = 1000 + untilMs - 1;
    expect(await check()).toBeNull();
    now++;
    expect(await check()).toEqual([OPEN]);
  });

  it("looks again through a session of other settings", async () => {
    const unchanged = await settled();
    const other = database.connect("serve", { lock_timeout: "1s" });

    const found = await unchanged.check(
      "walls",
      (text) => other.unsafe(text),
      async () => [OPEN],
    );

    await other.end();
    expect(found).toEqual([OPEN]);
  });

  it("always looks where nothing is counted", async () => {
    await change(`alter role ${database.logins.serve} set track_counts = off`);
    const uncounted = database.connect("serve");
    const { unchanged, standing } = unhurried();
    const look = () => unchanged.check("walls", (text) => uncounted.unsafe(text), standing);

    const found = [await look(), await look(), await look()];

    await uncounted.end();
    await change(`alter role ${database.logins.serve} reset track_counts`);
    expect(found).toEqual([[], [], []]);
  });

  const opened = async (...texts: string[]) => {
    const unchanged = await settled();
    await change(...texts);
    return unchanged.check("walls", query, async () => [OPEN]);
  };

  // What is taken back was counted too.
  it.each([...faultsOfTables, ...faultsOfKeys, ...faultsOfObjects, ...faultsOfRights])(
    "looks again after $name",
    async ({ fault }) => {
      const named = fault.replaceAll(HOME, database.home).replaceAll(OTHER, database.home);

      expect(await opened("begin", `set local search_path = ${database.home}`, named, "rollback")).toEqual([OPEN]);
    },
  );

  const ofLogins: [Kind, string, string][] = [
    ...[...faultsOfBoth, ...faultsOfServe].map(({ name, fault }): [Kind, string, string] => ["serve", name, fault]),
    ...faultsOfDoor.map(({ name, fault }): [Kind, string, string] => ["door", name, fault]),
  ];
  it.each(ofLogins)("looks again after %s is %s", async (kind, _name, fault) => {
    const named = fault
      .replaceAll(LOGIN, database.logins[kind])
      .replaceAll(DATABASE, database.name)
      .replaceAll(HOME, database.home);

    expect(await opened("begin", named, "rollback")).toEqual([OPEN]);
  });
});
