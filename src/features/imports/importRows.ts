import { and, eq, sql } from "drizzle-orm";
import type { Catalogue } from "../../access/catalogue.js";
import { untilItPasses } from "../../database/retry.js";
import { Deadline } from "../../graphql/context.js";
import { uuids } from "../../tenancy/arrays.js";
import type { TenantSession } from "../../tenancy/session.js";
import { recordOfOperator } from "../audit/record.js";
import { begunAnew, dropGrants } from "../memberships/anew.js";
import { grants, memberships } from "../memberships/table.js";
import { organizations, slugs } from "../organizations/table.js";
import { users } from "../users/table.js";
import { Batch } from "./batch.js";
import { planRow } from "./plan.js";
import { type ImportRow, RowRefused } from "./row.js";
import { ImportState, versionOf } from "./state.js";

/** What became of a row: what was done, or why nothing was. */
export interface RowOutcome {
  readonly line: number;
  /** `[]` where all was so already. */
  readonly did: readonly string[];
  readonly refused: string | null;
}

export interface Importing {
  /** Opens a session that may withdraw, of the tenant alone. Each batch has its own, and ends whole or not at all. */
  readonly open: () => Promise<TenantSession>;
  readonly catalogue: Catalogue;
  /** What the audit calls this run. */
  readonly runId: string;
  /** Plans everything, as if what was planned before had been done, and does nothing. */
  readonly dryRun: boolean;
}

/** How long a batch is tried. */
const LONGEST_MS = 60_000;

/** A row as it was read, or why it cannot be. */
export type ReadRow = ImportRow | { readonly line: number; readonly refused: string };

/**
 * Brings the rows of a file into a tenant, batch after batch. A row that is refused keeps no other out. Doing it again, after
 * it was interrupted or not, finds what is there already by external ids and does the rest.
 */
export class Importer {
  #state: ImportState | null = null;
  /** Of what the state says, as it was when the last batch was done. */
  #version = "";

  constructor(private readonly importing: Importing) {}

