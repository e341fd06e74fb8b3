// Before all tests: one PostgreSQL of their own, with a migrated and seeded database to clone from.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, isStale } from "../../build.mjs";

export default async function setup() {
  if (isStale()) build();
  const { startCluster } = await import("../../dist/database/embedded/cluster.js");
  const { withOwner } = await import("../../dist/database/owner.js");
  const { seed } = await import("../../dist/commands/demo/seed.js");
  const { loadKey } = await import("../../dist/identity/key.js");
  const { productOf } = await import("../../dist/access/catalogue.js");
  const { PRODUCT_FILE, readProduct } = await import("../../dist/product.js");
  const { adoptProduct } = await import("../../dist/tenancy/directory/product.js");
  const { ensureLogins, loginOf } = await import("../../dist/tenancy/migrations/logins.js");
  const { migrate } = await import("../../dist/tenancy/migrations/migrate.js");

  const folder = mkdtempSync(join(tmpdir(), "tenantry-tests-"));
  const cluster = await startCluster({
    folder,
    settings: { fsync: "off", max_connections: "300", log_statement: "all", log_line_prefix: "%m [%p] db=%d user=%u " },
  });
  const [door, serve] = [loginOf(cluster.url("tenantry_door")), loginOf(cluster.url("tenantry_serve"))];
  const names = { door: door.name, serve: serve.name };
  const key = await loadKey({ dataDir: folder });
  await withOwner(cluster.url("tenantry_owner"), async (owner) => {
    await ensureLogins(owner, [door, serve]);
    await migrate(owner, names);
    await adoptProduct(owner, productOf(readProduct(PRODUCT_FILE)));
    await seed(owner, names, key, folder);
  });
  globalThis.testCluster = cluster;
  process.env.TENANTRY_TEST_FOLDER = folder;
  process.env.TENANTRY_TEST_PORT = String(cluster.port);
}
