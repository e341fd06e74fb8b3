import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import type { Home } from "../directory/directory.js";
import type { Isolation } from "../directory/table.js";

/** A tenant as the directory has it. */
export interface Tenant extends Home {
  readonly id: TenantId;
  readonly slug: string;
  readonly status: "CREATING" | "ACTIVE" | "SUSPENDED" | "ERASING";
  readonly isolation: Isolation;
  readonly epoch: number;
  readonly createdAt: Date;
}

const COLUMNS = "t.id, t.slug, t.status, t.isolation, t.database, t.schema_name, t.epoch, t.created_at";
const NAMED_AT_MOST = 5;
const HELD = "hashtextextended('tenantry move ' || $1, 0)";

/** Every tenant, by slug. */
export async function listTenants(main: Lease): Promise<Tenant[]> {
  const rows = await main.run(`select ${COLUMNS} from tenantry.tenants t order by t.slug collate "C"`);
  return rows.map(toTenant);
}

/**
 * The tenant that has this slug now.
 * @throws NoSuchTenantError that says which there are, or what it is called by now
 */
export async function getTenant(main: Lease, slug: string): Promise<Tenant> {
  const [row] = await main.run(`select ${COLUMNS} from tenantry.tenants t where t.slug = $1`, [slug]);
  if (row) return toTenant(row);
  throw await noSuchTenant(main, slug);
}

/** What to say where nobody has this slug now. */
export async function noSuchTenant(main: Lease, slug: string): Promise<NoSuchTenantError> {
  const [renamed] = await main.run(
    "select t.slug from tenantry.slugs s join tenantry.tenants t on t.id = s.tenant_id where s.slug = $1",
    [slug],
  );
  if (renamed) return new NoSuchTenantError(`The tenant ${slug} is called ${renamed.slug} now.`);
  const [all] = await main.run("select count(*)::int as count from tenantry.tenants");
  const some = await main.run(`select slug from tenantry.tenants order by slug collate "C" limit ${NAMED_AT_MOST}`);
  const rest = Number(all!.count) - some.length;
  const named = some.map((one) => one.slug).join(", ");
  return new NoSuchTenantError(
    named === ""
      ? `There is no tenant ${slug}, nor any other: \`tenantry tenant create\` makes one.`
      : `There is no tenant ${slug}. There are: ${named}${rest > 0 ? ` and ${rest} more` : ""}.`,
  );
}

/** The tenant of this id as the directory has it now; null when it is gone. */
export async function findTenant(main: Lease, id: TenantId): Promise<Tenant | null> {
  const [row] = await main.run(`select ${COLUMNS} from tenantry.tenants t where t.id = $1`, [id]);
  return row ? toTenant(row) : null;
}

/**
 * Returns when something can be done with a tenant, and in its home.
 * @param called by whoever wants to
 * @throws TenantRefusedError when it is being made or erased, or is gone
 */
export function mustBeWhole(
  tenant: Tenant | null,
  called: string,
): asserts tenant is Tenant & { readonly status: "ACTIVE" | "SUSPENDED" } {
  if (tenant?.status !== "ACTIVE" && tenant?.status !== "SUSPENDED")
    throw new TenantRefusedError(`The tenant ${called} is being made or erased. \`tenantry doctor\` says what to do.`);
}

/** The row that a tenant's home has of it; null where there is none, or no home. */
export async function findHomeRow(place: Pick<Lease, "run">, { id, schemaName }: Pick<Tenant, "id" | "schemaName">) {
  if (!(await hasSchema(place, schemaName))) return null;
  const [row] = await place.run(`select epoch, status from "${schemaName}".tenant where tenant_id = $1`, [id]);
  return row ? { epoch: Number(row.epoch), status: row.status as "ACTIVE" | "SUSPENDED" | "FENCED" } : null;
}

export async function hasSchema(place: Pick<Lease, "run">, schemaName: string): Promise<boolean> {
  const [there] = await place.run("select from pg_catalog.pg_namespace where nspname = $1", [schemaName]);
  return there !== undefined;
}

/**
 * Runs `work` while nobody else creates, changes, moves or erases the tenant: in whatever process. The lock ends with the
 * connection, so a process that died holds nothing.
 * @throws TenantBusyError when somebody else is at it
 */
export async function whileHolding<T>(main: Lease, id: TenantId, work: () => Promise<T>): Promise<T> {
  if (!(await holdTenant(main, id))) throw new TenantBusyError();
  try {
    return await work();
  } finally {
    await main.run(`select pg_advisory_unlock(${HELD})`, [id]).catch(() => {});
  }
}

/** Holds the tenant for this connection, to its end; false when another one does. */
export async function holdTenant(main: Lease, id: TenantId): Promise<boolean> {
  const [row] = await main.run(`select pg_try_advisory_lock(${HELD}) as taken`, [id]);
  return row?.taken === true;
}

const toTenant = (row: Record<string, unknown>): Tenant => ({
  id: row.id as TenantId,
  slug: String(row.slug),
  status: row.status as Tenant["status"],
  isolation: row.isolation as Isolation,
  database: String(row.database),
  schemaName: String(row.schema_name),
  epoch: Number(row.epoch),
  createdAt: new Date(row.created_at as string),
});

/** Nobody has this slug. */
export class NoSuchTenantError extends Error {
  override readonly name = "NoSuchTenantError";
}

/** Somebody else is at this tenant at the moment. */
export class TenantBusyError extends Error {
  override readonly name = "TenantBusyError";
  constructor() {
    super("The tenant is being created, changed, moved or erased at this moment. Try again shortly.");
  }
}

/** What was asked for does not go with what the tenant is. */
export class TenantRefusedError extends Error {
  override readonly name = "TenantRefusedError";
}
