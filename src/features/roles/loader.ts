import DataLoader from "dataloader";
import { and, asc, eq, isNull, or, type SQL, sql } from "drizzle-orm";
import type { z } from "zod";
import type { Place } from "../../access/access.js";
import type { Catalogue } from "../../access/catalogue.js";
import { type Ahead, rowsAhead } from "../../graphql/ahead.js";
import { columnsOf } from "../../graphql/columns.js";
import type { Context } from "../../graphql/context.js";
import { scopeOf } from "../../graphql/context.js";
import { TENANT } from "../../graphql/given.js";
import { groupBy, oneBy, perSession } from "../../graphql/loader.js";
import { idOf } from "../../graphql/nodeId.js";
import type { Scope } from "../../graphql/operation.js";
import type { OrganizationId, RoleId } from "../../ids.js";
import { anyOf, arrayOf } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { organizations } from "../organizations/table.js";
import { ofCatalogue, ofTenant, type Role } from "./role.js";
import { pickRole, type roleRef } from "./roleRef.js";
import { type RoleRow, roles } from "./table.js";

/** Roles of the tenant with the place where each is defined. */
const select = (which: SQL) =>
  statement((db) =>
    db
      .select({ role: roles, path: organizations.path })
      .from(roles)
      .leftJoin(
        organizations,
        and(eq(organizations.tenantId, roles.tenantId), eq(organizations.id, roles.organizationId)),
      )
      .where(and(eq(roles.tenantId, TENANT), which))
      .orderBy(sql`${roles.name} collate "C"`, asc(roles.id)),
  );
const selectById = select(anyOf(roles.id, "ids"));
const selectDefined = select(or(isNull(roles.organizationId), anyOf(roles.organizationId, "places"))!);

/** What an operation asks for of roles. */
export const roleColumns = columnsOf(roles, "Role", ["id", "organizationId"], { source: [], organization: [] });

export const toRole = ({ role, path }: { role: RoleRow; path: OrganizationId[] | null }): Role =>
  ofTenant(role, role.organizationId ? { id: role.organizationId, path: path ?? [] } : null);

/** Roles of the tenant by id, visible or not. */
export const rolesAhead: Ahead<Role> = {
  keyOf: ({ id }) => id as RoleId,
  send: async (session, _fields, ids) =>
    (await selectById(session, { tenant: session.tenantId, ids: arrayOf(ids) })).map(toRole),
};

const rowsById = perSession((scope) =>
  oneBy<RoleId, Role>(
    (role) => role.id,
    (ids) => rowsAhead(scope, rolesAhead, ids),
  ),
);

/** The role of this id, if it is usable in any organization that the viewer sees; null otherwise. */
export async function findRole(ctx: Context, id: RoleId): Promise<Role | null> {
  const scope = scopeOf(ctx);
  const fixed = ctx.catalogue.rolesById.get(id);
  const role = fixed ? ofCatalogue(fixed) : await rowsById(scope).load(id);
  if (!role) return null;
  const seen = role.definedAt ? scope.access.seesRoleOf(role.definedAt) : scope.access.seesAnything();
  return seen ? role : null;
}

const definedFor = perSession(
  (scope) =>
    new DataLoader<Place, Role[], OrganizationId>(
      async (places) => {
        const ids = [...new Set(places.flatMap(({ id, path }) => [...path, id]))];
        const found = await selectDefined(scope.session, { tenant: scope.session.tenantId, places: arrayOf(ids) });
        scope.size.addRows(found.length);
        const all = found.map(toRole);
        for (const role of all) rowsById(scope).prime(role.id, role);
        // Each with its number among all.
        const numbered = groupBy([...all.entries()], ([, { definedAt }]) => definedAt?.id ?? null);
        return places.map(({ id, path }) => {
          const usable = [null, ...path, id].flatMap((at) => numbered.get(at) ?? []);
          // Those of the tenant are had by each of what may be thousands.
          scope.size.addRows(usable.length);
          return usable.sort(([one], [other]) => one - other).map(([, role]) => role);
        });
      },
      { cacheKeyFn: ({ id }) => id },
    ),
);

const isUsableIn = ({ id, path }: Place, { definedAt }: Role): boolean =>
  !definedAt || definedAt.id === id || path.includes(definedAt.id);

/** Roles that can be given in an organization: the catalogue's, then the tenant's, its ancestors' and its own, by name. */
export async function usableRoles(scope: Scope, catalogue: Catalogue, place: Place): Promise<Role[]> {
  return [...[...catalogue.roles.values()].map(ofCatalogue), ...(await definedFor(scope).load(place))];
}

/** Those of them that references mean, as `pickRole` does; null for a reference that means none. */
export async function usableRolesOf(
  scope: Scope,
  catalogue: Catalogue,
  place: Place,
  refs: readonly z.output<typeof roleRef>[],
): Promise<(Role | null)[]> {
  // What a key means there, others of the same key decide as well.
  const usable = refs.some(({ id }) => id == null) ? await usableRoles(scope, catalogue, place) : [];
  return Promise.all(
    refs.map(async (ref) => {
      if (ref.id == null) return pickRole(usable, ref);
      const id = idOf<RoleId>("Role", ref.id);
      const fixed = id && catalogue.rolesById.get(id);
      const role = fixed ? ofCatalogue(fixed) : id && (await rowsById(scope).load(id));
      return role && isUsableIn(place, role) ? role : null;
    }),
  );
}
