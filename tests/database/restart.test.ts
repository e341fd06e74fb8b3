import { ConnectionLostError, OutcomeUnknownError, UnavailableError } from "../../src/database/errors.js";
import { withOwner } from "../../src/database/owner.js";
import { newId, type TenantId } from "../../src/ids.js";
import { createTenant } from "../../src/tenancy/create.js";
import { ensureLogins, loginOf } from "../../src/tenancy/migrations/logins.js";
import { migrate } from "../../src/tenancy/migrations/migrate.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { openLeases, recordOf, write, written } from "../support/sessions.js";
import { until } from "../support/until.js";
import { openWay } from "../support/way.js";
import { workplace } from "./fixtures/embedded.js";

const { emptyFolder, start, remove } = workplace();
afterAll(remove);

const portOf = (cluster: { url(login: "tenantry_serve"): string }) =>
  Number(new URL(cluster.url("tenantry_serve")).port);

describe("a database that is killed under its writers", () => {
  it("has every acknowledged row when it is back, and is written to again by the same pool", async () => {
    const folder = emptyFolder();
    let cluster = await start(folder);
    const owner = (text: string, params: readonly unknown[] = []) =>
      withOwner(cluster.url("tenantry_owner"), async (lease) => [...(await lease.run(text, params))]);
    const [door, serve] = [loginOf(cluster.url("tenantry_door")), loginOf(cluster.url("tenantry_serve"))];
    const names = { door: door.name, serve: serve.name };
    await withOwner(cluster.url("tenantry_owner"), async (lease) => {
      await ensureLogins(lease, [door, serve]);
      await migrate(lease, names);
      const tenant = { id: newId<TenantId>(), slug: "acme", createdAt: new Date(), identities: [] };
      await createTenant(lease, tenant, names, async () => {});
    });
    const acme = await recordOf({ owner }, "acme");
    // The server may come back on another port; the pool keeps to the one it knows.
    const way = await openWay(portOf(cluster));
    const leases = openLeases(way.url(cluster.url("tenantry_serve")));
    const acked: string[] = [];
    const denied: string[] = [];
    let [unknown, isOver] = [0, false];

    const writer = async () => {
      while (!isOver) {
        let row: string | null = null;
        try {
          const session = await TenantSession.open(leases, acme, "change");
          try {
            row = await write(session);
            await session.commit();
            acked.push(row);
          } finally {
            await session.rollback();
          }
        } catch (error) {
          if (error instanceof OutcomeUnknownError) unknown++;
          else if (error instanceof ConnectionLostError || error instanceof UnavailableError) row && denied.push(row);
          else throw error;
        }
        await new Promise(setImmediate);
      }
    };
    const writers = Array.from({ length: 8 }, writer);
    for (let round = 0; round < 2; round++) {
      const before = acked.length;
      await until(() => acked.length >= before + 50);
      process.kill(cluster.pid, "SIGKILL");
      await until(() => leases.counts.open === 0);
      const atDeath = acked.length;
      cluster = await start(folder);
      way.open(portOf(cluster));
      await until(() => acked.length > atDeath);
    }
    isOver = true;
    await Promise.all(writers);

    const durable = await written({ owner }, acme);
    console.info(`2 kills under 8 writers: ${acked.length} acknowledged, ${denied.length} denied, ${unknown} unknown`);
    expect(acked.filter((row) => !durable.has(row))).toEqual([]);
    expect(denied.filter((row) => durable.has(row))).toEqual([]);
    await leases.close();
    await way.close();
  });
});
