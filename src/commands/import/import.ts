import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { readSettings } from "../../config.js";
import { Importer, type ReadRow, type RowOutcome } from "../../features/imports/importRows.js";
import { RowRefused, readRow } from "../../features/imports/row.js";
import { TenantRecord } from "../../tenancy/directory/directory.js";
import type { Owners } from "../../tenancy/owners.js";
import { TenantSession } from "../../tenancy/session.js";
import { findTenant, getTenant, mustBeWhole, type Tenant, whileHolding } from "../../tenancy/tenants/record.js";
import { type FileRecord, recordsOf } from "../csv/read.js";
import { withOwnersOf } from "../database.js";
import { EXIT, UsageError } from "../explain.js";
import { progress } from "../progress.js";
import { say } from "../tenant/shown.js";

interface Options {
  readonly tenant: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** As many as are written in less time than a request of the tenant's waits for. */
const ROWS_AT_ONCE = 500;

/** `tenantry import`: people, organizations, memberships and roles of a file, into a tenant that is in use. */
export async function importCommand(file: string, { tenant: slug, dryRun = false, json }: Options): Promise<void> {
  const settings = readSettings(process.env);
  if (!(await stat(file).catch(() => null))?.isFile()) throw new UsageError(`<file> ${file} is not there.`);
  // Read through once before anything is done: a file that breaks off in the middle brings in nothing.
  let all = 0;
  for await (const _ of recordsOf(file)) all += 1;

  const came = { rows: 0, changed: 0, unchanged: 0, refused: 0 };
  const tell = (outcome: RowOutcome) => {
    const { line, did, refused } = outcome;
    came.rows += 1;
    came[refused !== null ? "refused" : did.length > 0 ? "changed" : "unchanged"] += 1;
    if (!dryRun && refused === null) return;
    say(json, [`line ${line}: ${refused === null ? did.join(", ") || "as it is" : `refused. ${refused}`}`], outcome);
  };
  const onRows = progress(dryRun ? "Rows looked at" : "Rows imported");
  await withOwnersOf(settings, async (owners) => {
    const { id } = await getTenant(await owners.main, slug);
    await whileHolding(await owners.main, id, async () => {
      const tenant = await findTenant(await owners.main, id);
      mustBeWhole(tenant, slug);
      await inSessions(owners, tenant, async (open) => {
        const importer = new Importer({ open, catalogue: settings.TENANTRY_PRODUCT, runId: randomUUID(), dryRun });
        for await (const rows of batches(file)) {
          for (const outcome of await importer.take(rows)) tell(outcome);
          onRows(came.rows, all);
        }
      });
    });
  });
  const verb = dryRun ? "would be" : "were";
  const kept = came.refused > 0 ? ` ${came.refused} ${verb} refused.` : "";
  const lines = [`${came.rows} rows: ${came.changed} ${verb} brought in, ${came.unchanged} are there already.${kept}`];
  say(json, lines, { tenant: slug, dryRun, ...came });
  if (came.refused > 0) process.exitCode = EXIT.partly;
}

async function* batches(file: string): AsyncGenerator<ReadRow[]> {
  let rows: ReadRow[] = [];
  for await (const record of recordsOf(file)) {
    rows.push(read(record));
    if (rows.length < ROWS_AT_ONCE) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

function read({ line, values }: FileRecord): ReadRow {
  try {
    return readRow(line, values);
  } catch (error) {
    if (!(error instanceof RowRefused)) throw error;
    return { line, refused: error.message };
  }
}

/** Sessions of the tenant, through the login that serves it: row security keeps everything else out. */
async function inSessions(
  owners: Owners,
  { id, slug, schemaName, database, epoch, createdAt }: Tenant,
  work: (open: () => Promise<TenantSession>) => Promise<void>,
): Promise<void> {
  const serve = owners.servingLeases(database, "tenantry import");
  const record = new TenantRecord(id, slug, { database, schemaName }, epoch, createdAt);
  try {
    await work(() => TenantSession.open(serve, record, "withdraw"));
  } finally {
    await serve.close();
  }
}
