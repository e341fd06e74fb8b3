// What tenants cost a server, by how they are kept apart: to make one, on the disk, in the catalogue, and in the memory of a
// connection that has served them all.
//   npm run bench:scale [-- --tenants 1000]
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { embeddedOwners } from "../../dist/commands/database.js";
import { startCluster } from "../../dist/database/embedded/cluster.js";
import { Leases } from "../../dist/database/leases.js";
import { createTenant } from "../../dist/tenancy/create.js";
import { toRecord } from "../../dist/tenancy/directory/directory.js";
import { migrate } from "../../dist/tenancy/migrations/migrate.js";
import { ensureAllLogins, withOwners } from "../../dist/tenancy/owners.js";
import { TenantSession } from "../../dist/tenancy/session.js";

const { values } = parseArgs({
  options: { tenants: { type: "string", default: "1000" }, databases: { type: "string", default: "10" } },
});
const [count, alone] = [Number(values.tenants), Number(values.databases)];
const databases = Array.from({ length: alone }, (_, nth) => `alone${nth}`);

/** What a request asks of a home, in its shape: who is asking, and what they were given where. */
const ASKED = `select u.id, m.id, g.id, r.id, o.path from users u
  left join memberships m on m.tenant_id = u.tenant_id and m.user_id = u.id
  left join grants g on g.tenant_id = m.tenant_id and g.membership_id = m.id
  left join roles r on r.tenant_id = g.tenant_id and r.id = g.role_id
  left join organizations o on o.tenant_id = m.tenant_id and o.id = m.organization_id
  where u.tenant_id = $1`;
const MEGABYTE = 2 ** 20;
const shown = (bytes) => `${(bytes / MEGABYTE).toFixed(2)} MB`;

/** Memory that is a process's own: what it shares with the others of the server is there once. */
function ownMemory(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return 1024 * [...text.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce((sum, [, kB]) => sum + Number(kB), 0);
}

const folder = mkdtempSync(join(tmpdir(), "tenantry-bench-"));
const cluster = await startCluster({ folder, databases });
try {
  await withOwners(embeddedOwners(cluster.logins, cluster.port, databases), async (owners) => {
    await ensureAllLogins(owners);
    await migrate(owners);
    const main = await owners.main;
    const [{ version }] = await main.run("select current_setting('server_version') as version");
    console.log(
      `${cpus().length} x ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, Node.js ${process.version}, PostgreSQL ${version}`,
    );
    const sizeOf = async () => {
      const [row] = await main.run(
        `select pg_database_size(current_database()) as bytes, (select count(*) from pg_class) as relations,
           (select sum(pg_total_relation_size(oid)) from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r') as catalogue`,
      );
      return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
    };

    for (const isolation of ["SHARED", "SCHEMA", "DATABASE"]) {
      const many = isolation === "DATABASE" ? alone : count;
      const before = await sizeOf();
      const began = performance.now();
      const slugs = [];
      for (let nth = 0; nth < many; nth++) {
        const slug = `${isolation.toLowerCase()}-${randomBytes(6).toString("hex")}`;
        const database = isolation === "DATABASE" ? databases[nth] : "main";
        const tenant = { id: randomUUID(), slug, isolation, database, identities: [], createdAt: new Date() };
        await createTenant(owners, tenant, async () => {});
        slugs.push(slug);
      }
      const ms = (performance.now() - began) / many;
      const after = await sizeOf();
      const [{ bytes: ownDatabase }] = await main.run(
        "select coalesce(max(pg_database_size(datname)), 0) as bytes from pg_database where datname like '%alone0'",
      );
      console.log(`\n${isolation}, ${many} tenants without rows of their own`);
      console.log(`  made in ${ms.toFixed(1)} ms each, one after the other`);
      if (isolation === "DATABASE") console.log(`  ${shown(Number(ownDatabase))} on the disk for each database`);
      else {
        const each = (what) => (after[what] - before[what]) / many;
        console.log(
          `  ${shown(each("bytes"))} on the disk for each, ${shown(each("catalogue"))} of it catalogue; ${each("relations").toFixed(1)} relations for each`,
        );
        const tenants = await main.run(
          "select id, slug, database, schema_name, epoch, created_at from tenantry.tenants where slug = any(string_to_array($1, ','))",
          [slugs.join(",")],
        );
        await serveByOne(tenants);
        await serveByTen(tenants);
      }
    }
  });
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

function openLeases(size) {
  return new Leases({
    prepare: true,
    connectTimeoutMs: 5000,
    size,
    waitMs: 60_000,
    maxAgeMs: 3_600_000,
    applicationName: "tenantry bench",
    databases: { main: cluster.url("tenantry_serve") },
  });
}

/** @returns the server's process that served */
async function ask(leases, row) {
  const session = await TenantSession.open(leases, toRecord(row), "read");
  await session.query(ASKED, [row.id]);
  await session.commit();
  return session.pid;
}

/** One connection that serves tenant after tenant, and how it grows. */
async function serveByOne(tenants) {
  const leases = openLeases(1);
  const marks = [1, 10, 100, 1000, 10_000].filter((mark) => mark <= tenants.length);
  const grown = [];
  for (const [nth, row] of tenants.entries()) {
    const pid = await ask(leases, row);
    if (marks.includes(nth + 1)) grown.push(`${shown(ownMemory(pid))} after ${nth + 1}`);
  }
  console.log(`  memory of a connection that served them: ${grown.join(", ")}`);
  await leases.close();
}

/** Ten connections, as a gateway has them, and 32 callers at once who each ask for any of the tenants. */
async function serveByTen(tenants) {
  const leases = openLeases(10);
  const served = new Map();
  let left = 10 * tenants.length;
  const call = async () => {
    while (left-- > 0) {
      const row = tenants[Math.floor(Math.random() * tenants.length)];
      const pid = await ask(leases, row);
      if (!served.has(pid)) served.set(pid, new Set());
      served.get(pid).add(row.id);
    }
  };
  await Promise.all(Array.from({ length: 32 }, call));
  const each = [...served].map(([pid, of]) => `${shown(ownMemory(pid))} for ${of.size}`);
  console.log(`  memory of ten connections that share them, and how many each served: ${each.join(", ")}`);
  await leases.close();
}
