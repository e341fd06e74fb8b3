import type { Context } from "../../graphql/context.js";
import { scopeOf } from "../../graphql/context.js";
import { newId, type OrganizationId } from "../../ids.js";
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
export async function record(ctx: Context, happened: Happened): Promise<void> {
  const { session, viewer, now } = scopeOf(ctx);
  await session.db.insert(auditEvents).values({
    tenantId: session.tenantId,
    id: newId(),
    at: now,
    actorType: viewer.kind,
    actorId: viewer.id,
    requestId: ctx.requestId,
    ...happened,
  });
}