  /**
   * Brings in a batch; again, where PostgreSQL broke it off for another's sake.
   * @throws UnavailableError when that has not passed in a minute; nothing of the batch is done
   */
  async take(rows: readonly ReadRow[]): Promise<RowOutcome[]> {
    const deadline = new Deadline(LONGEST_MS, null);
    deadline.start();
    try {
      return await untilItPasses(deadline.signal, () => this.#takeOnce(rows));
    } finally {
      deadline.stop();
    }
  }

  async #takeOnce(rows: readonly ReadRow[]): Promise<RowOutcome[]> {
    const { open, catalogue, dryRun, runId } = this.importing;
    const session = await open();
    const { db, tenantId } = session;
    try {
      // Between two batches the tenant is in use: what was moved, taken or removed meanwhile must not come back by old paths.
      const isStale = !dryRun && this.#version !== (await versionOf(session));
      if (!this.#state || isStale) this.#state = await ImportState.read(db, tenantId, catalogue);
      const state = this.#state;
      await state.readBatch(
        db,
        tenantId,
        rows.flatMap((row) => ("refused" in row ? [] : row)),
      );
      const [clock] = await session.query("select clock_timestamp() as now", []);
      const now = new Date(clock!.now as string);
      const batch = new Batch();
      const outcomes = rows.map((row) => outcomeOf(row, () => planRow(state, batch, row as ImportRow, now)));
      if (!dryRun) {
        await write(session, batch, now);
        await recordOfOperator(db, tenantId, { id: runId, now }, batch.events);
        state.forgetBatch();
        this.#version = await versionOf(session);
      }
      await session.commit();
      return outcomes;
    } catch (error) {
      // What it says may have been planned and not done. That of a dry run, in which nothing is done, is not read twice.
      if (!dryRun) this.#state = null;
      await session.rollback();
      throw error;
    }
  }
}

function outcomeOf(row: ReadRow, plan: () => string[]): RowOutcome {
  if ("refused" in row) return { line: row.line, did: [], refused: row.refused };
  try {
    return { line: row.line, did: plan(), refused: null };
  } catch (error) {
    if (!(error instanceof RowRefused)) throw error;
    return { line: row.line, did: [], refused: error.message };
  }
}

/** PostgreSQL takes 65,535 values in one statement. */
const AT_ONCE = 2000;

async function inParts<T>(rows: readonly T[], write: (some: T[]) => PromiseLike<unknown>): Promise<void> {
  for (let from = 0; from < rows.length; from += AT_ONCE) await write(rows.slice(from, from + AT_ONCE));
}

/** In an order that every reference finds what it means: organizations, people, memberships, grants. */
async function write({ db, tenantId }: TenantSession, batch: Batch, now: Date): Promise<void> {
  const made = { tenantId, createdAt: now, updatedAt: now };
  await inParts(batch.organizations, async (some) => {
    await db.insert(organizations).values(some.map((row) => ({ ...row, ...made })));
    await db.insert(slugs).values(some.map(({ id, slug }) => ({ tenantId, slug, organizationId: id, createdAt: now })));
  });
  await inParts(batch.people, (some) => db.insert(users).values(some.map((row) => ({ ...row, ...made }))));
  await inParts(batch.memberships, (some) => db.insert(memberships).values(some.map((row) => ({ ...row, ...made }))));
  // What is given to those that begin anew comes after what they lose.
  if (batch.begunAnew.size > 0) await dropGrants(db, tenantId, [...batch.begunAnew]);
  await inParts(batch.grants, (some) =>
    db.insert(grants).values(some.map((row) => ({ ...row, tenantId, createdAt: now }))),
  );
  await end(db, tenantId, batch, now);
  await count(db, tenantId, batch);
  // Changes of what was there are few beside what is new, and each of its own kind.
  for (const { id, name } of batch.renamed)
    await db
      .update(organizations)
      .set({ name, updatedAt: now })
      .where(and(eq(organizations.tenantId, tenantId), eq(organizations.id, id)));
  for (const { id, externalId, email, displayName, hasNewEmail } of batch.changedPeople)
    await db
      .update(users)
      .set({ externalId, email, displayName, updatedAt: now, ...(hasNewEmail && { emailVerified: false }) })
      .where(and(eq(users.tenantId, tenantId), eq(users.id, id)));
}

/** Writes the new ends of grants and memberships, and that some of these have begun anew. */
async function end(
  db: TenantSession["db"],
  tenantId: TenantSession["tenantId"],
  batch: Batch,
  now: Date,
): Promise<void> {
  if (batch.grantEnds.size > 0)
    await db
      .update(grants)
      .set({ expiresAt: sql`changed.at` })
      .from(endsOf(batch.grantEnds))
      .where(and(eq(grants.tenantId, tenantId), sql`${grants.id} = changed.id`));
  if (batch.ends.size > 0)
    await db
      .update(memberships)
      .set({ expiresAt: sql`changed.at`, updatedAt: now })
      .from(endsOf(batch.ends))
      .where(and(eq(memberships.tenantId, tenantId), sql`${memberships.id} = changed.id`));
  if (batch.begunAnew.size > 0)
    await db
      .update(memberships)
      .set(begunAnew(now))
      .where(and(eq(memberships.tenantId, tenantId), sql`${memberships.id} = any(${uuids([...batch.begunAnew])})`));
}

function endsOf(ends: ReadonlyMap<string, Date | null>) {
  const rows = JSON.stringify([...ends].map(([id, at]) => ({ id, at })));
  return sql`jsonb_to_recordset(${rows}::text::jsonb) as changed(id uuid, at timestamptz)`;
}

/** Puts the new memberships on the counts of their organizations. */
async function count(db: TenantSession["db"], tenantId: TenantSession["tenantId"], batch: Batch): Promise<void> {
  const added = new Map<string, number>();
  for (const { organizationId } of batch.memberships) added.set(organizationId, (added.get(organizationId) ?? 0) + 1);
  if (added.size === 0) return;
  const rows = JSON.stringify([...added].map(([id, n]) => ({ id, n })));
  await db
    .update(organizations)
    .set({ memberCount: sql`${organizations.memberCount} + added.n` })
    .from(sql`jsonb_to_recordset(${rows}::text::jsonb) as added(id uuid, n int)`)
    .where(and(eq(organizations.tenantId, tenantId), sql`${organizations.id} = added.id`));
}
