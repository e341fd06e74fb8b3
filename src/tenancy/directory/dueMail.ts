import type { Leases } from "../../database/leases.js";
import { once } from "../../database/once.js";
import type { TenantId } from "../../ids.js";
import { COLUMNS, type TenantRecord, toRecord } from "./directory.js";

const PUT = `insert into tenantry.due_mail (tenant_id, due_at)
    select t.id, clock_timestamp() + $2::float8 * interval '1 ms' from tenantry.tenants t where t.id = $1
  on conflict (tenant_id) do update set due_at = least(due_mail.due_at, excluded.due_at)`;
const TAKE = `with due as materialized (
    select tenant_id from tenantry.due_mail where due_at <= clock_timestamp() order by due_at limit 1 for update skip locked),
  taken as (delete from tenantry.due_mail d using due where d.tenant_id = due.tenant_id returning d.tenant_id)
  select ${COLUMNS}, t.status from taken join tenantry.tenants t on t.id = taken.tenant_id`;
const ALL = `insert into tenantry.due_mail (tenant_id, due_at) select t.id, clock_timestamp() from tenantry.tenants t where t.status = 'ACTIVE' order by t.id
  on conflict (tenant_id) do update set due_at = excluded.due_at where due_mail.due_at > excluded.due_at`;

/**
 * Which tenants have mail that may be due, so that nobody has to look into every home. It is a hint: the outboxes decide, and
 * whatever is lost here is found again when all are looked into.
 */
export class DueMail {
  constructor(private readonly door: Leases) {}

  /** Says that there is something in a tenant's outbox; to be called after the commit. */
  async announce(tenantId: TenantId): Promise<void> {
    await once(this.door, PUT, [tenantId, 0]);
  }

  /** Says in how long there will be something due again. What is due now is so from now on, and comes after what others wait for. */
  async putBack(tenantId: TenantId, inMs: number): Promise<void> {
    await once(this.door, PUT, [tenantId, inMs]);
  }

  /**
   * Takes the tenant whose mail has been due for longest; nobody else is given it meanwhile.
   * @returns null when there is none; a tenant of null for one that nobody may look into, until it is in use again
   */
  async take(): Promise<{ readonly tenant: TenantRecord | null } | null> {
    const [row] = await once(this.door, TAKE);
    return row ? { tenant: row.status === "ACTIVE" ? toRecord(row) : null } : null;
  }

  /** Has the outboxes of all tenants looked into. */
  async takeNothingForGranted(): Promise<void> {
    await once(this.door, ALL);
  }
}
