import { and, eq, sql } from "drizzle-orm";
import { perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { Asked } from "../../graphql/order.js";
import type { Page, Placed } from "../../graphql/page.js";
import { pagesOf } from "../../graphql/pages.js";
import type { OrganizationId } from "../../ids.js";
import { within } from "./loader.js";
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
  /** Permissions of which the viewer holds each. */
  readonly permissions?: readonly string[];
}

export interface Wanted {
  readonly page: Page;
  readonly orderBy: OrderBy;
  readonly shown: Shown;
}

type Pages = Promise<Placed<OrganizationRow>[]>;

const pages = perSession((scope) => {
  const visible = scope.access.visibleScope();
  const shown = (asked: Asked) =>
    and(
      eq(organizations.tenantId, scope.session.tenantId),
      within(visible),
      asked.inScope(organizations),
      asked.matches("pattern", name, slug),
      asked.isOneOf("status", status),
    );
  const list = (where: (asked: Asked) => ReturnType<typeof and>) =>
    pagesOf(scope.session.db, { table: organizations, orders: ORDERS, where });
  return {
    all: list(shown),
    // Who may not see the organization above may not learn what is below it either; the path ends there.
    children: list((asked) =>
      and(sql`${parentId} = ${asked.key}`, within(visible, { id: parentId, path }), shown(asked)),
    ),
    descendants: list((asked) =>
      and(
        sql`${asked.key} = any(${path})`,
        sql`(${asked.value("levels")} is null
          or cardinality(${path}) - array_position(${path}, ${asked.key}) < ${asked.value("levels")}::int)`,
        shown(asked),
      ),
    ),
  };
});

const request = (scope: Scope, { page, orderBy, shown: { pattern, status, permissions = [] } }: Wanted) => {
  const [first, ...more] = permissions;
  return {
    page,
    order: orderBy,
    filter: { pattern, status },
    scope: first === undefined ? scope.access.visibleScope() : scope.access.scope(first, ...more),
  };
};

/** A page of the organizations that the viewer sees. */
export const visibleOrganizations = (scope: Scope, wanted: Wanted): Pages =>
  wanted.shown.parentId
    ? childrenOf(scope, wanted.shown.parentId, wanted)
    : pages(scope).all.load(request(scope, wanted));

/** A page of the visible children of an organization. */
export const childrenOf = async (scope: Scope, parent: OrganizationId, wanted: Wanted): Pages =>
  (wanted.shown.parentId ?? parent) === parent
    ? pages(scope).children.load({ key: parent, ...request(scope, wanted) })
    : [];

/** A page of the visible organizations below another, by name; no further down than so many levels, where that is given. */
export const descendantsOf = (scope: Scope, top: OrganizationId, page: Page, levels: number | null): Pages => {
  const wanted = request(scope, { page, orderBy: "NAME_ASC", shown: {} });
  return pages(scope).descendants.load({ key: top, ...wanted, filter: { levels } });
};
