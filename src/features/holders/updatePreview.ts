import { stillThere } from "../../access/catalogue.js";
import { builder } from "../../graphql/builder.js";
import { getNamed, scopeOf } from "../../graphql/context.js";
import { connection } from "../../graphql/page.js";
import { known } from "../../graphql/permission.js";
import type { RoleId } from "../../ids.js";
import { findMembership, type GrantOfRole, listGrants } from "../memberships/loader.js";
import type { GrantRow, MembershipRow } from "../memberships/table.js";
import { Grant, Membership } from "../memberships/type.js";
import { findRole } from "../roles/loader.js";
import type { Role } from "../roles/role.js";
import { type Effect, effectOf } from "./effect.js";
import { countMemberships, grantsOfRole } from "./pages.js";

/** A role, and the permissions that it might have. */
interface Preview {
  readonly role: Role;
  readonly permissions: readonly string[];
  /** Whether the viewer may know of everybody who has it. */
  readonly isComplete: boolean;
}

interface EffectOnGrant extends Effect {
  readonly membership: MembershipRow;
  readonly grant: GrantOfRole;
}

const RoleUpdateEffect = builder.objectRef<EffectOnGrant>("RoleUpdateEffect").implement({
  description: "What changing a role would do to somebody who has it.",
  fields: (t) => ({
    membership: t.field({ type: Membership, description: "Who has it.", resolve: ({ membership }) => membership }),
    grant: t.field({ type: Grant, description: "By which grant.", resolve: ({ grant }) => grant }),
    gains: t.stringList({
      description:
        "What they would be allowed in that organization, as far as the grant reaches, and are not today by anything that the viewer may know of.",
      resolve: ({ gains }) => [...gains],
    }),
    loses: t.stringList({
      description:
        "What they would not be allowed there any more; not what something else gives them that the viewer may know of.",
      resolve: ({ loses }) => [...loses],
    }),
  }),
});

const RoleUpdateEffectConnection = builder.connectionObject(
  { type: RoleUpdateEffect, name: "RoleUpdateEffectConnection", description: "A page of those who have a role." },
  { name: "RoleUpdateEffectEdge", description: "Somebody who has the role, and their place in the list." },
);

const RoleUpdatePreview = builder.objectRef<Preview>("RoleUpdatePreview").implement({
  description:
    "What changing the permissions of a role would do, as far as the viewer may know. Only those count who have it today: neither suspended people and memberships, nor what has ended.",
  fields: (t) => ({
    gains: t.stringList({
      description: "What the role would allow and does not today.",
      resolve: ({ role, permissions }) => permissions.filter((one) => !role.permissions.includes(one)),
    }),
    loses: t.stringList({
      description: "What the role allows today and would not any more.",
      resolve: ({ role, permissions }, _args, ctx) =>
        stillThere(ctx.catalogue, role.permissions).filter((one) => !permissions.includes(one)),
    }),
    complete: t.exposeBoolean("isComplete", {
      description:
        "Whether the viewer may read members wherever the role can be given. Where not, there may be others who have it.",
    }),
    memberCount: t.int({
      description: "How many memberships have it, of those that the viewer sees.",
      resolve: ({ role }, _args, ctx) => countMemberships(scopeOf(ctx), role.id),
    }),
    effects: t.field({
      type: RoleUpdateEffectConnection,
      description:
        "Everybody who has it, of those that the viewer sees, and what becomes of their rights; a grant each, first given first.",
      args: t.arg.connectionArgs(),
      resolve: async ({ role, permissions }, args, ctx) => {
        const list = { name: "effects", parentId: role.id, filter: permissions, order: "ID" };
        const effect = async (grant: GrantRow): Promise<EffectOnGrant> => {
          const scope = scopeOf(ctx);
          scope.size.addSearch();
          const [membership, all] = await Promise.all([
            findMembership(scope, grant.membershipId),
            listGrants(scope, ctx.catalogue, grant.membershipId),
          ]);
          scope.size.check();
          const effect = await effectOf(scope, ctx.catalogue, membership!.userId, grant, permissions);
          return { membership: membership!, grant: all.find(({ id }) => id === grant.id)!, ...effect };
        };
        return connection(ctx, list, args, async (page) => {
          const found = await grantsOfRole(scopeOf(ctx), role.id, page);
          return Promise.all(found.map(async ({ row, place }) => ({ row: await effect(row), place })));
        }) as never;
      },
    }),
  }),
});

builder.queryField("roleUpdatePreview", (t) =>
  t.field({
    type: RoleUpdatePreview,
    nullable: true,
    description:
      "Who would gain and who would lose what by an `updateRole` that sets these permissions. Nothing is changed. Needs what `updateRole` needs: `roles:manage` where the role is defined (of a tenant's role: at the root) with reach SUBTREE. Null when there is no such role, the viewer cannot see it, or it is of the catalogue, which nobody changes.",
    args: {
      roleId: t.arg.id({ required: true, description: "The role." }),
      permissions: t.arg.stringList({
        required: true,
        description: "All that it would allow, as keys of the catalogue.",
      }),
    },
    resolve: async (_root, { roleId, permissions }, ctx) => {
      const { id, place } = getNamed(ctx, "Role", roleId);
      const wanted = new Set(permissions.map((one, index) => known(ctx, one, `permissions.${index}`)));
      const role = ctx.catalogue.rolesById.has(id as RoleId) ? null : await findRole(ctx, id as RoleId);
      if (!role) return null;
      return {
        role,
        permissions: [...ctx.catalogue.permissions.keys()].filter((one) => wanted.has(one)),
        isComplete: scopeOf(ctx).access.allows(place, "members:read", "SUBTREE"),
      };
    },
  }),
);
