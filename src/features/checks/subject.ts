import DataLoader from "dataloader";
import { sql } from "drizzle-orm";
import { Access, type Held, type Place, type Reach } from "../../access/access.js";
import type { Catalogue } from "../../access/catalogue.js";
import { earlier } from "../../access/end.js";
import { builder } from "../../graphql/builder.js";
import type { Context } from "../../graphql/context.js";
import { scopeOf } from "../../graphql/context.js";
import { oncePerSession, perSession } from "../../graphql/loader.js";
import { decodeId } from "../../graphql/nodeId.js";
import type { Scope } from "../../graphql/operation.js";
import type { OrganizationId, UserId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { grants, memberships } from "../memberships/table.js";
import { organizations } from "../organizations/table.js";
import { ofCatalogue, ofTenant, type Role } from "../roles/role.js";
import { type RoleRow, roles } from "../roles/table.js";
import { users } from "../users/table.js";

export const SubjectBy = builder.inputType("SubjectBy", {
  description: "Whom a question is about.",
  isOneOf: true,
  fields: (t) => ({ userId: t.id({ description: "A person, by their global id." }) }),
});

/** A grant of somebody's, live or not, and the membership it is on. */
export interface SubjectGrant {
  readonly role: Role;
  readonly reach: Reach;
  readonly expiresAt: Date | null;
}

export interface SubjectMembership {
  readonly at: Place;
  readonly status: "ACTIVE" | "SUSPENDED";
  readonly expiresAt: Date | null;
  readonly grants: readonly SubjectGrant[];
}

/** Somebody in whom the question is interested: everything that could give them access, and what it comes to. */
export interface Subject {
  readonly id: UserId;
  readonly active: boolean;
  readonly memberships: readonly SubjectMembership[];
  readonly access: Access;
}

interface GrantJson {
  readonly key: string | null;
  readonly role: RoleRow | null;
  readonly definedAt: Place | null;
  readonly reach: Reach;
  readonly expiresAt: string | null;
}

interface MembershipJson {
  readonly at: Place;
  readonly status: "ACTIVE" | "SUSPENDED";
  readonly expiresAt: string | null;
  readonly grants: GrantJson[] | null;
}

/** What a question names: a person with all their memberships and grants, or where an organization stands. */
type Asked =
  | { readonly type: "User"; readonly id: UserId }
  | { readonly type: "Organization"; readonly id: OrganizationId };

interface Found {
  readonly type: Asked["type"];
  readonly id: UserId | OrganizationId;
  readonly status: string | null;
  readonly memberships: MembershipJson[] | null;
  readonly path: OrganizationId[] | null;
}

const nameOf = ({ type, id }: Pick<Found, "type" | "id">): string => `${type} ${id}`;

/** Everybody and every place that the questions of a level name, in one statement. */
const foundBy = perSession(
  ({ session: { db, tenantId } }) =>
    new DataLoader<Asked, Found | null, string>(
      async (asked) => {
        const idsOf = (type: Asked["type"]) => uuids(asked.filter((one) => one.type === type).map(({ id }) => id));
        const given = sql`(
          select json_agg(json_build_object('key', ${grants.roleKey}, 'reach', ${grants.reach}, 'expiresAt', ${grants.expiresAt},
              'role', case when ${roles.id} is not null then json_build_object('id', ${roles.id}, 'key', ${roles.key},
                'name', ${roles.name}, 'description', ${roles.description}, 'permissions', ${roles.permissions}) end,
              'definedAt', case when d.id is not null then json_build_object('id', d.id, 'path', d.path) end)
            order by ${grants.id})
          from ${grants}
            left join ${roles} on ${roles.tenantId} = ${grants.tenantId} and ${roles.id} = ${grants.roleId}
            left join ${organizations} d on d.tenant_id = ${roles.tenantId} and d.id = ${roles.organizationId}
          where ${grants.tenantId} = ${memberships.tenantId} and ${grants.membershipId} = ${memberships.id})`;
        const belongs = sql`(
          select json_agg(json_build_object('status', ${memberships.status}, 'expiresAt', ${memberships.expiresAt},
              'at', json_build_object('id', ${organizations.id}, 'path', ${organizations.path}), 'grants', ${given})
            order by cardinality(${organizations.path}) desc, ${memberships.id})
          from ${memberships}
            join ${organizations} on ${organizations.tenantId} = ${memberships.tenantId} and ${organizations.id} = ${memberships.organizationId}
          where ${memberships.tenantId} = ${users.tenantId} and ${memberships.userId} = ${users.id})`;
        const rows = (await db.execute(sql`
          select 'User' as type, ${users.id} as id, ${users.status} as status, ${belongs} as memberships, null::json as path
          from ${users} where ${users.tenantId} = ${tenantId} and ${users.id} = any(${idsOf("User")})
          union all
          select 'Organization', ${organizations.id}, null, null, to_json(${organizations.path})
          from ${organizations} where ${organizations.tenantId} = ${tenantId} and ${organizations.id} = any(${idsOf("Organization")})`)) as unknown as Found[];
        const found = new Map(rows.map((row) => [nameOf(row), row]));
        return asked.map((one) => found.get(nameOf(one)) ?? null);
      },
      { cacheKeyFn: nameOf },
    ),
);

/** Where an organization stands, if the viewer sees it; null otherwise. */
export async function findPlace(scope: Scope, id: OrganizationId): Promise<Place | null> {
  const found = await foundBy(scope).load({ type: "Organization", id });
  const place = found && { id, path: found.path ?? [] };
  if (place && scope.access.sees(place)) return place;
  scope.forget();
  return null;
}

/** Whom the argument names, as far as the viewer may know of them: null for who is hidden and for who is missing. */
export const findSubject = (ctx: Context, { userId }: typeof SubjectBy.$inferInput): Promise<Subject | null> =>
  findPerson(ctx, decodeId<UserId>("User", userId ?? "", "subject.userId"));

/** The same by their uuid. */
export function findPerson(ctx: Context, userId: UserId): Promise<Subject | null> {
  return person(scopeOf(ctx), userId, () => toPerson(ctx, userId));
}

/** Whoever is in hundreds of organizations may be asked about in as many. */
const person = oncePerSession<UserId, Promise<Subject | null>>();

async function toPerson(ctx: Context, userId: UserId): Promise<Subject | null> {
  const scope = scopeOf(ctx);
  const row = await foundBy(scope).load({ type: "User", id: userId });
  const belongs = (row?.memberships ?? []).map((membership) => toMembership(ctx.catalogue, membership));
  if (!row || (userId !== scope.viewer.id && !scope.access.seesMemberOf(belongs.map(({ at }) => at)))) {
    scope.forget();
    return null;
  }
  const active = row.status === "ACTIVE";
  return { id: userId, active, memberships: belongs, access: accessOf(scope, active ? belongs : []) };
}

const toInstant = (text: string | null): Date | null => (text === null ? null : new Date(text));

function toMembership(catalogue: Catalogue, { grants: given, ...membership }: MembershipJson): SubjectMembership {
  return {
    ...membership,
    expiresAt: toInstant(membership.expiresAt),
    grants: (given ?? []).flatMap(({ key, role, definedAt, reach, expiresAt }) => {
      const fixed = key === null ? undefined : catalogue.roles.get(key);
      const known = role ? ofTenant(role, definedAt) : fixed && ofCatalogue(fixed);
      // A role that the product no longer has gives nothing.
      return known ? [{ role: known, reach, expiresAt: toInstant(expiresAt) }] : [];
    }),
  };
}

function accessOf(scope: Scope, belongs: readonly SubjectMembership[]): Access {
  const live = belongs.filter(({ status, expiresAt }) => status === "ACTIVE" && scope.isLive(expiresAt));
  const held = live.flatMap(({ at, expiresAt, grants }) =>
    grants
      .filter((grant) => scope.isLive(grant.expiresAt))
      .map(
        ({ role, reach, ...grant }): Held => ({
          at,
          reach,
          permissions: new Set(role.permissions),
          expiresAt: earlier(grant.expiresAt, expiresAt),
        }),
      ),
  );
  return new Access({ ...scope.access.grounds, grants: held, memberOf: live.map(({ at }) => at) });
}

/** Whether the viewer may know of what somebody was given there: their own, or where members may be read. */
export const mayKnow = (scope: Scope, subject: Subject, at: Place): boolean =>
  subject.id === scope.viewer.id || (scope.access.sees(at) && scope.access.allows(at, "members:read"));
