import { and, asc, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Scope as Places } from "../../access/access.js";
import { type Ahead, rowsAhead } from "../../graphql/ahead.js";
import { type ColumnsOf, columnsOf, forEach } from "../../graphql/columns.js";
import { partsOf, standsIn, TENANT } from "../../graphql/given.js";
import { manyBy, oneBy, perSession, type Soon } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import { isStorable } from "../../graphql/text.js";
import type { OrganizationId } from "../../ids.js";
import { anyOf, anyTextOf, arrayOf, texts, uuids } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { type OrganizationRow, organizations, slugs } from "./table.js";

const visibleOnly = (scope: Scope) => (row: OrganizationRow | null) => (row && scope.access.sees(row) ? row : null);
const ofTenant = (scope: Scope) => eq(organizations.tenantId, scope.session.tenantId);

/** What an operation asks for of organizations; where each stands, for the rules. */
export const organizationColumns = columnsOf(organizations, "Organization", ["id", "path"], {
  uuid: [],
  parent: ["parentId"],
  ancestors: [],
  isOpen: [],
  viewerCan: [],
  viewerPermissions: [],
  memberships: [],
  children: [],
  descendants: [],
  roles: [],
  grantableRoles: [],
});

const selectById = forEach((columns: ColumnsOf<typeof organizations>) =>
  statement((db) =>
    db
      .select(columns)
      .from(organizations)
      .where(and(eq(organizations.tenantId, TENANT), anyOf(organizations.id, "ids"))),
  ),
);

/** Organizations by id, visible or not, as far as the operation asks for them. */
export const organizationsAhead: Ahead<OrganizationRow> = {
  keyOf: ({ id }) => id as OrganizationId,
  send: (session, fields, ids) =>
    selectById(organizationColumns({ fields }))(session, { tenant: session.tenantId, ids: arrayOf(ids) }),
};

export const organizationsById = perSession((scope) =>
  oneBy<OrganizationId, OrganizationRow>(
    (row) => row.id,
    (ids) => rowsAhead(scope, organizationsAhead, ids),
  ),
);

/** The organization of this id, if the viewer sees it; null otherwise. */
export function findOrganization(scope: Scope, id: OrganizationId): Soon<OrganizationRow | null> {
  const row = organizationsById(scope).get(id);
  return row instanceof Promise ? row.then(visibleOnly(scope)) : visibleOnly(scope)(row);
}

/** Those of these organizations that the viewer sees, in the order asked. */
export async function findOrganizations(scope: Scope, ids: readonly OrganizationId[]): Promise<OrganizationRow[]> {
  const rows = await Promise.all(ids.map((id) => findOrganization(scope, id)));
  return rows.filter((row) => row !== null);
}

const selectBySlug = forEach((columns: ColumnsOf<typeof organizations>) =>
  statement((db) =>
    db
      .select({ asked: slugs.slug, row: columns })
      .from(slugs)
      .innerJoin(
        organizations,
        and(eq(organizations.tenantId, slugs.tenantId), eq(organizations.id, slugs.organizationId)),
      )
      .where(and(eq(slugs.tenantId, TENANT), anyTextOf(slugs.slug, "slugs"))),
  ),
);

interface FoundBySlug {
  readonly asked: string;
  readonly row: OrganizationRow;
}

/** The organizations of slugs, visible or not. */
export const slugsAhead: Ahead<FoundBySlug> = {
  keyOf: ({ by }) => {
    const { slug } = by as { readonly slug?: string | null };
    return slug != null && isStorable(slug) ? slug : null;
  },
  send: (session, fields, slugs) =>
    selectBySlug(organizationColumns({ fields }))(session, {
      tenant: session.tenantId,
      slugs: JSON.stringify(slugs),
    }),
};

const rowsBySlug = perSession((scope) =>
  oneBy<string, FoundBySlug>(
    ({ asked }) => asked,
    async (wanted) => {
      const found = await rowsAhead(scope, slugsAhead, wanted);
      // What is below it leads back to it, by its id.
      for (const { row } of found) organizationsById(scope).prime(row.id, row);
      return found;
    },
  ),
);

/** The organization that has this slug, or had it once, if the viewer sees it; null otherwise. */
export const findBySlug = async (scope: Scope, slug: string): Promise<OrganizationRow | null> =>
  visibleOnly(scope)((await rowsBySlug(scope).load(slug))?.row ?? null);

const rowsByExternalId = perSession((scope) =>
  manyBy<string, OrganizationRow>(
    (row) => row.externalId ?? "",
    (ids) =>
      scope.session.db
        .select()
        .from(organizations)
        .where(and(ofTenant(scope), sql`${organizations.externalId} = any(${texts(ids)})`))
        .orderBy(asc(organizations.id)),
  ),
);

/** The first made of those that have this id in the product's own system and that the viewer sees; null otherwise. */
export const findByExternalId = async (scope: Scope, id: string): Promise<OrganizationRow | null> =>
  (await rowsByExternalId(scope).load(id)).find((row) => scope.access.sees(row)) ?? null;

/** The tenant's root, visible or not: for the tenant's own name and picture, which everybody in it may know. */
export const rootOf = perSession((scope) =>
  oneBy<"root", OrganizationRow>(
    () => "root",
    () =>
      scope.session.db
        .select()
        .from(organizations)
        .where(and(ofTenant(scope), isNull(organizations.parentId))),
  ),
);

/** The organization of the row is in a scope. */
export function within(places: Places): SQL {
  const { reached, subtree, blocked } = partsOf(places);
  return standsIn(organizations, { reached: uuids(reached), subtree: uuids(subtree), blocked: uuids(blocked) });
}
