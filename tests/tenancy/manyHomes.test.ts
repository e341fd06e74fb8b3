import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedOwners } from "../../src/commands/database.js";
import { progress } from "../../src/commands/progress.js";
import { type Cluster, startCluster } from "../../src/database/embedded/cluster.js";
import { sqlState } from "../../src/database/errors.js";
import { newId, type TenantId } from "../../src/ids.js";
import { createTenant } from "../../src/tenancy/create.js";
import { migrate } from "../../src/tenancy/migrations/migrate.js";
import { inTransaction } from "../../src/tenancy/migrations/transaction.js";
import { ensureAllLogins, Owners } from "../../src/tenancy/owners.js";
import { eraseTenant } from "../../src/tenancy/tenants/erase.js";
import { listTenants } from "../../src/tenancy/tenants/record.js";
import { filesWith, later } from "../support/fleet.js";

// A long run is one of `npm run night`, with all the locks that PostgreSQL has unless it is told otherwise.
const IN_THE_GATE = 10;
const HOMES = Number(process.env.TENANTRY_MANY_HOMES ?? IN_THE_GATE);
/** To remove one is to search all that are there for what is left of it. */
const REMOVED = Math.min(HOMES, 40);
/** Room for the locks of a few homes, and not for those of all. */
const FEW_LOCKS = { max_locks_per_transaction: "16", max_connections: "16" };
/** Nothing comes to the disk by itself in time for a test to see it. */
const LAZY = { wal_writer_delay: "10s", wal_writer_flush_after: "1GB" };
const OUT_OF_LOCKS = "53200";

let folder: string;
let cluster: Cluster;
let owners: Owners;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "many-homes-"));
  cluster = await startCluster({ folder, settings: { fsync: "off", ...LAZY, ...(HOMES <= IN_THE_GATE && FEW_LOCKS) } });
  owners = new Owners(embeddedOwners(cluster.logins, cluster.port, []));
  await ensureAllLogins(owners);
  await migrate(owners);
});
afterAll(async () => {
  await owners.close();
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

describe("a server that has no room for the locks of all homes at once", () => {
  it(`makes and migrates ${HOMES} of them to the disk, and removes ${REMOVED}, for no transaction is in more than one`, async () => {
    const main = await owners.main;
    const show = HOMES > IN_THE_GATE ? progress("Homes") : () => {};
    for (let nth = 0; nth < HOMES; nth++) {
      const place = { isolation: "SCHEMA", database: "main", createdAt: new Date(), identities: [] } as const;
      await createTenant(owners, { id: newId<TenantId>(), slug: `t-${nth}`, ...place }, async () => {});
      show(nth + 1, HOMES);
    }
    const names = (await main.run("select schema_name from tenantry.homes")).map((row) => String(row.schema_name));
    const atOnce = inTransaction(main, async () => {
      for (const name of names) await main.run(`drop schema ${name} cascade`);
    });
    await expect(atOnce.catch(sqlState)).resolves.toBe(OUT_OF_LOCKS);

    const wide = later(
      "widen",
      "ALTER TABLE users ADD COLUMN hat text;\nCREATE INDEX users_by_hat ON users (tenant_id, hat);",
    );
    let last: Promise<unknown> | undefined;
    const onHome = () => {
      last = main.run("select pg_current_wal_insert_lsn()::text as lsn");
    };
    const { behind, applied } = await migrate(owners, { files: filesWith(wide), onHome });
    const [{ lsn }] = (await last) as [{ lsn: string }];
    const [written] = await main.run("select pg_current_wal_flush_lsn() >= $1::pg_lsn as all", [lsn]);
    const left: string[] = [];
    for (const tenant of (await listTenants(main)).slice(0, REMOVED))
      left.push(...(await eraseTenant(owners, tenant)).found);

    expect([behind, applied.length, left]).toEqual([[], HOMES, []]);
    expect(written).toEqual({ all: true });
    expect(await main.run("select from pg_namespace where nspname ~ '^t_'")).toHaveLength(HOMES - REMOVED);
  });
});
