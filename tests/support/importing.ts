import { randomUUID } from "node:crypto";
import type { Leases } from "../../src/database/leases.js";
import { Importer, type RowOutcome } from "../../src/features/imports/importRows.js";
import { readRow } from "../../src/features/imports/row.js";
import { PRODUCT_FILE, readProduct } from "../../src/product.js";
import { TenantSession } from "../../src/tenancy/session.js";
import type { TestGateway } from "./gateway.js";
import { recordOf } from "./sessions.js";

/** A row as a file has it, by its columns. */
export type Line = Readonly<Record<string, string>>;

/** Starts a run of an import into a tenant. */
export async function importerOf(
  { database }: Pick<TestGateway, "database">,
  serve: Leases,
  slug: string,
  dryRun = false,
): Promise<Importer> {
  const record = await recordOf(database, slug);
  const open = () => TenantSession.open(serve, record, "withdraw");
  return new Importer({ open, catalogue: readProduct(PRODUCT_FILE), runId: randomUUID(), dryRun });
}

/** Brings in rows, in batches of this many, and answers for each what was done, or why it was refused. */
export async function bringIn(importer: Importer, lines: readonly Line[], atOnce = 500) {
  const outcomes: RowOutcome[] = [];
  for (let from = 0; from < lines.length; from += atOnce) {
    const some = lines.slice(from, from + atOnce);
    outcomes.push(...(await importer.take(some.map((line, n) => readRow(from + n + 2, line)))));
  }
  return outcomes.map(({ did, refused }) => refused ?? did);
}
