// Before all tests: one PostgreSQL of their own, with a migrated and seeded database to clone from.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { build, isStale } from "../../build.mjs";
import { startPooler } from "./pooler.mjs";
import { scratch } from "./scratch.mjs";

/** Databases for tenants that a test makes, each its own one. */
const SPARE = ["own1", "own2", "own3", "own4", "own5", "own6"];

export default async function setup() {
  if (isStale()) await build();
  const { startCluster } = await import("../../dist/database/embedded/cluster.js");
  const { productOf } = await import("../../dist/access/catalogue.js");
  const { PRODUCT_FILE, readProduct } = await import("../../dist/product.js");
  const { adoptProduct } = await import("../../dist/tenancy/directory/product.js");
  const { servingUrl } = await import("../../dist/database/embedded/logins.js");
  const { ensureLogins, loginOf } = await import("../../dist/tenancy/migrations/logins.js");
  const { embeddedOwners } = await import("../../dist/commands/database.js");
  const { seed } = await import("../../dist/commands/demo/seed.js");
  const { DEMO_TENANTS } = await import("../../dist/commands/demo/tenants.js");
  const { keyMark, loadKey } = await import("../../dist/identity/key.js");
  const { noteKeyMark } = await import("../../dist/tenancy/directory/installation.js");
  const { ensureAllLogins, withOwners } = await import("../../dist/tenancy/owners.js");
  const { migrate } = await import("../../dist/tenancy/migrations/migrate.js");

  // Unset, and behind a pooler, each demo tenant is kept apart in its own way.
  const isolation = process.env.TENANTRY_TEST_POOLER ? undefined : process.env.TENANTRY_TEST_ISOLATION;
  const place = isolation && (({ slug }) => ({ isolation, database: isolation === "DATABASE" ? slug : "main" }));
  const own = DEMO_TENANTS.filter((tenant) => (isolation ?? tenant.isolation) === "DATABASE").map(({ slug }) => slug);

  // The workers inherit it, and what they make temporarily lies there, too.
  process.env.TMPDIR = scratch();
  const folder = mkdtempSync(join(process.env.TMPDIR, "tenantry-tests-"));
  const cluster = await startCluster({
    folder,
    databases: own,
    settings: {
      fsync: "off",
      // Nothing of it is read after a crash; and a copied database must not go through the log once more.
      full_page_writes: "off",
      wal_level: "minimal",
      max_wal_senders: "0",
      max_connections: "300",
      // All of it lies in memory, and nothing lives long enough to be cleaned.
      synchronous_commit: "off",
      io_method: "sync",
      autovacuum: "off",
      log_statement: "all",
      log_line_prefix: "%m [%p] app=%a db=%d user=%u ",
    },
  });
  const key = await loadKey({ dataDir: folder });
  await withOwners(embeddedOwners(cluster.logins, cluster.port, own), async (owners) => {
    await ensureAllLogins(owners);
    const main = await owners.main;
    // Logins belong to the whole server, and two tests must not make the same one.
    const spare = SPARE.map((name) => loginOf(servingUrl(cluster.logins, name, cluster.port)));
    await ensureLogins(main, spare);
    // Reads and writes whatever row security lets through: a test's own hand in a home.
    await main.run("create role tenantry_test in role pg_read_all_data, pg_write_all_data");
    await migrate(owners);
    await noteKeyMark(main, keyMark(key));
    await adoptProduct(main, productOf(readProduct(PRODUCT_FILE)));
    await seed(owners, key, folder, () => {}, place);
  });
  globalThis.testCluster = cluster;
  if (process.env.TENANTRY_TEST_POOLER) {
    const serving = [...own, ...SPARE].map((name) => servingUrl(cluster.logins, name, cluster.port));
    const urls = [cluster.url("tenantry_serve"), cluster.url("tenantry_door"), ...serving];
    const logins = urls.map((url) => [new URL(url).username, new URL(url).password]);
    globalThis.testPooler = await startPooler({ port: cluster.port, poolSize: 4, logins });
    process.env.TENANTRY_TEST_POOLER_PORT = String(globalThis.testPooler.port);
  }
  process.env.TENANTRY_TEST_FOLDER = folder;
  process.env.TENANTRY_TEST_PORT = String(cluster.port);
  process.env.TENANTRY_TEST_DATABASES = own.join();
  process.env.TENANTRY_TEST_SPARE = SPARE.join();
}
