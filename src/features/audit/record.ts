import type { Context } from "../../graphql/context.js";
import { scopeOf } from "../../graphql/context.js";
import { type AuditEventId, newId, type OrganizationId, type TenantId } from "../../ids.js";
import type { TenantDb } from "../../tenancy/session.js";
import { auditEvents } from "./table.js";

export interface Happened {
  /** `noun.verb`, past: `organization.created`. */
  readonly action: string;
  readonly organizationId: OrganizationId | null;
  readonly targetType: string;
  readonly targetId: string;
  readonly changes?: Record<string, unknown>;
}

/** Writes down what the viewer did, in the transaction that does it: both are kept, or neither. */
export const record = (ctx: Context, happened: Happened): Promise<void> => recordAll(ctx, [happened]);

/** The same of many things that are done at once. */
export async function recordAll(ctx: Context, happened: readonly Happened[]): Promise<void> {
  if (happened.length === 0) return;
  const { session, viewer, now } = scopeOf(ctx);
  const own = { tenantId: session.tenantId, at: now, actorType: viewer.kind, actorId: viewer.id };
  const rows = happened.map((one) => ({ ...own, id: newId<AuditEventId>(), requestId: ctx.requestId, ...one }));
  await session.db.insert(auditEvents).values(rows);
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
  // PostgreSQL takes 65,535 values in one statement.
  for (let from = 0; from < happened.length; from += 1000) {
    const rows = happened.slice(from, from + 1000).map((one) => ({
      tenantId,
      id: newId<AuditEventId>(),
      at: run.now,
      actorType: "OPERATOR" as const,
      actorId: null,
      requestId: run.id,
      ...one,
    }));
    await db.insert(auditEvents).values(rows);
  }
}
