import { and, eq, sql } from "drizzle-orm";
import { Access, type Held } from "../../access/access.js";
import { earlier } from "../../access/end.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { manyBy, oncePerSession, perSession } from "../../graphql/loader.js";
import type { UserId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import { organizations } from "../organizations/table.js";
import { roles } from "../roles/table.js";
import { users } from "../users/table.js";
import { grants, memberships } from "./table.js";

/** What people are given where neither they nor their membership are suspended, ended or not; all of a level in one statement. */
const givenTo = perSession((scope) => {
  const { db, tenantId } = scope.session;
  const read = (ids: readonly UserId[]) =>
    db
      .select({
        userId: memberships.userId,
        at: { id: organizations.id, path: organizations.path },
        membershipEnds: memberships.expiresAt,
        grant: { roleKey: grants.roleKey, reach: grants.reach, expiresAt: grants.expiresAt },
        permissions: roles.permissions,
      })
      .from(users)
      .innerJoin(memberships, and(eq(memberships.tenantId, users.tenantId), eq(memberships.userId, users.id)))
      .innerJoin(
        organizations,
        and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
      )
      .innerJoin(grants, and(eq(grants.tenantId, memberships.tenantId), eq(grants.membershipId, memberships.id)))
      .leftJoin(roles, and(eq(roles.tenantId, grants.tenantId), eq(roles.id, grants.roleId)))
      .where(
        and(
          eq(users.tenantId, tenantId),
          sql`${users.id} = any(${uuids(ids)})`,
          eq(users.status, "ACTIVE"),
          eq(memberships.status, "ACTIVE"),
        ),
      );
  type Given = Awaited<ReturnType<typeof read>>[number];
  return manyBy<UserId, Given>(
    (given) => given.userId,
    async (ids) => {
      const rows = await read(ids);
      scope.size.addRows(rows.length);
      return rows;
    },
  );
});

const accesses = oncePerSession<UserId, Promise<Access>>();

/**
 * What somebody may give in whose name something was made, whether or not the viewer sees them: for a yes or a no about that, and
 * nothing else. What is closed is taken for open: the viewer, who acts where it was made, could not if it were not.
 */
export function accessOfMaker(ctx: Context, id: UserId): Promise<Access> {
  const scope = scopeOf(ctx);
  return accesses(scope, id, async () => {
    const given = await givenTo(scope).load(id);
    const held = given.flatMap(({ at, membershipEnds, grant, permissions }): Held[] => {
      const expiresAt = earlier(grant.expiresAt, membershipEnds);
      const allowed = grant.roleKey === null ? permissions : ctx.catalogue.roles.get(grant.roleKey)?.permissions;
      return scope.isLive(expiresAt) ? [{ at, reach: grant.reach, permissions: new Set(allowed), expiresAt }] : [];
    });
    return new Access({ grants: held, memberOf: [], suspended: [], archived: [] });
  });
}
