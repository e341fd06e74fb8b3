import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "../../src/database/connection.js";
import type { Lease } from "../../src/database/lease.js";
import { openOwner } from "../../src/database/owner.js";
import { type Checkout, checkout } from "../support/checkout.js";
import { command, run } from "../support/command.js";
import { seeded } from "../support/random.js";
import { type OwnServer, ownServer } from "../support/server.js";

// A long run is one of `npm run night`.
const HOMES = Number(process.env.TENANTRY_FLEET_HOMES ?? 8);
const KILLS = Number(process.env.TENANTRY_FLEET_KILLS ?? 3);
const SEED = Number(process.env.TENANTRY_SEED ?? randomInt(2 ** 31));
const adding = (column: string, day: number) => ({
  name: `999901${String(day).padStart(2, "0")}000000_add_${column}`,
  sql: `ALTER TABLE users ADD COLUMN ${column}_a text;\nALTER TABLE roles ADD COLUMN ${column}_b text;`,
});

let server: OwnServer;
let connection: Connection;
/** One for all that is asked, which is a thousand times a second. */
let owner: Lease;
let version: Checkout;
beforeAll(async () => {
  server = await ownServer();
  connection = await openOwner(server.owning.DATABASE_OWNER_URL!);
  owner = connection.lease("");
  version = checkout();
  const env = { ...server.owning, TENANTRY_STOCK: String(HOMES) };
  expect(await run(["migrate"], { env })).toMatchObject({ code: 0 });
});
afterAll(async () => {
  owner.release();
  await connection.close();
  await server.remove();
  version.remove();
});

/** How many homes have a record of the migration; fails when any has it without both columns, or a column without it. */
async function recordedIn(column: string, migration: string): Promise<number> {
  const rows = await owner.run("select schema_name from tenantry.homes");
  const parts = rows.map(
    ({ schema_name: home }) =>
      `select '${home}' as home, exists (select from ${home}.migrations where name = '${migration}') as recorded,
         (select count(*)::int from pg_attribute a where a.attrelid = '${home}.users'::regclass and a.attname = '${column}_a')
         + (select count(*)::int from pg_attribute a where a.attrelid = '${home}.roles'::regclass and a.attname = '${column}_b') as columns`,
  );
  const found = await owner.run(parts.join(" union all "));
  expect(found.filter(({ recorded, columns }) => columns !== (recorded ? 2 : 0))).toEqual([]);
  return found.filter(({ recorded }) => recorded).length;
}

const migrate = (...args: string[]) => command(["migrate", ...args], { env: server.owning, cwd: version.path });
const remembered = async (migration: string) =>
  Number((await owner.run("select count(*) as homes from tenantry.homes where version = $1", [migration]))[0]!.homes);

describe("a migration that is killed again and again", () => {
  it(`leaves every recorded version true, and is simply run again: ${HOMES} homes, ${KILLS} kills, TENANTRY_SEED=${SEED}`, async () => {
    const next = seeded(SEED);
    const [clean, killed] = [adding("motto", 1), adding("shoes", 2)];
    version.add(clean);
    const began = performance.now();
    expect(await migrate().ended).toBe(0);
    const cleanMs = performance.now() - began;
    version.add(killed);

    let landed = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      // Spread over the homes, so that the last kill finds some that are left.
      const target = Math.floor(((kill - next()) * HOMES) / (KILLS + 1));
      const victim = migrate("--workers", "2");
      let isOver = false;
      void victim.ended.then(() => (isOver = true));
      while (!isOver && (await remembered(killed.name)) < target) await pause(1);
      await pause(next() * 5);
      victim.child.kill("SIGKILL");
      if ((await victim.ended) === "SIGKILL") landed++;

      await recordedIn("shoes", killed.name);
    }
    const again = performance.now();
    expect(await migrate().ended).toBe(0);
    const againMs = performance.now() - again;

    expect(landed).toBeGreaterThan(0);
    expect(await recordedIn("shoes", killed.name)).toBe(HOMES);
    expect(await remembered(killed.name)).toBe(HOMES);
    if (HOMES >= 100) {
      process.stdout.write(
        `${landed} of ${KILLS} kills landed; ${Math.round(cleanMs)} ms without a kill, ${Math.round(againMs)} ms for the rest\n`,
      );
      expect(againMs).toBeLessThan(2 * cleanMs);
    }
  });
});
