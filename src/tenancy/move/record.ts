import { randomUUID } from "node:crypto";
import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import { takeHome } from "../create.js";
import type { Isolation, MOVE_STEPS } from "../directory/table.js";
import { inTransaction } from "../migrations/transaction.js";
import { noSuchTenant } from "../tenants/record.js";
import { MoveRefusedError, type Place, type Route } from "./route.js";

export type RecordedStep = (typeof MOVE_STEPS)[number];

/** A move as it is written down in the directory. */
export interface Recorded extends Route {
  readonly step: RecordedStep;
  /** Whether the old home has been kept for as long as it was to be. */
  readonly isDue: boolean;
}

const RECORDED = `
select m.id, m.tenant_id, t.slug, m.from_database, m.from_schema, m.from_isolation, m.to_database, m.to_schema,
  m.to_isolation, m.status, m.epoch, m.step, coalesce(m.kept_until <= clock_timestamp(), false) as is_due
from tenantry.moves m join tenantry.tenants t on t.id = m.tenant_id
where $1::uuid is null or m.tenant_id = $1 order by m.started_at`;

/** The moves that are written down, of a tenant or of all; the oldest first. */
export async function readMoves(desk: Lease, tenant: TenantId | null): Promise<Recorded[]> {
  return (await desk.run(RECORDED, [tenant])).map((row) => ({
    id: String(row.id),
    tenant: row.tenant_id as TenantId,
    slug: String(row.slug),
    from: placeOf(row.from_database, row.from_schema, row.from_isolation),
    to: placeOf(row.to_database, row.to_schema, row.to_isolation),
    status: row.status as Route["status"],
    epoch: Number(row.epoch),
    step: row.step as RecordedStep,
    isDue: row.is_due === true,
  }));
}

const placeOf = (database: unknown, schemaName: unknown, isolation: unknown): Place => ({
  database: String(database),
  schemaName: String(schemaName),
  isolation: isolation as Isolation,
});

/** Where the tenant is and what it is, as the directory says. */
export async function readTenant(desk: Lease, slug: string): Promise<Omit<Route, "id" | "to">> {
  const [row] = await desk.run(
    "select id, slug, database, schema_name, isolation, status, epoch from tenantry.tenants where slug = $1",
    [slug],
  );
  if (!row) throw await noSuchTenant(desk, slug);
  if (row.status !== "ACTIVE" && row.status !== "SUSPENDED")
    throw new MoveRefusedError(`The tenant ${slug} is ${String(row.status).toLowerCase()}, and cannot be moved.`);
  return {
    tenant: row.id as TenantId,
    slug,
    from: placeOf(row.database, row.schema_name, row.isolation),
    status: row.status,
    epoch: Number(row.epoch),
  };
}

/** Takes a home for the tenant, and writes down that it is to move there. */
export async function beginMove(
  desk: Lease,
  tenant: Omit<Route, "id" | "to">,
  to: Pick<Place, "database" | "isolation">,
  keepSeconds: number,
): Promise<Route> {
  return inTransaction(desk, async () => {
    const { database, schemaName } = await takeHome(desk, to.database, to.isolation);
    const route = { ...tenant, id: randomUUID(), to: { database, schemaName, isolation: to.isolation } };
    await desk.run(
      `insert into tenantry.moves (id, tenant_id, from_database, from_schema, from_isolation, to_database, to_schema,
         to_isolation, status, epoch, step, keep_seconds, started_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'COPYING', $11, clock_timestamp())`,
      [
        ...[route.id, route.tenant],
        ...[route.from.database, route.from.schemaName, route.from.isolation],
        ...[database, schemaName, to.isolation],
        ...[route.status, route.epoch, keepSeconds],
      ],
    );
    return route;
  });
}

export async function recordStep(desk: Lease, { id }: Route, step: Exclude<RecordedStep, "SWITCHED">): Promise<void> {
  await desk.run("update tenantry.moves set step = $2 where id = $1", [id, step]);
}

/**
 * From its return on, the new home is the tenant's: the record of the directory and the step of the move change together.
 * @throws MoveRefusedError when somebody else has changed the record meanwhile
 */
export async function switchHomes(desk: Lease, route: Route): Promise<void> {
  const { id, tenant, from, to, epoch, status } = route;
  await inTransaction(desk, async () => {
    const { count } = await desk.run(
      `update tenantry.tenants set database = $2, schema_name = $3, isolation = $4, epoch = epoch + 1
       where id = $1 and epoch = $5 and status = $6 and database = $7 and schema_name = $8`,
      [tenant, to.database, to.schemaName, to.isolation, epoch, status, from.database, from.schemaName],
    );
    if (count !== 1) throw changedMeanwhile(route);
    await desk.run(
      "update tenantry.homes set status = 'LEFT' where database = $1 and schema_name = $2 and isolation <> 'SHARED'",
      [from.database, from.schemaName],
    );
    await desk.run(
      `update tenantry.moves set step = 'SWITCHED', kept_until = clock_timestamp() + make_interval(secs => keep_seconds)
       where id = $1`,
      [id],
    );
  });
}

export const changedMeanwhile = ({ slug }: Route): Error =>
  new MoveRefusedError(`The tenant ${slug} was changed by somebody else during its move, so it stays where it is.`);

export async function forgetMove(desk: Lease, { id }: Route): Promise<void> {
  await desk.run("delete from tenantry.moves where id = $1", [id]);
}
