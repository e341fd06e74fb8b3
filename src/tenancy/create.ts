import { and, eq, ne } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { refuseOn } from "../database/errors.js";
import type { Lease } from "../database/lease.js";
import { MAIN } from "../database/names.js";
import type { TenantId } from "../ids.js";
import type { Home } from "./directory/directory.js";
import { homes, type Isolation, identities, slugs, tenants } from "./directory/table.js";
import { home as homeRow } from "./home.js";
import { createHome, newSchemaName } from "./migrations/baseline.js";
import { quote } from "./migrations/logins.js";
import { inTransaction } from "./migrations/transaction.js";
import { ownVersion, remember } from "./migrations/versions.js";
import type { Owners } from "./owners.js";
import type { TenantDb } from "./session.js";
import { whileHolding } from "./tenants/record.js";

export interface NewTenant {
  readonly id: TenantId;
  readonly slug: string;
  readonly isolation: Isolation;
  /** What the settings call the database that it comes to. */
  readonly database: string;
  readonly createdAt: Date;
  /** Digests of the identities that may knock at it. */
  readonly identities: readonly Buffer[];
}

/** A home that somebody is to move into, and whether it was made for them. */
export interface Taken extends Home {
  readonly isolation: Isolation;
  readonly isNew: boolean;
}

const EPOCH = 1;

/**
 * Makes a tenant: the directory's record, its home, and what `fill` writes into it. In the directory's own database all of
 * it is one transaction. In another the record comes first, as `CREATING`, then the home in one transaction, and last the
 * record is opened: an interruption leaves a record that nobody can enter, and that says what there is to finish or remove.
 * `fill` has the home's tables before it as a session would; row security does not confine it, for it runs as their owner.
 * @throws SlugTakenError when somebody else has or had the slug
 * @throws HomeTakenError when the database is somebody else's
 * @throws Error when the database is not there
 */
export async function createTenant(
  owners: Owners,
  tenant: NewTenant,
  fill: (db: TenantDb) => Promise<void>,
): Promise<void> {
  const [main, place] = [await owners.main, await owners.of(tenant.database)];
  await whileHolding(main, tenant.id, async () => {
    if (tenant.database === MAIN) {
      await inTransaction(main, async () => {
        const taken = await writeRecord(main, tenant);
        if (await furnish(owners, place, tenant, taken, fill)) await remember(main, taken);
        await openRecord(main, tenant.id);
      });
      return;
    }
    const taken = await inTransaction(main, () => writeRecord(main, tenant));
    const isMade = await inTransaction(place, () => furnish(owners, place, tenant, taken, fill)).catch(
      async (error) => {
        // A session that was lost may have been so behind its commit, with all of the tenant in place. Only the record says where:
        // it stays for whoever finishes or removes what there is.
        if (!place.over) await forget(main, tenant.id, taken).catch(() => {});
        throw error;
      },
    );
    if (isMade) await remember(main, taken);
    await openRecord(main, tenant.id);
  });
}

/** Lets people into a tenant whose home is whole. */
export async function openRecord(main: Lease, id: TenantId, status: "ACTIVE" | "SUSPENDED" = "ACTIVE"): Promise<void> {
  await main.run("update tenantry.tenants set status = $2 where id = $1 and status = 'CREATING'", [id, status]);
}

/**
 * Writes the record of a tenant that nobody can enter yet, and takes a home for it, in the caller's transaction.
 * @throws SlugTakenError
 * @throws HomeTakenError
 */
export async function writeRecord(main: Lease, tenant: NewTenant): Promise<Taken> {
  const { id, slug, isolation, database, createdAt } = tenant;
  const taken = await takeHome(main, database, isolation);
  const { schemaName } = taken;
  const db = drizzle({ client: main.asClient() as never });
  const slugTaken = () => new SlugTakenError(slug);
  await refuseOn(
    { tenants_slug_key: slugTaken },
    db
      .insert(tenants)
      .values({ id, slug, isolation, database, schemaName, status: "CREATING", epoch: EPOCH, createdAt }),
  );
  await refuseOn({ slugs_pkey: slugTaken }, db.insert(slugs).values({ slug, tenantId: id }));
  if (tenant.identities.length > 0)
    await db.insert(identities).values(tenant.identities.map((digest) => ({ digest, tenantId: id })));
  return taken;
}

/** Another tenant has this slug, or had it. */
export class SlugTakenError extends Error {
  override readonly name = "SlugTakenError";
  constructor(slug: string) {
    super(`The slug ${slug} is, or was, another tenant's. Choose another one.`);
  }
}

