import { sql } from "drizzle-orm";
import type { Result } from "../../database/lease.js";
import type { Context } from "../../graphql/context.js";
import { scopeOf } from "../../graphql/context.js";
import { newId, type OrganizationId, type TenantId } from "../../ids.js";
import type { TenantDb } from "../../tenancy/session.js";
import { type Apart, part, setApart } from "./personal.js";

export interface Happened {
  /** `noun.verb`, past: `organization.created`. */
  readonly action: string;
  readonly organizationId: OrganizationId;
  readonly targetType: string;
  readonly targetId: string;
  readonly changes?: Record<string, unknown>;
}

/** Writes down what the viewer did, in the transaction that does it: both are kept, or neither. */
export async function record(ctx: Context, ...happened: readonly Happened[]): Promise<void> {
  const { session, viewer, now } = scopeOf(ctx);
  const by = { actorType: viewer.kind, actorId: viewer.id, at: now, requestId: ctx.requestId, origin: originOf(ctx) };
  await writeAll(session.db, session.tenantId, by, happened);
}

const origins = new WeakMap<Context, Apart>();

/** From where it is asked, set apart once for all that an operation does. */
function originOf(ctx: Context): Apart | null {
  const { address } = ctx;
  if (address === null) return null;
  const origin = origins.get(ctx) ?? setApart({ address });
  origins.set(ctx, origin);
  return origin;
}

/** By whom what the operator did was done: a run of a command, at an instant of the database's. */
export interface Run {
  readonly id: string;
  readonly now: Date;
}

/** Writes down what whoever runs the service did to a tenant by a command, in the transaction that does it. */
export async function recordOfOperator(
  db: TenantDb,
  tenantId: TenantId,
  run: Run,
  happened: readonly Happened[],
): Promise<void> {
  const by = { actorType: "OPERATOR", actorId: null, at: run.now, requestId: run.id, origin: null };
  await writeAll(db, tenantId, by, happened);
}

interface By {
  readonly actorType: string;
  readonly actorId: string | null;
  readonly at: Date;
  readonly requestId: string;
  readonly origin: Apart | null;
}

/** So many at once that no statement grows without bound. */
const AT_ONCE = 1000;

async function writeAll(db: TenantDb, tenantId: TenantId, by: By, happened: readonly Happened[]): Promise<void> {
  for (let from = 0; from < happened.length; from += AT_ONCE)
    await write(db, tenantId, by, happened.slice(from, from + AT_ONCE));
}

/**
 * One statement for the events, that they wait for a seal, and what of them may be erased: from where it was asked stands there
 * once for each operation.
 * @throws Error where an organization is not there, and so has no path: remove one after writing it down
 */
async function write(db: TenantDb, tenantId: TenantId, by: By, happened: readonly Happened[]): Promise<void> {
  const rows = happened.map((one) => ({
    id: newId(),
    ...one,
    ...(one.targetType === "User" && one.changes && part(one.changes)),
  }));
  const written = (await db.execute(sql`
    with happened as materialized (
      select * from json_to_recordset(${JSON.stringify(rows)}::text::json) as h(id uuid, action text, "organizationId" uuid,
        "targetType" text, "targetId" uuid, changes jsonb, commitment text, salt text, value text)
    ), waiting as (
      insert into audit_unsealed (tenant_id, event_id) select ${tenantId}::uuid, id from happened
    ), apart as (
      insert into audit_values (tenant_id, commitment, subject_id, salt, value)
      select ${tenantId}::uuid, decode(commitment, 'hex'), "targetId", decode(salt, 'hex'), value
      from happened where commitment is not null
    ), origin as (
      insert into audit_values (tenant_id, commitment, subject_id, salt, value)
      select ${tenantId}::uuid, decode(o.commitment, 'hex'), ${by.actorId}::uuid, decode(o.salt, 'hex'), o.value
      from json_to_record(${JSON.stringify(by.origin ?? {})}::text::json) as o(commitment text, salt text, value text)
      where o.commitment is not null
      on conflict do nothing
    )
    insert into audit_events (tenant_id, id, at, action, actor_type, actor_id, organization_id, path, target_type, target_id,
      changes, commitment, request_id, origin)
    select ${tenantId}::uuid, h.id, ${by.at.toISOString()}::timestamptz, h.action, ${by.actorType}, ${by.actorId}::uuid,
      h."organizationId", o.path, h."targetType", h."targetId", h.changes, decode(h.commitment, 'hex'), ${by.requestId},
      decode(${by.origin?.commitment ?? null}, 'hex')
    from happened h
    join organizations o on o.tenant_id = ${tenantId}::uuid and o.id = h."organizationId"`)) as unknown as Result;
  // By the tag of the statement: to return a row is to read it, and that is no part of writing it down.
  if (written.count < rows.length) throw new Error("What happened in an organization that is gone cannot be placed.");
}
