import { and, eq, type SQLWrapper, sql } from "drizzle-orm";
import type { Catalogue } from "../../access/catalogue.js";
import { type ColumnsOf, columnsOf, forEach } from "../../graphql/columns.js";
import { TENANT } from "../../graphql/given.js";
import { jsonOf } from "../../graphql/json.js";
import type { Gathered, GatheredBy } from "../../graphql/list.js";
import { oneBy, perSession, type Soon } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { MembershipId, OrganizationId } from "../../ids.js";
import { anyOf, arrayOf } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { organizations } from "../organizations/table.js";
import { roleColumns, toRole } from "../roles/loader.js";
import { ofCatalogue, type Role } from "../roles/role.js";
import { type RoleRow, roles } from "../roles/table.js";
import { type GrantRow, grants, type MembershipRow, memberships } from "./table.js";

/** The membership of this id, if its organization is visible and it is the viewer's own or members may be read there. */
export const findMembership = async (scope: Scope, id: MembershipId): Promise<MembershipRow | null> => {
  const found = await rowsById(scope).load(id);
  if (!found || !scope.access.sees(found.place)) return null;
  const { membership, place } = found;
  return membership.userId === scope.viewer.id || scope.access.allows(place, "members:read") ? membership : null;
};

const selectById = statement((db) =>
  db
    .select({ membership: memberships, place: { id: organizations.id, path: organizations.path } })
    .from(memberships)
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
    )
    .where(and(eq(memberships.tenantId, TENANT), anyOf(memberships.id, "ids"))),
);

const rowsById = perSession(({ session }) =>
  oneBy(
    ({ membership }: { membership: MembershipRow }) => membership.id,
    (ids: readonly MembershipId[]) => selectById(session, { tenant: session.tenantId, ids: arrayOf(ids) }),
  ),
);

export interface GrantOfRole extends GrantRow {
  readonly role: Role;
}

const grantColumns = columnsOf(grants, "Grant", ["id", "membershipId", "roleKey", "roleId", "expiresAt"], { role: [] });

/** The grants of a membership with their roles, first given first. */
interface GrantsOf {
  readonly membershipId: MembershipId;
  readonly grants: readonly (GrantRow & { readonly ownRole: Role | null })[];
}

const grantsOf = perSession((scope) =>
  oneBy<MembershipId, GrantsOf>(
    ({ membershipId }) => membershipId,
    async (ids) => {
      const { select, read } = gatheredAs(grantColumns(scope))(roleColumns(scope));
      const rows = await select(scope.session, { tenant: scope.session.tenantId, ids: arrayOf(ids) });
      return rows.map(({ id, json }) => read(id, json));
    },
  ),
);

/** The grants of a membership in one value: as they come with it, and by themselves. */
const gatheredAs = forEach((grant: ColumnsOf<typeof grants>) =>
  forEach((role: ColumnsOf<typeof roles>) => {
    const [ofGrant, ofRole] = [jsonOf<GrantRow>(grant), jsonOf<RoleRow>(role)];
    const json = (id: SQLWrapper) => sql<unknown>`(
        select json_agg(json_build_array(${ofGrant.json}, case when ${roles.id} is not null then ${ofRole.json} end,
          ${organizations.path}) order by ${grants.id})
        from ${grants}
          left join ${roles} on ${roles.tenantId} = ${grants.tenantId} and ${roles.id} = ${grants.roleId}
          left join ${organizations} on ${organizations.tenantId} = ${roles.tenantId} and ${organizations.id} = ${roles.organizationId}
        where ${grants.tenantId} = ${TENANT} and ${grants.membershipId} = ${id})`;
    const select = statement((db) =>
      db
        .select({ id: sql<MembershipId>`m.id`, json: json(sql`m.id`) })
        .from(sql`unnest(${sql.placeholder("ids")}::uuid[]) as m(id)`),
    );
    const read = (membershipId: MembershipId, came: unknown): GrantsOf => {
      const rows = (came ?? []) as [grant: unknown[], role: unknown[] | null, path: OrganizationId[] | null][];
      return {
        membershipId,
        grants: rows.map(([values, own, path]) => ({
          ...ofGrant.row(values),
          ownRole: own && toRole({ role: ofRole.row(own), path }),
        })),
      };
    };
    const name = `grants ${Object.keys(grant)} roles ${Object.keys(role)}`;
    const take: GatheredBy["take"] = (scope, id, came) => {
      grantsOf(scope).prime(id as MembershipId, read(id as MembershipId, came));
    };
    return { select, read, name, json, take };
  }),
);

/** The grants of each membership of a list, where its grants or roles are asked for. */
export const withGrants: Gathered = {
  isAsked: ({ fields }) => {
    const asked = fields?.get("Membership");
    return asked !== undefined && (asked.has("roles") || asked.has("grants"));
  },
  how: (scope) => gatheredAs(grantColumns(scope))(roleColumns(scope)),
};

/** The grants of a membership. One of a role that the product no longer has gives nothing, and is left out. */
export function listGrants(scope: Scope, catalogue: Catalogue, membership: MembershipId): Soon<GrantOfRole[]> {
  const named = (found: GrantsOf | null): GrantOfRole[] =>
    (found?.grants ?? []).flatMap(({ ownRole, ...grant }) => {
      const fixed = grant.roleKey === null ? undefined : catalogue.roles.get(grant.roleKey);
      const role = ownRole ?? (fixed && ofCatalogue(fixed));
      return role ? [{ ...grant, role }] : [];
    });
  const found = grantsOf(scope).get(membership);
  return found instanceof Promise ? found.then(named) : named(found);
}
