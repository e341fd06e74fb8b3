import type { Context } from "../../graphql/context.js";
import { scopeOf } from "../../graphql/context.js";
import { newId, type OrganizationId, type TenantId } from "../../ids.js";
import type { TenantDb } from "../../tenancy/session.js";
import type { Action } from "./actions.js";
import { type Apart, part, setApart } from "./personal.js";

export interface Happened {
  readonly action: Action;
  readonly organizationId: OrganizationId;
  readonly targetType: string;
  readonly targetId: string;
  readonly changes?: Record<string, unknown>;
}

/** Writes down what the viewer did, in the transaction that does it: both are kept, or neither. Nobody waits for it but the commit. */
export function record(ctx: Context, ...happened: readonly Happened[]): void {
  const { session, viewer, now } = scopeOf(ctx);
  const by = { actorType: viewer.kind, actorId: viewer.id, at: now, requestId: ctx.requestId, origin: originOf(ctx) };
  for (const values of valuesOf(session.tenantId, by, happened)) session.write(RECORD, values);
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
  for (const values of valuesOf(tenantId, by, happened)) await db.$client.unsafe(RECORD, values);
}

interface By {
  readonly actorType: string;
  readonly actorId: string | null;
  readonly at: Date;
  readonly requestId: string;
  readonly origin: Apart | null;
}

const AT_ONCE = 1000;

/**
 * One statement for the events, that they wait for a seal, and what of them may be erased: from where it was asked stands there
 * once for each operation, unless whoever asks is nobody in the tenant, whom nobody could ever erase. An event in an organization that is not there has no path, and an action is no uuid, so that
 * PostgreSQL refuses the statement, and with it all that is to be kept beside it: remove an organization after writing it down.
 */
const RECORD = `
with happened as materialized (
  select * from json_to_recordset($2::text::json) as h(id uuid, action text, "organizationId" uuid,
    "targetType" text, "targetId" uuid, changes jsonb, commitment text, salt text, value text)
), waiting as (
  insert into audit_unsealed (tenant_id, event_id) select $1::uuid, id from happened
), apart as (
  insert into audit_values (tenant_id, commitment, subject_id, salt, value)
  select $1::uuid, decode(commitment, 'hex'), "targetId", decode(salt, 'hex'), value
  from happened where commitment is not null
), asker as materialized (
  select id from users where tenant_id = $1::uuid and id = $4::uuid
), origin as (
  insert into audit_values (tenant_id, commitment, subject_id, salt, value)
  select $1::uuid, decode(o.commitment, 'hex'), asker.id, decode(o.salt, 'hex'), o.value
  from asker, json_to_record($7::text::json) as o(commitment text, salt text, value text)
  where o.commitment is not null
  on conflict do nothing
)
insert into audit_events (tenant_id, id, at, action, actor_type, actor_id, organization_id, path, target_type, target_id,
  changes, commitment, request_id, origin)
select $1::uuid, h.id, $5::timestamptz, h.action, $3, $4::uuid,
  h."organizationId", coalesce(o.path, array[h.action]::uuid[]), h."targetType", h."targetId", h.changes,
  decode(h.commitment, 'hex'), $6, (select decode($8, 'hex') from asker)
from happened h
left join organizations o on o.tenant_id = $1::uuid and o.id = h."organizationId"`;

/** The values of `RECORD`, for so many at once that none of them grows without bound. */
function* valuesOf(tenantId: TenantId, by: By, happened: readonly Happened[]): Generator<(string | null)[]> {
  const { actorType, actorId, at, requestId, origin } = by;
  for (let from = 0; from < happened.length; from += AT_ONCE) {
    const rows = happened.slice(from, from + AT_ONCE).map((one) => ({
      id: newId(),
      ...one,
      ...(one.targetType === "User" && one.changes && part(one.changes)),
    }));
    yield [
      tenantId,
      JSON.stringify(rows),
      actorType,
      actorId,
      at.toISOString(),
      requestId,
      JSON.stringify(origin ?? {}),
      origin?.commitment ?? null,
    ];
  }
}
