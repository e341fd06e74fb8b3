import type { Lease, Result } from "../../database/lease.js";
import type { Leases } from "../../database/leases.js";
import { once } from "../../database/once.js";
import type { TenantId } from "../../ids.js";
import { type TenantRecord, toRecord } from "./directory.js";

/** How far the audit of a tenant was sealed, as it is known outside of the tenant. */
export interface Witness {
  readonly number: number;
  /** In hexadecimal. */
  readonly mac: string;
}

const COLUMNS = "id, slug, database, schema_name, epoch, created_at";
const WITNESS = "select number, encode(mac, 'hex') as mac from tenantry.audit_witnesses where tenant_id = $1";
const WHOLE = "status in ('ACTIVE', 'SUSPENDED')";

/** These tenants, and those whose ids come next after `after`: whoever goes through all of them begins again after the last. */
export async function tenantsToVisit(
  door: Leases,
  ids: readonly TenantId[],
  after: TenantId | null,
  next: number,
): Promise<{ readonly named: TenantRecord[]; readonly next: TenantRecord[] }> {
  const lease = await door.acquire("");
  try {
    const [named, following] = await Promise.all([
      lease.run(
        `select ${COLUMNS} from tenantry.tenants where ${WHOLE} and id = any (string_to_array($1, ',')::uuid[])`,
        [ids.join()],
      ),
      lease.run(
        `select ${COLUMNS} from tenantry.tenants where ${WHOLE} and ($1::uuid is null or id > $1::uuid) order by id limit $2`,
        [after, next],
      ),
    ]);
    return { named: named.map(toRecord), next: following.map(toRecord) };
  } finally {
    lease.release();
  }
}

/**
 * Notes how far the audit of a tenant was sealed. What stands there never goes back.
 * @param known what stood there, which this one was held against; null for nothing
 * @returns whether it was noted: not so where something else stands there by now, or the tenant is gone
 */
export async function noteWitness(
  door: Leases,
  tenant: TenantId,
  { number, mac }: Witness,
  known: Witness | null,
): Promise<boolean> {
  const noted = await once(
    door,
    `insert into tenantry.audit_witnesses as w (tenant_id, number, mac, witnessed_at)
     select id, $2, decode($3, 'hex'), clock_timestamp() from tenantry.tenants where id = $1
     on conflict (tenant_id) do update set number = excluded.number, mac = excluded.mac, witnessed_at = excluded.witnessed_at
       where w.number < excluded.number and w.number = $4::int and w.mac = decode($5::text, 'hex')
     returning tenant_id`,
    [tenant, number, mac, known?.number ?? null, known?.mac ?? null],
  );
  return noted.length > 0;
}

/** Lets what is known of a tenant's audit be learnt anew. */
export const forgetWitness = async (main: Lease, tenant: TenantId): Promise<void> =>
  void (await main.run("delete from tenantry.audit_witnesses where tenant_id = $1", [tenant]));

/** Null where nothing was sealed yet. */
export async function findWitness(main: Lease, tenant: TenantId): Promise<Witness | null> {
  return witnessIn(await main.run(WITNESS, [tenant]));
}

/** The same for the process that serves. */
export const lookUpWitness = async (door: Leases, tenant: TenantId): Promise<Witness | null> =>
  witnessIn(await once(door, WITNESS, [tenant]));

const witnessIn = ([row]: Result): Witness | null =>
  row ? { number: Number(row.number), mac: String(row.mac) } : null;
