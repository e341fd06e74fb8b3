import type { Leases } from "../../../src/database/leases.js";
import { MAIN } from "../../../src/database/names.js";
import { moveTenant } from "../../../src/tenancy/move/move.js";
import { beginMove, readTenant } from "../../../src/tenancy/move/record.js";
import { type Recovered, recoverMoves } from "../../../src/tenancy/move/recover.js";
import { TenantSession } from "../../../src/tenancy/session.js";
import { command, stopCommands } from "../../support/command.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { homeOf } from "../../support/home.js";
import { homeRowsOf, rowsOf, type Stop, settingsOf, stopAt, stopLocking } from "../../support/moves.js";
import { SEED, sampled } from "../../support/random.js";
import { openLeases, recordOf, write } from "../../support/sessions.js";
import { until } from "../../support/until.js";

let database: TestDatabase;
let leases: Leases;
let owning: Record<string, string>;
let elsewhere: string;
let shared: string;

beforeAll(async () => {
  database = await cloneDatabase();
  elsewhere = await database.spare();
  ({ owning } = await settingsOf(database));
  leases = openLeases(database.databases);
  shared = (await recordOf(database, "meridian")).home.schemaName;
  await moveAway();
});
afterAll(async () => {
  await stopCommands();
  await leases.close();
  await database.drop();
});

/** To a schema in another database than the directory's: where every move of these tests begins. */
const moveAway = () =>
  database.owners((owners) =>
    moveTenant(owners, "northwind", { isolation: "SCHEMA", database: elsewhere }, { keepSeconds: 0 }),
  );
const recover = () => database.owners((owners) => recoverMoves(owners));

/** A change as a gateway makes it, in the home where the directory says that the tenant is. */
async function change(): Promise<string> {
  const session = await TenantSession.open(leases, await recordOf(database, "northwind"), "change");
  const row = await write(session);
  await session.commit();
  return row;
}

const inDirectory = (at: string, when = "true") => stopAt(database, at, when);
const inNew = (at: string, when: string) =>
  stopAt(database, `${at} on ${shared}.${at === "update" ? "tenant" : "users"}`, when);
const ofOld = async () => (await recordOf(database, "northwind")).home.schemaName;

/** Where a mover is killed: at a step that others hold up, with everything before it done and nothing after it. */
const BEFORE: Record<string, () => Promise<Stop>> = {
  "has written down where it moves to": () => inDirectory("insert on tenantry.moves"),
  "looks out for changes in every table": async () =>
    stopLocking(database, `${await ofOld()}.slugs`, "row exclusive", elsewhere),
  "has copied every row": () => inNew("insert", "new.email = 'member-100@northwind.test'"),
  "has brought over a change": async () => {
    const first = await inDirectory("update on tenantry.moves", "new.step = 'FENCING'");
    const then = await inNew("insert", "new.display_name = 'Changed Meanwhile'");
    return {
      async reached() {
        await first.reached();
        await homeOf(
          { database },
          "northwind",
        )("update users set display_name = 'Changed Meanwhile' where email = 'ben@northwind.test'");
        await first.open();
        await then.reached();
      },
      open: then.open,
    };
  },
  "has written down that it fences": () => inDirectory("update on tenantry.moves", "new.step = 'FENCING'"),
  "has fenced the old home": async () =>
    stopAt(database, `update on ${await ofOld()}.tenant`, "new.status = 'FENCED'", elsewhere),
  "has changed the directory": () => inDirectory("update on tenantry.tenants"),
};
const AFTER: typeof BEFORE = {
  "has closed the old home": async () =>
    stopAt(database, `update on ${await ofOld()}.tenant`, "new.epoch > old.epoch", elsewhere),
  "has opened the new home": () => inNew("update", "new.status = 'ACTIVE'"),
  "has taken every trace away": async () => stopLocking(database, `${await ofOld()}.slugs`, "access share", elsewhere),
  "has written down that it is through": () => inDirectory("update on tenantry.moves", "new.step = 'LEFT'"),
};
const REMOVING: typeof BEFORE = {
  "has struck the old home off the list": () => inDirectory("delete on tenantry.homes"),
  "has removed the old home": async () => stopLocking(database, `${await ofOld()}.tenant`, "access share", elsewhere),
  "has forgotten the move": () => inDirectory("delete on tenantry.moves"),
};
/** Between the fence and the opening of the new home, changes wait. */
const CLOSED = [
  "has changed the directory",
  "has closed the old home",
  "has opened the new home",
  "has fenced the old home",
];