/**
 * Takes a home of this kind for somebody, in the caller's transaction: the shared one, an empty one of the stock, or a new
 * one that is yet to be made.
 * @throws Error when a database of one's own is asked for and it has homes already, or it is somebody's own
 */
export async function takeHome(main: Lease, database: string, isolation: Isolation): Promise<Taken> {
  await lockHomes(main, database);
  const there = await main.run("select isolation, schema_name from tenantry.homes where database = $1", [database]);
  if (isolation === "DATABASE" ? there.length > 0 : there.some((one) => one.isolation === "DATABASE"))
    throw new HomeTakenError(database, isolation === "DATABASE");

  const shared = there.find((one) => one.isolation === "SHARED");
  if (isolation === "SHARED" && shared)
    return { database, schemaName: String(shared.schema_name), isolation, isNew: false };
  if (isolation === "SCHEMA") {
    const [ready] = await main.run(
      `update tenantry.homes set status = 'IN_USE' where (database, schema_name) = (
         select database, schema_name from tenantry.homes
         where database = $1 and isolation = 'SCHEMA' and status = 'READY' and lineage = $2
         limit 1 for update skip locked)
       returning schema_name`,
      [database, ownVersion().lineage],
    );
    if (ready) return { database, schemaName: String(ready.schema_name), isolation, isNew: false };
  }
  const schemaName = newSchemaName();
  const db = drizzle({ client: main.asClient() as never });
  await db.insert(homes).values({ database, schemaName, isolation, status: "IN_USE", createdAt: new Date() });
  return { database, schemaName, isolation, isNew: true };
}

/** Two at once must not both take a database for themselves, or make the shared home twice. Held to the transaction's end. */
export async function lockHomes(main: Lease, database: string): Promise<void> {
  await main.run("select pg_advisory_xact_lock(hashtextextended('tenantry homes ' || $1, 0))", [database]);
}

export class HomeTakenError extends Error {
  override readonly name = "HomeTakenError";
  constructor(database: string, wantsItAlone: boolean) {
    super(
      wantsItAlone
        ? `The database ${database} has tenants already, and one of its own must be empty. Name another.`
        : `The database ${database} is a tenant's own. Name another.`,
    );
  }
}

/**
 * Makes the home where it is not there yet, in the caller's transaction.
 * @returns whether it was made
 */
export async function ensureHome(
  owners: Owners,
  place: Lease,
  { database, schemaName, isolation }: Pick<Taken, "database" | "schemaName" | "isolation">,
): Promise<boolean> {
  // The first two tenants of a shared home may come at once.
  await place.run("select pg_advisory_xact_lock(hashtextextended($1, 0))", [schemaName]);
  const [there] = await place.run("select from pg_catalog.pg_namespace where nspname = $1", [schemaName]);
  if (!there) await createHome(place, schemaName, owners.names(database), isolation);
  return !there;
}

/** Makes the home where it is not there yet, which it tells, and what is the tenant's in it. */
async function furnish(
  owners: Owners,
  place: Lease,
  { id, createdAt }: NewTenant,
  taken: Taken,
  fill: (db: TenantDb) => Promise<void>,
): Promise<boolean> {
  const isMade = await ensureHome(owners, place, taken);
  await place.run("select set_config('search_path', $1, true)", [`${quote(taken.schemaName)}, pg_temp`]);
  const db: TenantDb = drizzle({ client: place.asClient() as never });
  await writeHomeRow(db, id, "ACTIVE", createdAt);
  await fill(db);
  return isMade;
}

/** Writes the row that makes this the tenant's home: the last thing that a home needs. */
export async function writeHomeRow(db: TenantDb, tenantId: TenantId, status: "ACTIVE" | "SUSPENDED", createdAt: Date) {
  await db.insert(homeRow).values({ tenantId, epoch: EPOCH, status, createdAt });
}

/** Takes back the record of a tenant whose home could not be made. A shared home stays: somebody else may be in it. */
async function forget(main: Lease, id: TenantId, { database, schemaName, isNew }: Taken): Promise<void> {
  const db = drizzle({ client: main.asClient() as never });
  const itsOwn = and(eq(homes.database, database), eq(homes.schemaName, schemaName), ne(homes.isolation, "SHARED"));
  await inTransaction(main, async () => {
    await db.delete(tenants).where(eq(tenants.id, id));
    if (isNew) await db.delete(homes).where(itsOwn);
    else await db.update(homes).set({ status: "READY" }).where(itsOwn);
  });
}
