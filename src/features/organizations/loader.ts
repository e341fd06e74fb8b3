import { and, asc, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Scope as Places } from "../../access/access.js";
import { manyBy, oneBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Page } from "../../graphql/page.js";
import { type Order, pagesOf } from "../../graphql/pages.js";
import type { OrganizationId } from "../../ids.js";
import { texts, uuids } from "../../tenancy/arrays.js";
import { type OrganizationRow, organizations } from "./table.js";

/** Organizations by name, then id. Ordered by bytes, so that every server agrees. */
export const BY_NAME: Order = { text: sql`${organizations.name} collate "C"`, id: organizations.id };
export const placeInList = (row: OrganizationRow): string[] => [row.name, row.id];

const visibleOnly = (scope: Scope) => (row: OrganizationRow | null) => (row && scope.access.sees(row) ? row : null);
const ofTenant = (scope: Scope) => eq(organizations.tenantId, scope.session.tenantId);

const rowsById = perSession((scope) =>
  oneBy<OrganizationId, OrganizationRow>(
    (row) => row.id,
    (ids) =>
      scope.session.db
        .select()
        .from(organizations)
        .where(and(ofTenant(scope), sql`${organizations.id} = any(${uuids(ids)})`)),
  ),
);

/** The organization of this id, if the viewer sees it; null otherwise. */
export const findOrganization = async (scope: Scope, id: OrganizationId): Promise<OrganizationRow | null> =>
  visibleOnly(scope)(await rowsById(scope).load(id));

/** Those of these organizations that the viewer sees, in the order asked. */
export async function findOrganizations(scope: Scope, ids: readonly OrganizationId[]): Promise<OrganizationRow[]> {
  const rows = await Promise.all(ids.map((id) => findOrganization(scope, id)));
  return rows.filter((row) => row !== null);
}

const rowsBySlug = perSession((scope) =>
  oneBy<string, OrganizationRow>(
    (row) => row.slug,
    (slugs) =>
      scope.session.db
        .select()
        .from(organizations)
        .where(and(ofTenant(scope), sql`${organizations.slug} = any(${texts(slugs)})`)),
  ),
);

export const findBySlug = async (scope: Scope, slug: string): Promise<OrganizationRow | null> =>
  visibleOnly(scope)(await rowsBySlug(scope).load(slug));

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

/** The organization of a row is in a scope. */
export function within({ exact, subtree, blocked }: Places): SQL {
  return sql`(${organizations.id} = any(${uuids([...exact, ...subtree])}) or ${organizations.path} && ${uuids(subtree)})
    and not (${organizations.id} = any(${uuids(blocked)}) or ${organizations.path} && ${uuids(blocked)})`;
}

/** Pages of organizations that the viewer sees, narrowed to a permission by the request's scope. */
const pages = perSession((scope) => {
  const visible = within(scope.access.visibleScope());
  return {
    all: pagesOf(scope.session.db, organizations, BY_NAME, ({ inScope }) =>
      and(ofTenant(scope), visible, inScope(organizations)),
    ),
    children: pagesOf(scope.session.db, organizations, BY_NAME, ({ key }) =>
      and(ofTenant(scope), sql`${organizations.parentId} = ${key}`, visible),
    ),
  };
});

/** A page of the visible children of an organization. */
export const childrenOf = (scope: Scope, parent: OrganizationId, page: Page): Promise<OrganizationRow[]> =>
  pages(scope).children.load({ key: parent, page });

/** A page of the organizations that the viewer sees; with a permission, of those in which they hold it as well. */
export const visibleOrganizations = (
  scope: Scope,
  page: Page,
  permission?: string | null,
): Promise<OrganizationRow[]> =>
  pages(scope).all.load({ page, scope: permission ? scope.access.scope(permission) : scope.access.visibleScope() });
