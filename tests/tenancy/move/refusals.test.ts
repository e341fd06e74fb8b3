import { MAIN } from "../../../src/database/names.js";
import { type Destination, moveTenant } from "../../../src/tenancy/move/move.js";
import { TenantSession } from "../../../src/tenancy/session.js";
import { run } from "../../support/command.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { homeRowsOf, rowsOf, settingsOf, stopAt } from "../../support/moves.js";
import { openLeases, recordOf, write } from "../../support/sessions.js";

let database: TestDatabase;
let shared: string;
let owning: Record<string, string>;
beforeAll(async () => {
  database = await cloneDatabase();
  shared = (await recordOf(database, "meridian")).home.schemaName;
  ({ owning } = await settingsOf(database));
});
afterAll(() => database.drop());

const move = (to: Destination) => database.owners((owners) => moveTenant(owners, "northwind", to, { keepSeconds: 0 }));
const SHARED: Destination = { isolation: "SHARED", database: MAIN };

/** Runs a move that is refused, and looks whether the tenant is where it was, with nothing of the move left. */
async function refused(work: () => Promise<unknown>, why: RegExp): Promise<void> {
  const before = await recordOf(database, "northwind");
  const rows = await rowsOf(database, "northwind");

  await expect(work()).rejects.toThrow(why);

  expect(await recordOf(database, "northwind")).toEqual(before);
  expect(await rowsOf(database, "northwind")).toEqual(rows);
  expect(await homeRowsOf(database, before.id)).toEqual([{ ...before.home, epoch: before.epoch, status: "ACTIVE" }]);
  expect(await database.owner("select * from tenantry.moves")).toEqual([]);
}

/** Runs a move, and `work` when all rows have been compared and nothing is fenced yet. */
async function movingWhile(work: () => Promise<unknown>): Promise<void> {
  const { id } = await recordOf(database, "northwind");
  const stop = await stopAt(database, "update on tenantry.moves", `new.step = 'FENCING' and new.tenant_id = '${id}'`);
  const moving = move(SHARED);
  moving.catch(() => {});
  await stop.reached();
  await work();
  await stop.open();
  await moving;
}

describe("moveTenant", () => {
  it.each([
    [
      "a row that it lost",
      "delete from {home}.audit_events where tenant_id = $1 and id = (select min(id::text)::uuid from {home}.audit_events where tenant_id = $1)",
      /audit_events has \d+ rows and not \d+/,
    ],
    [
      "a row too many",
      "insert into {home}.slugs select tenant_id, 'planted', id, created_at from {home}.organizations where tenant_id = $1 and parent_id is null",
      /slugs has \d+ rows and not \d+/,
    ],
  ])("refuses a copy with %s", async (_, fault, why) => {
    const { id } = await recordOf(database, "northwind");
    const session = async () => {
      const leases = openLeases(database.databases);
      const one = await TenantSession.open(leases, await recordOf(database, "northwind"), "change");
      await write(one);
      await one.commit();
      await leases.close();
    };
    await session();

    await refused(() => movingWhile(() => database.owner(fault.replaceAll("{home}", shared), [id])), why);
  });

  it("refuses a copy in which a row is another than it was", async () => {
    const { id } = await recordOf(database, "northwind");
    const trigger = `create function public.spoil() returns trigger language plpgsql as
      'begin new.display_name := new.display_name || ''!''; return new; end'`;
    await database.owner(trigger);
    await database.owner(
      `create trigger a_spoiler before insert on ${shared}.users for each row when (new.tenant_id = '${id}') execute function public.spoil()`,
    );

    await refused(() => move(SHARED), /users has not the same rows/);
    await database.owner("drop function public.spoil() cascade");
  });

  it("refuses when the two homes are at different versions", async () => {
    await database.owner(`insert into ${shared}.migrations values ('99990101000000_of_tomorrow', now())`);

    await refused(() => move(SHARED), /not at the same version/);
    await database.owner(`delete from ${shared}.migrations where name like '9999%'`);
  });

  it("refuses when somebody changes the tenant's record meanwhile", async () => {
    const { id } = await recordOf(database, "northwind");
    const set = (by: number) =>
      database.owner("update tenantry.tenants set epoch = epoch + $2 where id = $1", [id, by]);

    const stop = await stopAt(database, "update on tenantry.moves", "new.step = 'FENCING'");
    const moving = move(SHARED);
    moving.catch(() => {});
    await stop.reached();
    await set(1);
    await stop.open();
    await expect(moving).rejects.toThrow(/changed by somebody else/);
    await set(-1);

    const { home, epoch } = await recordOf(database, "northwind");
    expect(await homeRowsOf(database, id)).toEqual([{ ...home, epoch, status: "ACTIVE" }]);
  });

  it("refuses a second mover of the same tenant, and lets that of another go on", async () => {
    await movingWhile(async () => {
      const busy = "The tenant is being created, changed, moved or erased at this moment. Try again shortly.";
      await expect(move(SHARED)).rejects.toThrow(busy);
      const other = await run(["tenant", "move", "northwind", "--to", "shared"], { env: owning });
      expect([other.code, other.stderr]).toEqual([3, `tenantry: ${busy}\n`]);
      await database.owners((owners) =>
        moveTenant(owners, "meridian", { isolation: "SCHEMA", database: MAIN }, { keepSeconds: 0 }),
      );
    });

    expect((await recordOf(database, "northwind")).home.schemaName).toBe(shared);
    expect((await recordOf(database, "meridian")).home.schemaName).not.toBe(shared);
  });

  it.each([
    [["northwind", "--to", "shared"], 3, "is there already: shared in the database main"],
    [["northwind", "--to", "database:lumen"], 3, "The database lumen has tenants already"],
    [["northwind", "--to", "schema:lumen"], 3, "The database lumen is a tenant's own"],
    [["nobody", "--to", "shared"], 2, "There is no tenant nobody. There are: lumen"],
    [["northwind", "--to", "schema:nowhere"], 2, "--to nowhere: the settings name no such one."],
    [["northwind", "--to", "attic"], 2, "--to is shared, schema or database"],
    [["northwind", "--to", "schema", "--keep", "long"], 2, "--keep is a whole number and s, m, h or d"],
  ])("refuses `tenant move %j` and says why", async (args, code, why) => {
    const ended = await run(["tenant", "move", ...args], { env: owning });

    expect([ended.code, ended.stdout]).toEqual([code, ""]);
    expect(ended.stderr).toContain(why);
  });
});
