import { createHash } from "node:crypto";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Lease } from "../../database/lease.js";
import { readTables, type Table } from "../homeTables.js";
import { inTransaction } from "../migrations/transaction.js";
import type { Owners } from "../owners.js";
import { findHomeRow, mustBeWhole, type Tenant, TenantRefusedError } from "../tenants/record.js";
import { type FileFacts, FORMAT, fileName, IDENTITIES, MANIFEST, type Manifest, thisMigration } from "./manifest.js";
import { linesOf, measure, settleTexts } from "./rows.js";
import { type Entry, writeTar } from "./tar.js";

/**
 * Writes a tenant's rows, as they are at one moment, into one archive, in constant memory. People go on working in it.
 * @param key what the installation's key is told by
 * @returns what the archive says of itself
 * @throws TenantRefusedError when the tenant is not whole, or its home is behind this version
 */
export async function exportTenant(
  owners: Owners,
  tenant: Tenant,
  key: string,
  to: Writable,
  onRows: (done: number, of: number) => void = () => {},
): Promise<Manifest> {
  mustBeWhole(tenant, tenant.slug);
  const digests = await (await owners.main).run(
    "select encode(digest, 'hex') as digest from tenantry.identities where tenant_id = $1 order by digest",
    [tenant.id],
  );
  const { lease, connection } = await owners.connect(tenant.database);
  try {
    return await inTransaction(lease, async () => {
      // Before the first statement, so that all of them see one moment.
      await lease.run("set transaction isolation level repeatable read, read only");
      await mustBeHere(lease, tenant);
      await lease.run("select set_config('search_path', $1, true)", [`${tenant.schemaName}, pg_temp`]);
      const run = lease.run.bind(lease);
      await settleTexts(run);
      const tables = await readTables(lease, tenant.schemaName);
      const files: Record<string, FileFacts> = {};
      // The directory is told after the home of who has just come in: they are in the archive, and have to get in again.
      const signingIn = await run(
        "select encode(identity, 'hex') as digest from users where tenant_id = $1 and identity is not null",
        [tenant.id],
      );
      const all = new Set([...digests, ...signingIn].map(({ digest }) => String(digest)));
      const identities = [...all].sort().map((digest) => `${JSON.stringify({ digest })}\n`);
      const manifest = (): Manifest => ({
        format: FORMAT,
        exportedAt: new Date().toISOString(),
        migration: thisMigration(),
        key,
        tenant: {
          id: tenant.id,
          slug: tenant.slug,
          status: tenant.status,
          isolation: tenant.isolation,
          createdAt: tenant.createdAt.toISOString(),
        },
        files,
      });
      const entries = entriesOf(run, tenant, tables, identities, files, manifest, onRows);
      await pipeline(Readable.from(writeTar(entries, new Date())), createGzip(), to);
      return manifest();
    });
  } finally {
    lease.release();
    await connection.close();
  }
}

async function mustBeHere(lease: Lease, tenant: Tenant): Promise<void> {
  if (!(await findHomeRow(lease, tenant)))
    throw new TenantRefusedError(`The home of ${tenant.slug} is not there. \`tenantry doctor\` says what to do.`);
  const rows = await lease.run(`select max(name) as last from "${tenant.schemaName}".migrations`);
  if (rows[0]?.last !== thisMigration())
    throw new TenantRefusedError(`The home of ${tenant.slug} is not at this version. Run \`tenantry migrate\` first.`);
}

async function* entriesOf(
  run: Lease["run"],
  { id }: Tenant,
  tables: readonly Table[],
  identities: readonly string[],
  files: Record<string, FileFacts>,
  manifest: () => Manifest,
  onRows: (done: number, of: number) => void,
): AsyncGenerator<Entry> {
  const sizes = [];
  for (const table of tables) sizes.push({ table, ...(await measure(run, id, table)) });
  const all = sizes.reduce((sum, { rows }) => sum + rows, 0);
  let done = 0;
  for (const { table, rows, bytes } of sizes) {
    const content = hashed(
      linesOf(run, id, table),
      (facts) => {
        files[table.name] = facts;
      },
      (count) => {
        done += count;
        onRows(done, all);
      },
    );
    yield { name: fileName(table.name), bytes, content };
    if (files[table.name]!.rows !== rows) throw new Error(`${table.name} has other rows than it had.`);
  }
  const bytes = Buffer.byteLength(identities.join(""));
  const content = hashed(one(identities), (facts) => {
    files[IDENTITIES] = facts;
  });
  yield { name: fileName(IDENTITIES), bytes, content };
  const text = Buffer.from(`${JSON.stringify(manifest(), null, 2)}\n`);
  yield { name: MANIFEST, bytes: text.length, content: one(text) };
}

async function* one<T>(value: T): AsyncGenerator<T> {
  yield value;
}

async function* hashed(
  lines: AsyncIterable<readonly string[]>,
  onEnd: (facts: FileFacts) => void,
  onRows: (count: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let [rows, bytes] = [0, 0];
  for await (const some of lines) {
    const text = Buffer.from(some.join(""));
    hash.update(text);
    rows += some.length;
    bytes += text.length;
    onRows(some.length);
    if (text.length > 0) yield text;
  }
  onEnd({ rows, bytes, sha256: hash.digest("hex") });
}
