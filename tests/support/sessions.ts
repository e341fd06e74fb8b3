import { Leases } from "../../src/database/leases.js";
import { MAIN } from "../../src/database/names.js";
import { withOwner } from "../../src/database/owner.js";
import type { LeaseSettings } from "../../src/database/pooled.js";
import { newId } from "../../src/ids.js";
import { type TenantRecord, toRecord } from "../../src/tenancy/directory/directory.js";
import type { TenantSession } from "../../src/tenancy/session.js";
import { lockOf } from "../../src/tenancy/tenantLock.js";
import type { TestDatabase } from "./database.js";

/** A pool as the gateway has it, unless `settings` say otherwise. */
export function openLeases(
  url: string | Readonly<Record<string, string>>,
  settings: Partial<LeaseSettings> = {},
): Leases {
  const usual = {
    prepare: !process.env.TENANTRY_TEST_POOLER_PORT,
    connectTimeoutMs: 5000,
    size: 4,
    waitMs: 2000,
    maxAgeMs: 600_000,
  };
  return new Leases({
    ...usual,
    applicationName: "tenantry test",
    databases: typeof url === "string" ? { [MAIN]: url } : url,
    ...settings,
  });
}

/** The directory's record of a tenant, as the owner reads it. */
export async function recordOf(database: Pick<TestDatabase, "owner">, slug: string): Promise<TenantRecord> {
  const [row] = (await database.owner(
    "select id, slug, database, schema_name, epoch, created_at from tenantry.tenants where slug = $1",
    [slug],
  )) as [Record<string, unknown>];
  return toRecord(row);
}

/** Runs `work` while somebody else holds the tenant's lock, so that every change in it waits. */
export async function whileLocked<T>(database: TestDatabase, tenant: TenantRecord, work: () => Promise<T>): Promise<T> {
  return withOwner(database.url("tenantry_owner"), async (owner) => {
    await owner.run("select pg_advisory_lock($1::bigint)", [lockOf(tenant.id)]);
    return work();
  });
}

/** Writes one row of the tenant's own, and says which. */
export async function write(session: TenantSession, tenant = session.tenantId): Promise<string> {
  const id = newId<never>();
  await session.query(
    `insert into audit_events (tenant_id, id, at, action, actor_type, actor_id, organization_id, path, target_type, target_id, request_id)
     values ($1, $2, clock_timestamp(), 'test.written', 'USER', $2, $2, '{}', 'Test', $2, '')`,
    [tenant, id],
  );
  return id;
}

/** Which of the rows that `write` wrote are in the tenant's home for good. */
export async function written(database: Pick<TestDatabase, "owner">, tenant: TenantRecord): Promise<Set<string>> {
  const rows = await database.owner(
    `select id from ${tenant.home.schemaName}.audit_events where tenant_id = $1 and action = 'test.written'`,
    [tenant.id],
    tenant.home.database,
  );
  return new Set(rows.map(({ id }) => String(id)));
}

/** How many sessions of the serving login wait, work, or are idle in a transaction, by what they do. */
export async function activity(database: Pick<TestDatabase, "owner">, state: string): Promise<number> {
  const [row] = await database.owner(
    `select count(*) from pg_stat_activity
     where usename ~ '^tenantry_serve' and datname ~ ('^' || current_database() || '(_|$)') and $1 in (state, wait_event)`,
    [state],
  );
  return Number(row!.count);
}
