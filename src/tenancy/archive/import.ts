import { sqlState } from "../../database/errors.js";
import { ensureHome, openRecord, writeHomeRow, writeRecord } from "../create.js";
import { TenantRecord } from "../directory/directory.js";
import type { Isolation } from "../directory/table.js";
import { readTables, type Table } from "../homeTables.js";
import { inTransaction } from "../migrations/transaction.js";
import type { Owners } from "../owners.js";
import { TenantSession } from "../session.js";
import { eraseTenant } from "../tenants/erase.js";
import { inHome } from "../tenants/inHome.js";
import { findTenant, type Tenant, TenantRefusedError, whileHolding } from "../tenants/record.js";
import { ArchiveRefusedError, fileName, IDENTITIES, MANIFEST, type Manifest } from "./manifest.js";
import { entriesIn, linesIn } from "./read.js";
import { factsOf, linesOf, type Run, settleTexts } from "./rows.js";

export interface Destination {
  readonly slug: string;
  readonly isolation: Isolation;
  readonly database: string;
}

/**
 * Makes a tenant from an archive that was checked, with the ids that it had. Its rows are written by the serving login in a
 * session of that tenant, so that row security refuses what is another's, whatever the archive says; then they are read
 * again, and must come to the checksums of the manifest. The home row is written last: until then nobody gets in, and an
 * interrupted import is removed by `doctor`.
 * @throws ArchiveRefusedError when a row is another tenant's, or is not one that a tenant can have
 * @throws TenantRefusedError when the tenant is here already
 */
export async function importTenant(
  owners: Owners,
  path: string,
  manifest: Manifest,
  { slug, isolation, database }: Destination,
  onRows: (done: number, of: number) => void = () => {},
): Promise<Tenant> {
  const { id, status } = manifest.tenant;
  const createdAt = new Date(manifest.tenant.createdAt);
  const [main, place] = [await owners.main, await owners.of(database)];
  await whileHolding(main, id, async () => {
    const there = await findTenant(main, id);
    if (there)
      throw new TenantRefusedError(
        `The tenant of this archive is here already, as ${there.slug}. Erase that one first.`,
      );
    const home = await inTransaction(main, () =>
      writeRecord(main, { id, slug, isolation, database, createdAt, identities: [] }),
    );
    try {
      await inTransaction(place, () => ensureHome(owners, place, home));
      const tables = await readTables(place, home.schemaName);
      await fill(owners, new TenantRecord(id, slug, home, 1, createdAt), path, manifest, tables, onRows);
      await inHome(place, { id, schemaName: home.schemaName }, (db) => writeHomeRow(db, id, status, createdAt));
      await openRecord(main, id, status);
    } catch (error) {
      const begun = await findTenant(main, id);
      if (begun) await eraseTenant(owners, begun);
      throw error;
    }
  });
  return (await findTenant(main, id))!;
}

async function fill(
  owners: Owners,
  tenant: TenantRecord,
  path: string,
  manifest: Manifest,
  tables: readonly Table[],
  onRows: (done: number, of: number) => void,
): Promise<void> {
  const { database } = tenant.home;
  const serve = owners.servingLeases(database, "tenantry import");
  const session = await TenantSession.open(serve, tenant, "change");
  const run: Run = (text, params = []) => session.query(text, params);
  let reading = "";
  try {
    await settleTexts(run);
    const all = Object.values(manifest.files).reduce((sum, { rows }) => sum + rows, 0);
    let done = 0;
    for await (const { name, content } of entriesIn(path)) {
      if (name === MANIFEST) continue;
      reading = name;
      const table = tables.find((one) => fileName(one.name) === name);
      if (!table && name !== fileName(IDENTITIES))
        throw new ArchiveRefusedError(`The archive holds ${name}, and a home has no such table.`);
      for await (const lines of linesIn(content)) {
        if (table) await run(insertOf(table), [`[${lines.join()}]`]);
        else await admit(owners, tenant, lines);
        done += lines.length;
        onRows(done, all);
      }
    }
    for (const table of tables) {
      const [said, found] = [manifest.files[table.name], await factsOf(linesOf(run, tenant.id, table))];
      if (found.sha256 !== said?.sha256)
        throw new ArchiveRefusedError(
          `What was written to ${table.name} is not what the archive holds. Nothing of it was kept.`,
        );
    }
    await session.commit();
  } catch (error) {
    await session.rollback();
    throw refusalOf(error, reading) ?? error;
  } finally {
    await serve.close();
  }
}

const insertOf = ({ name }: Table): string =>
  `insert into "${name}" select * from json_populate_recordset(null::"${name}", $1::text::json)`;

/** The directory is the owner's to write; the record is invisible until it is opened. */
async function admit(owners: Owners, { id }: TenantRecord, lines: readonly string[]): Promise<void> {
  await (await owners.main).run(
    `insert into tenantry.identities (digest, tenant_id)
     select decode(one->>'digest', 'hex'), $1 from json_array_elements($2::text::json) one`,
    [id, `[${lines.join()}]`],
  );
}

/** Data that does not fit, rows that break a rule, and rows that row security keeps out. */
function refusalOf(error: unknown, file: string): Error | null {
  const state = sqlState(error) ?? "";
  if (state === "42501")
    return new ArchiveRefusedError(`${file} holds a row of another tenant. Nothing of the archive was kept.`, {
      cause: error,
    });
  if (!/^2[23]/.test(state)) return null;
  return new ArchiveRefusedError(`${file} holds what a tenant cannot have. Nothing of the archive was kept.`, {
    cause: error,
  });
}
