import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embeddedOwners } from "../../src/commands/database.js";
import type { Cluster } from "../../src/database/embedded/cluster.js";
import { dataFolder } from "../../src/database/embedded/folder.js";
import { ConnectionLostError, OutcomeUnknownError, UnavailableError } from "../../src/database/errors.js";
import type { Lease } from "../../src/database/lease.js";
import { MAIN } from "../../src/database/names.js";
import { withOwner } from "../../src/database/owner.js";
import { newId, type TenantId } from "../../src/ids.js";
import { createTenant } from "../../src/tenancy/create.js";
import type { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { migrate } from "../../src/tenancy/migrations/migrate.js";
import { ensureAllLogins, withOwners } from "../../src/tenancy/owners.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { openLeases, recordOf, write, written } from "../support/sessions.js";
import { until } from "../support/until.js";
import { openWay } from "../support/way.js";
import { workplace } from "./fixtures/embedded.js";

const { emptyFolder, start, remove } = workplace();
let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer();
});
afterAll(async () => {
  await server.close();
  await remove();
});

const portOf = (cluster: Cluster) => Number(new URL(cluster.url("tenantry_serve")).port);

/** A server with one tenant, and a pool that finds it again when it comes back on another port. */
async function openServer() {
  const folder = emptyFolder();
  let cluster = await start(folder);
  const asOwner = <T>(work: (lease: Lease) => Promise<T>) => withOwner(cluster.url("tenantry_owner"), work);
  const owner = (text: string, params: readonly unknown[] = []) =>
    asOwner(async (lease) => [...(await lease.run(text, params))]);
  await withOwners(embeddedOwners(cluster.logins, cluster.port, []), async (owners) => {
    await ensureAllLogins(owners);
    await migrate(owners);
    const place = { isolation: "SCHEMA", database: MAIN } as const;
    const tenant = { id: newId<TenantId>(), slug: "acme", ...place, createdAt: new Date(), identities: [] };
    await createTenant(owners, tenant, async () => {});
  });
  const way = await openWay(portOf(cluster));
  const leases = openLeases(way.url(cluster.url("tenantry_serve")));
  return {
    folder,
    leases,
    acme: await recordOf({ owner }, "acme"),
    written: async (tenant: TenantRecord) => written({ owner }, tenant),
    kill: () => process.kill(cluster.pid, "SIGKILL"),
    stop: () => cluster.stop(),
    async restart() {
      cluster = await start(folder);
      way.open(portOf(cluster));
    },
    async close() {
      await leases.close();
      await way.close();
    },
  };
}

describe("a database that is killed under its writers", () => {
  it("has every acknowledged row when it is back, and is written to again by the same pool", async () => {
    const { acme, leases } = server;
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
      server.kill();
      await until(() => leases.counts.open === 0);
      const atDeath = acked.length;
      await server.restart();
      await until(() => acked.length > atDeath);
    }
    isOver = true;
    await Promise.all(writers);

    const durable = await server.written(acme);
    console.info(`2 kills under 8 writers: ${acked.length} acknowledged, ${denied.length} denied, ${unknown} unknown`);
    expect(acked.filter((row) => !durable.has(row))).toEqual([]);
    expect(denied.filter((row) => durable.has(row))).toEqual([]);
    // One for each writer and kill.
    expect(unknown).toBeLessThanOrEqual(16);
  });
});

describe("a database that has become a standby", () => {
  it("is not even read from, for it may not know who has lost a right, and serves again when it is the primary", async () => {
    const { acme, leases } = server;
    await (await TenantSession.open(leases, acme, "change")).commit();
    await server.stop();
    const signal = join(dataFolder(server.folder), "standby.signal");
    writeFileSync(signal, "");
    await server.restart();

    for (const purpose of ["read", "change"] as const)
      await expect(TenantSession.open(leases, acme, purpose)).rejects.toThrow(UnavailableError);

    await server.stop();
    rmSync(signal);
    await server.restart();
    const session = await TenantSession.open(leases, acme, "change");
    const row = await write(session);
    await session.commit();
    expect(await server.written(acme)).toContain(row);
  });
});
