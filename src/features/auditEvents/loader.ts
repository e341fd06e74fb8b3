import { and, eq, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { AuditEventId, OrganizationId, UserId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { type AuditEventRow, auditEvents } from "../audit/table.js";
import { organizations } from "../organizations/table.js";

/** Which events a list shows. */
export interface ShownEvents {
  readonly actions?: readonly string[] | null;
  readonly actorId: UserId | null;
  readonly targetType?: string;
  readonly targetId?: string;
  readonly from?: Date | null;
  readonly to?: Date | null;
}

const { id, at, action, actorId, targetType, targetId, organizationId } = auditEvents;

const pages = perSession((scope) =>
  pagesOf(scope.session.db, {
    table: auditEvents,
    orders: { NEWEST_FIRST: { at, id, descending: true } },
    where: (asked) => {
      const [from, to] = [asked.value("from"), asked.value("to")];
      return and(
        eq(auditEvents.tenantId, scope.session.tenantId),
        sql`${organizationId} = ${asked.key}`,
        asked.isOneOf("actions", action),
        sql`coalesce(${actorId} = ${asked.value("actorId")}::uuid, true)`,
        sql`coalesce(${targetType} = ${asked.value("targetType")} and ${targetId} = ${asked.value("targetId")}::uuid, true)`,
        sql`${at} >= coalesce(${from}::timestamptz, '-infinity') and ${at} < coalesce(${to}::timestamptz, 'infinity')`,
      );
    },
  }),
);

/** A page of what happened in an organization, newest first. */
export const auditEventsOf = (
  scope: Scope,
  organization: OrganizationId,
  page: Page,
  shown: ShownEvents,
): Promise<Placed<AuditEventRow>[]> =>
  pages(scope).load({ key: organization, page, order: "NEWEST_FIRST", filter: { ...shown } });

/** Each event with the place of its organization, so that a hidden one costs no more statements than a missing one. */
const rowsById = perSession((scope) =>
  oneBy(
    ({ event }: { event: AuditEventRow; place: Place | null }) => event.id,
    (ids: readonly AuditEventId[]) =>
      scope.session.db
        .select({ event: auditEvents, place: { id: organizations.id, path: organizations.path } })
        .from(auditEvents)
        .leftJoin(
          organizations,
          and(eq(organizations.tenantId, auditEvents.tenantId), eq(organizations.id, auditEvents.organizationId)),
        )
        .where(and(eq(auditEvents.tenantId, scope.session.tenantId), sql`${id} = any(${uuids(ids)})`)),
  ),
);

/** The event of this id, if the viewer may read the audit of its organization; null otherwise. */
export async function findAuditEvent(scope: Scope, event: AuditEventId): Promise<AuditEventRow | null> {
  const found = await rowsById(scope).load(event);
  if (!found?.place || !scope.access.sees(found.place)) return null;
  return scope.access.allows(found.place, "audit:read") ? found.event : null;
}