/** Kills the real command before it is past that point, and looks at what is left once the move was recovered. */
async function killed(before: string, stopped: () => Promise<Stop>, keep: string) {
  const old = await recordOf(database, "northwind");
  const rows = await rowsOf(database, "northwind");
  const neighbour = await rowsOf(database, "meridian");
  const stop = await stopped();

  const mover = command(["tenant", "move", "northwind", "--to", "shared", "--keep", keep], { env: owning });
  await Promise.race([
    stop.reached(),
    mover.ended.then((how) => Promise.reject(new Error(`It ended with ${how}: ${mover.stderr()}`))),
  ]);
  const acknowledged = CLOSED.includes(before) ? [] : [await change()];
  mover.child.kill("SIGKILL");
  expect(await mover.ended).toBe("SIGKILL");
  await stop.open();
  let recovered: Recovered[] = [];
  // A statement of its may outlive it for a moment.
  await until(async () => {
    recovered = await recover();
    return recovered.every(({ outcome }) => outcome !== "UNDER_WAY");
  });
  acknowledged.push(await change());

  const now = await recordOf(database, "northwind");
  const after = await rowsOf(database, "northwind");
  expect(after.audit_events).toHaveLength(rows.audit_events!.length + acknowledged.length);
  expect(after.audit_events!.filter((row) => acknowledged.some((id) => row.includes(id)))).toHaveLength(
    acknowledged.length,
  );
  const unchanged = before === "has brought over a change" ? { ...after, users: [] } : after;
  expect({ ...unchanged, audit_events: [] }).toEqual({
    ...rows,
    ...(before === "has brought over a change" && { users: [] }),
    audit_events: [],
  });
  expect(await rowsOf(database, "meridian")).toEqual(neighbour);
  return { old, now, recovered: recovered.map(({ outcome }) => outcome), homes: await homeRowsOf(database, old.id) };
}

describe(`a mover that is killed (TENANTRY_SEED=${SEED})`, () => {
  it("before it makes the first shared home of a database leaves nothing there", async () => {
    const old = await recordOf(database, "northwind");
    const homes = () => database.owner("select * from tenantry.homes order by database, schema_name");
    const before = await homes();
    await database.owners(async (owners) => {
      const main = await owners.main;
      await beginMove(main, await readTenant(main, "northwind"), { isolation: "SHARED", database: elsewhere }, 0);
    });
    expect(await homes()).toHaveLength(before.length + 1);

    expect(await recover()).toEqual([{ slug: "northwind", outcome: "TAKEN_BACK" }]);

    expect(await homes()).toEqual(before);
    expect(await homeRowsOf(database, old.id)).toEqual([{ ...old.home, epoch: old.epoch, status: "ACTIVE" }]);
  });

  it.each(sampled(Object.keys(BEFORE), 3))("before it %s leaves the tenant in its old home", async (point) => {
    const { old, now, homes, recovered } = await killed(point, BEFORE[point]!, "1d");

    expect(recovered).toEqual(point === "has written down where it moves to" ? [] : ["TAKEN_BACK"]);
    expect(now).toEqual(old);
    expect(homes).toEqual([{ ...old.home, epoch: old.epoch, status: "ACTIVE" }]);
    expect(await database.owner("select * from tenantry.moves")).toEqual([]);
  });

  it.each(sampled(Object.keys(AFTER), 2))(
    "before it %s leaves it in its new one, and the old one closed",
    async (point) => {
      const { old, now, homes, recovered } = await killed(point, AFTER[point]!, "1d");

      // What was sent may be done after its sender has died.
      expect(point.endsWith("it is through") ? ["COMPLETED", "KEPT"] : ["COMPLETED"]).toContain(recovered[0]);
      expect(now).toMatchObject({ home: { database: MAIN, schemaName: shared }, epoch: old.epoch + 1 });
      expect(homes).toEqual([
        { ...now.home, epoch: now.epoch, status: "ACTIVE" },
        { ...old.home, epoch: now.epoch, status: "FENCED" },
      ]);
      expect(await recover()).toEqual([{ slug: "northwind", outcome: "KEPT" }]);
      await database.owner("update tenantry.moves set kept_until = clock_timestamp()");
      expect(await recover()).toEqual([{ slug: "northwind", outcome: "REMOVED" }]);
      expect(await homeRowsOf(database, old.id)).toHaveLength(1);
      await moveAway();
    },
  );

  it.each(sampled(Object.keys(REMOVING), 1))(
    "before it %s leaves it in its new one, and nothing of the old one",
    async (point) => {
      const { old, now, homes, recovered } = await killed(point, REMOVING[point]!, "0");

      expect(recovered).toEqual(point.endsWith("the move") ? expect.anything() : ["REMOVED"]);
      expect(homes).toEqual([{ ...now.home, epoch: old.epoch + 1, status: "ACTIVE" }]);
      expect(await database.owner("select * from tenantry.moves")).toEqual([]);
      expect(
        await database.owner("select * from tenantry.homes where schema_name = $1", [old.home.schemaName]),
      ).toEqual([]);
      await moveAway();
    },
  );
});
