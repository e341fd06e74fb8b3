import { and, eq } from "drizzle-orm";
import { Access, type Held } from "../../access/access.js";
import type { Catalogue } from "../../access/catalogue.js";
import { givenBy, hasNotEnded, TENANT } from "../../graphql/given.js";
import { manyBy, perSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import type { MembershipId, RoleId, UserId } from "../../ids.js";
import { anyOf, arrayOf } from "../../tenancy/arrays.js";
import { statement } from "../../tenancy/statement.js";
import { type GrantRow, grants, memberships } from "../memberships/table.js";
import { organizations } from "../organizations/table.js";
import { roles } from "../roles/table.js";
import { giveKnown, isKnown } from "./pages.js";

/** What another set of permissions would change for who has a role. */
export interface Effect {
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

interface KnownGrant extends Omit<Held, "permissions"> {
  readonly userId: UserId;
  readonly membershipId: MembershipId;
  readonly roleId: RoleId | null;
  readonly roleKey: string | null;
  readonly own: readonly string[] | null;
}

const selectGrants = statement((db) =>
  db
    .select({
      userId: memberships.userId,
      membershipId: memberships.id,
      at: { id: organizations.id, path: organizations.path },
      reach: grants.reach,
      expiresAt: grants.expiresAt,
      roleId: grants.roleId,
      roleKey: grants.roleKey,
      own: roles.permissions,
    })
    .from(memberships)
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
    )
    .innerJoin(grants, and(eq(grants.tenantId, memberships.tenantId), eq(grants.membershipId, memberships.id)))
    .leftJoin(roles, and(eq(roles.tenantId, grants.tenantId), eq(roles.id, grants.roleId)))
    .where(
      and(eq(memberships.tenantId, TENANT), anyOf(memberships.userId, "ids"), hasNotEnded(grants.expiresAt), isKnown()),
    ),
);

/** Every grant of a person that counts today, where the viewer may know of it. */
const knownGrants = perSession((scope) =>
  manyBy<UserId, KnownGrant>(
    ({ userId }) => userId,
    (ids) => selectGrants(scope.session, { ...giveKnown(givenBy(scope), scope), ids: arrayOf(ids) }),
  ),
);

/**
 * What the holder of a grant would have more, and less, as far as it reaches, if its role had these permissions: by all that
 * they hold today where the viewer may know of it. What is given anyway is neither.
 */
export async function effectOf(
  scope: Scope,
  { permissions: all, roles: fixed }: Catalogue,
  userId: UserId,
  { membershipId, roleId, reach }: GrantRow,
  permissions: readonly string[],
): Promise<Effect> {
  const known = await knownGrants(scope).load(userId);
  const holding = (ofRole: (own: KnownGrant["own"]) => KnownGrant["own"]): Access => {
    const held = known.map((grant): Held => {
      const own = grant.roleId === roleId ? ofRole(grant.own) : grant.own;
      const allowed = grant.roleKey === null ? new Set(own) : fixed.get(grant.roleKey)?.permissions;
      return { ...grant, permissions: allowed ?? new Set() };
    });
    return new Access({ grants: held, memberOf: [], suspended: [], archived: [] });
  };
  const [before, after] = [holding((own) => own), holding(() => permissions)];
  const { at } = known.find((grant) => grant.membershipId === membershipId)!;
  const has = (access: Access, permission: string) => access.allows(at, permission, reach);
  const every = [...all.keys()];
  return {
    gains: every.filter((one) => has(after, one) && !has(before, one)),
    loses: every.filter((one) => has(before, one) && !has(after, one)),
  };
}
