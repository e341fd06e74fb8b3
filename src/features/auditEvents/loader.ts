import { and, eq, sql } from "drizzle-orm";
import { placesNamed, TENANT, VISIBLE } from "../../graphql/given.js";
import { oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { AuditEventId, OrganizationId, UserId } from "../../ids.js";
import { arrayOf, texts, uuids } from "../../tenancy/arrays.js";
import { join } from "../audit/personal.js";
import { type AuditEventRow, auditEvents, auditValues } from "../audit/table.js";

/** Which events a list shows. */
export interface ShownEvents {
  readonly actions?: readonly string[] | null;
  readonly actorId: UserId | null;
  readonly targetType?: string;
  readonly targetId?: string;
  readonly from?: Date | null;
  readonly to?: Date | null;
}

const { id, at, action, actorId, targetType, targetId, organizationId, path } = auditEvents;

/** Where an event was written. Of what has no path, whoever may read all of the tenant's may read it. */
const PLACE = { id: organizationId, path: sql`coalesce(${path}, ${sql.placeholder("root")}::uuid[])` };

const AUDITED = placesNamed("audited");

const pages = pagesOf({
  table: auditEvents,
  orders: { NEWEST_FIRST: { at, id, descending: true } },
  where: (asked) => {
    const [from, to] = [asked.value("from"), asked.value("to")];
    return and(
      eq(auditEvents.tenantId, TENANT),
      sql`${organizationId} = ${asked.key}`,
      // An organization that was moved here brings no right to what was written where it stood before.
      AUDITED.has(PLACE),
      VISIBLE.has(PLACE),
      asked.isOneOf("actions", action),
      sql`coalesce(${actorId} = ${asked.value("actorId")}::uuid, true)`,
      sql`coalesce(${targetType} = ${asked.value("targetType")} and ${targetId} = ${asked.value("targetId")}::uuid, true)`,
      sql`${at} >= coalesce(${from}::timestamptz, '-infinity') and ${at} < coalesce(${to}::timestamptz, 'infinity')`,
    );
  },
  give: (values, scope) => {
    AUDITED.give(values, scope, scope.access.scope("audit:read"));
    VISIBLE.give(values, scope, scope.access.visibleScope());
    values.root = arrayOf([scope.root.id]);
  },
});

/** A page of what happened in an organization, newest first. */
export const auditEventsOf = (
  scope: Scope,
  organization: OrganizationId,
  page: Page,
  shown: ShownEvents,
): Promise<Placed<AuditEventRow>[]> =>
  pages(scope).load({ key: organization, page, order: "NEWEST_FIRST", filter: { ...shown } });

const rowsById = perSession((scope) =>
  oneBy<AuditEventId, AuditEventRow>(
    (event) => event.id,
    (ids) =>
      scope.session.db
        .select()
        .from(auditEvents)
        .where(and(eq(auditEvents.tenantId, scope.session.tenantId), sql`${id} = any(${uuids(ids)})`)),
  ),
);

/** The event of this id, if the viewer may read the audit where it was written; null otherwise. */
export async function findAuditEvent(scope: Scope, event: AuditEventId): Promise<AuditEventRow | null> {
  const found = await rowsById(scope).load(event);
  if (!found) return null;
  const { root } = scope;
  const place = { id: found.organizationId ?? root.id, path: found.path ?? [root.id] };
  return scope.access.sees(place) && scope.access.allows(place, "audit:read") ? found : null;
}

const valuesByCommitment = perSession(({ session: { db, tenantId } }) =>
  oneBy<string, { commitment: string; value: string }>(
    (row) => row.commitment,
    (commitments) =>
      db
        .select({ commitment: sql<string>`encode(${auditValues.commitment}, 'hex')`, value: auditValues.value })
        .from(auditValues)
        .where(
          and(
            eq(auditValues.tenantId, tenantId),
            sql`${auditValues.commitment} in (select decode(c, 'hex') from unnest(${texts(commitments)}) c)`,
          ),
        ),
  ),
);

/** From where an event was asked for; null where that is not known, and when whoever asked was erased. */
export async function addressOf(scope: Scope, { origin }: AuditEventRow): Promise<string | null> {
  const found = origin && (await valuesByCommitment(scope).load(origin.toString("hex")));
  return found ? (JSON.parse(found.value) as { address: string }).address : null;
}

/** What an event changed, with what stands apart; whether the viewer may know it is for the caller to judge. */
export async function changesOf(scope: Scope, { changes, commitment }: AuditEventRow) {
  if (!changes || !commitment) return changes;
  const found = await valuesByCommitment(scope).load(commitment.toString("hex"));
  return join(changes, found?.value ?? null);
}
