import { and, asc, eq, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import type { Catalogue } from "../../access/catalogue.js";
import { NOW, TENANT } from "../../graphql/given.js";
import { manyBy, oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { InvitationId, OrganizationId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { organizations } from "../organizations/table.js";
import { usableRoles } from "../roles/loader.js";
import { type Role, roleOf } from "../roles/role.js";
import { type InvitationRow, invitations, type OfferedGrantRow, offeredGrants } from "./table.js";

const { id, organizationId, status, expiresAt, createdAt } = invitations;

const rowsById = perSession((scope) =>
  oneBy(
    ({ invitation }: { invitation: InvitationRow; place: Place }) => invitation.id,
    (ids: readonly InvitationId[]) =>
      scope.session.db
        .select({ invitation: invitations, place: { id: organizations.id, path: organizations.path } })
        .from(invitations)
        .innerJoin(
          organizations,
          and(eq(organizations.tenantId, invitations.tenantId), eq(organizations.id, organizationId)),
        )
        .where(and(eq(invitations.tenantId, scope.session.tenantId), sql`${id} = any(${uuids(ids)})`)),
  ),
);

/** The invitation of this id, if its organization is visible and the viewer may invite there; null otherwise. */
export async function findInvitation(scope: Scope, wanted: InvitationId): Promise<InvitationRow | null> {
  const found = await rowsById(scope).load(wanted);
  if (!found || !scope.access.sees(found.place)) return null;
  return scope.access.allows(found.place, "members:invite") ? found.invitation : null;
}

const pages = pagesOf({
  table: invitations,
  orders: { NEWEST_FIRST: { at: createdAt, id, descending: true } },
  where: (asked) =>
    and(
      eq(invitations.tenantId, TENANT),
      sql`${organizationId} = ${asked.key}`,
      asked.isOneOf(
        "status",
        sql`(case when ${status} = 'OPEN' and ${expiresAt} <= ${NOW} then 'EXPIRED' else ${status} end)`,
      ),
    ),
});

/** A page of the invitations to an organization, newest first. */
export const invitationsOf = (
  scope: Scope,
  organization: OrganizationId,
  page: Page,
  shown: { readonly status?: readonly string[] | null | undefined },
): Promise<Placed<InvitationRow>[]> =>
  pages(scope).load({ key: organization, page, order: "NEWEST_FIRST", filter: { ...shown } });

const grantsOf = perSession((scope) =>
  manyBy<InvitationId, OfferedGrantRow>(
    (row) => row.invitationId,
    (ids) =>
      scope.session.db
        .select()
        .from(offeredGrants)
        .where(
          and(
            eq(offeredGrants.tenantId, scope.session.tenantId),
            sql`${offeredGrants.invitationId} = any(${uuids(ids)})`,
          ),
        )
        .orderBy(asc(offeredGrants.id)),
  ),
);

export interface OfferOfRole extends OfferedGrantRow {
  readonly role: Role;
}

/** What an invitation offers, of roles that are still usable in its organization, and whether that is all of it. */
export async function listOffers(
  scope: Scope,
  catalogue: Catalogue,
  invitation: InvitationId,
  place: Place,
): Promise<{ readonly offers: OfferOfRole[]; readonly isWhole: boolean }> {
  const [rows, usable] = await Promise.all([grantsOf(scope).load(invitation), usableRoles(scope, catalogue, place)]);
  const offers = rows.flatMap((row) => {
    const role = roleOf(usable, row);
    return role ? [{ ...row, role }] : [];
  });
  return { offers, isWhole: offers.length === rows.length };
}
