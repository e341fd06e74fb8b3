// What a fleet costs, against the same SQL sent raw in one session: making homes, adding a column to all of them, looking when
// there is nothing to do, and removing all. The two sides take turns, so that a busy machine is busy for both.
//   npm run bench:fleet [-- --homes 2000 --rounds 3]
import { spawnSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { embeddedOwners, embeddedSettings } from "../../dist/commands/database.js";
import { startCluster } from "../../dist/database/embedded/cluster.js";
import { createTenant } from "../../dist/tenancy/create.js";
import { baselineSql, newSchemaName } from "../../dist/tenancy/migrations/baseline.js";
import { checkFleet } from "../../dist/tenancy/migrations/check.js";
import { ownFiles } from "../../dist/tenancy/migrations/files.js";
import { migrate } from "../../dist/tenancy/migrations/migrate.js";
import { remember } from "../../dist/tenancy/migrations/versions.js";
import { ensureAllLogins, withOwners } from "../../dist/tenancy/owners.js";

const { values } = parseArgs({
  options: { homes: { type: "string", default: "2000" }, rounds: { type: "string", default: "3" } },
});
const [homes, rounds] = [Number(values.homes), Number(values.rounds)];
const BATCH = 25;

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
const told = (what, ours, raw, most) =>
  console.log(
    `${what}: ${seconds(ours)} against ${seconds(raw)} raw, ${(ours / raw).toFixed(2)}x (at most ${most}x wanted)`,
  );

const folder = mkdtempSync(join(tmpdir(), "tenantry-bench-"));
const cluster = await startCluster({ folder });
try {
  await withOwners(embeddedOwners(cluster.logins, cluster.port, []), async (owners) => {
    await ensureAllLogins(owners);
    await migrate(owners);
    const raw = await owners.connect("main");
    const main = await owners.main;
    const [server] = await main.run(
      "select current_setting('server_version') as version, current_setting('fsync') as fsync",
    );
    console.log(
      `${cpus().length} x ${cpus()[0].model}, Node.js ${process.version}, PostgreSQL ${server.version}, fsync ${server.fsync}, ${homes} homes, ${rounds} rounds, load ${loadavg()[0].toFixed(1)}`,
    );

    const made = { ours: 0, raw: 0 };
    const rawSchemas = [];
    for (let count = 0; count < homes / 2; count += BATCH) {
      made.raw += await timed(async () => {
        for (let n = 0; n < BATCH; n++) {
          const schema = newSchemaName();
          await raw.lease.run(`begin;\n${baselineSql(schema, owners.names("main"))};\ncommit`);
          rawSchemas.push(schema);
        }
      });
      made.ours += await timed(async () => {
        for (let n = 0; n < BATCH; n++) {
          const id = randomUUID();
          const place = { isolation: "SCHEMA", database: "main", identities: [], createdAt: new Date() };
          await createTenant(owners, { id, slug: `t-${randomBytes(8).toString("hex")}`, ...place }, async () => {});
        }
      });
    }
    told(`Making ${homes / 2} tenants, one after the other`, made.ours, made.raw, 1.5);
    for (const schema of rawSchemas) {
      await main.run("insert into tenantry.homes values ('main', $1, 'SCHEMA', 'READY', now())", [schema]);
      await remember(main, { database: "main", schemaName: schema });
    }
    const schemas = (await main.run("select schema_name from tenantry.homes")).map((row) => row.schema_name);

    // Raw in a session that has met every home before, and in a new one, as a migration's are.
    const adding = { ours: [], raw: [], fresh: [] };
    const alterAll = (lease, column) =>
      timed(async () => {
        for (const schema of schemas) await lease.run(`alter table "${schema}"."users" add column "${column}" text`);
      });
    const own = ownFiles();
    let tenant = [...own.tenant];
    for (let round = 1; round <= rounds; round++) {
      adding.raw.push(await alterAll(raw.lease, `raw_${round}`));
      const fresh = await owners.connect("main");
      adding.fresh.push(await alterAll(fresh.lease, `fresh_${round}`));
      fresh.lease.release();
      await fresh.connection.close();
      tenant = [
        ...tenant,
        { name: `9999${round}_add_column`, sql: `ALTER TABLE "users" ADD COLUMN "ours_${round}" text;` },
      ];
      adding.ours.push(
        await timed(async () => {
          const { behind, applied } = await migrate(owners, { files: { ...own, tenant } });
          if (behind.length > 0 || applied.length !== schemas.length) throw new Error("Not every home was brought.");
        }),
      );
    }
    const ours = median(adding.ours);
    told(`Adding a column to ${schemas.length} homes`, ours, median(adding.raw), 3);
    told("  against a session that has not met the homes before", ours, median(adding.fresh), 3);

    // Back to the version of the files, for what looks at those.
    for (const { name } of tenant.slice(own.tenant.length))
      for (const schema of schemas) await main.run(`delete from "${schema}".migrations where name = '${name}'`);
    await migrate(owners, { everyHome: true });
    const nothing = [];
    for (let round = 1; round <= rounds; round++)
      nothing.push(
        await timed(async () => {
          const { applied } = await migrate(owners);
          if (applied.length > 0) throw new Error("There was something to do.");
        }),
      );
    console.log(`A run with nothing to do, within a process: ${seconds(median(nothing))}`);
    const settings = embeddedSettings(cluster.logins, cluster.port, []);
    const env = {
      PATH: process.env.PATH,
      TENANTRY_KEY: randomBytes(32).toString("base64url"),
      ...settings.serving,
      ...settings.owning,
    };
    const program = fileURLToPath(new URL("../../tenantry.mjs", import.meta.url));
    const commands = [];
    for (let round = 1; round <= rounds; round++)
      commands.push(
        await timed(async () => {
          const { status, stderr } = spawnSync(process.execPath, [program, "migrate"], { env, encoding: "utf8" });
          if (status !== 0) throw new Error(stderr);
        }),
      );
    console.log(
      `The command with nothing to do, from its start to its end: ${seconds(median(commands))} (2 s at most wanted)`,
    );

    let drifted = 0;
    const checking = await timed(async () => {
      drifted = (await checkFleet(owners)).drifted.length;
    });
    if (drifted !== schemas.length) throw new Error("The columns that were added by hand were not seen everywhere.");
    console.log(
      `Comparing ${schemas.length} homes with one made anew, every one of them changed: ${seconds(checking)}`,
    );

    const [locks] = await main.run("select current_setting('max_locks_per_transaction') as most");
    const dropping = await timed(async () => {
      for (const schema of schemas) await main.run(`drop schema "${schema}" cascade`);
    });
    console.log(
      `Dropping ${schemas.length} homes, one in a transaction, with max_locks_per_transaction ${locks.most}: ${seconds(dropping)}, no error`,
    );
    raw.lease.release();
    await raw.connection.close();
  });
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
