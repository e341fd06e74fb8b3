import { and, eq, sql } from "drizzle-orm";
import { TENANT, VISIBLE } from "../../graphql/given.js";
import type { Scope } from "../../graphql/operation.js";
import type { Asked } from "../../graphql/order.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { OrganizationId } from "../../ids.js";
import { organizationColumns } from "./loader.js";
import { type OrganizationRow, organizations } from "./table.js";

const { id, name, createdAt, path, parentId, slug, status } = organizations;

const ORDERS = {
  NAME_ASC: { text: name, id },
  NAME_DESC: { text: name, id, descending: true },
  CREATED_AT_ASC: { at: createdAt, id },
  CREATED_AT_DESC: { at: createdAt, id, descending: true },
};
export type OrderBy = keyof typeof ORDERS;

/** Which of its organizations a list shows. */
export interface Shown {
  readonly pattern?: string | null;
  readonly parentId?: OrganizationId | null;
  readonly status?: readonly string[] | null;
  readonly isOpen?: boolean | null;
  /** Permissions of which the viewer holds each. */
  readonly permissions?: readonly string[];
}

export interface Wanted {
  readonly page: Page;
  readonly orderBy: OrderBy;
  readonly shown: Shown;
}

/** What `Access.isOpen` says, of a row. */
const IS_OPEN = sql`not exists (
  select from ${organizations} shut
  where shut.tenant_id = ${TENANT} and shut.id = any(${path} || ${id}) and shut.status <> 'ACTIVE')`;

const isOpenAs = ({ isGiven, value }: Asked) =>
  isGiven("isOpen") ? sql`(${value("isOpen")} is null or ${value("isOpen")}::boolean = (${IS_OPEN}))` : undefined;

type Pages = Promise<Placed<OrganizationRow>[]>;

const list = (where: (asked: Asked) => ReturnType<typeof and>, seen?: typeof VISIBLE) =>
  pagesOf({
    ...(seen && { seen }),
    table: organizations,
    orders: ORDERS,
    columns: organizationColumns,
    where: (asked) =>
      and(
        eq(organizations.tenantId, TENANT),
        VISIBLE.has(organizations),
        asked.inScope(organizations),
        asked.matches("pattern", name, slug),
        asked.isOneOf("status", status),
        isOpenAs(asked),
        where(asked),
      ),
    give: (values, scope) => VISIBLE.give(values, scope, scope.access.visibleScope()),
  });

const allPages = list(() => undefined, VISIBLE);

// Who may not see the organization above may not learn what is below it either; the path ends there.
const pagesOfChildren = list((asked) => and(sql`${parentId} = ${asked.key}`, VISIBLE.has({ id: parentId, path })));

const pagesOfDescendants = list((asked) =>
  and(
    sql`${asked.key} = any(${path})`,
    sql`(${asked.value("levels")} is null
      or cardinality(${path}) - array_position(${path}, ${asked.key}) < ${asked.value("levels")}::int)`,
  ),
);

const request = (scope: Scope, { page, orderBy, shown: { pattern, status, isOpen, permissions = [] } }: Wanted) => {
  const [first, ...more] = permissions;
  return {
    page,
    order: orderBy,
    filter: { pattern, status, isOpen },
    scope: first === undefined ? scope.access.visibleScope() : scope.access.scope(first, ...more),
  };
};

/** A page of the organizations that the viewer sees. */
export const visibleOrganizations = (scope: Scope, wanted: Wanted): Pages =>
  wanted.shown.parentId
    ? childrenOf(scope, wanted.shown.parentId, wanted)
    : allPages(scope).load(request(scope, wanted));

/** A page of the visible children of an organization. */
export const childrenOf = async (scope: Scope, parent: OrganizationId, wanted: Wanted): Pages =>
  (wanted.shown.parentId ?? parent) === parent
    ? pagesOfChildren(scope).load({ key: parent, ...request(scope, wanted) })
    : [];

/** A page of the visible organizations below another, by name; no further down than so many levels, where that is given. */
export const descendantsOf = (scope: Scope, top: OrganizationId, page: Page, levels: number | null): Pages => {
  const wanted = request(scope, { page, orderBy: "NAME_ASC", shown: {} });
  return pagesOfDescendants(scope).load({ key: top, ...wanted, filter: { levels } });
};
