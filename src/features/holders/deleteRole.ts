import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { stillThere } from "../../access/catalogue.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { RoleId } from "../../ids.js";
import { record } from "../audit/record.js";
import { type RightOfGrant, rightsOfRole } from "../memberships/rights.js";
import { discreetly, ExceedsYoursFailure, mustHold, mustHoldNow } from "../roles/exceedsYours.js";
import { findRole, usableRoles } from "../roles/loader.js";
import type { Role as RoleShape } from "../roles/role.js";
import { pickRole, RoleRef, roleRef } from "../roles/roleRef.js";
import { roles } from "../roles/table.js";
import { Role } from "../roles/type.js";
import { FixedRoleFailure, mustNotBeFixed } from "../roles/updateRole.js";
import { dropGrants, replaceInGrants } from "./replaceInGrants.js";

export class RoleInUseFailure extends Failure {
  override readonly name = "RoleInUseFailure";
  readonly code = "ROLE_IN_USE";
}
failureType(RoleInUseFailure, "Somebody has the role. Name another one for them to have in its place.");

const form = z.object({ roleId: z.string(), replacement: roleRef.nullish() });
const REPLACEMENT = ["input", "replacement"];
const SOMEBODY_WOULD_GET_MORE =
  "Somebody would get, or lose, by the replacement what you do not hold yourself where they have the role. Choose another.";

/**
 * Removes a role for good. Whoever has it gets the replacement instead, as far and as long; who has both keeps the one that
 * ends later. The tenant's lock is held alone: whoever is given the role meanwhile has it before, and is given the
 * replacement, or is told that there is no such role.
 * @throws FixedRoleFailure     the role is the catalogue's
 * @throws RoleInUseFailure     somebody has it, and there is no replacement
 * @throws ExceedsYoursFailure  where somebody has it, the viewer could not give the replacement, or does not hold what they lose
 */
export async function deleteRole(ctx: Context, { id, place }: Named, replacement: RoleShape | null): Promise<void> {
  const { session } = scopeOf(ctx);
  const roleId = id as RoleId;
  const itself = and(eq(roles.tenantId, session.tenantId), eq(roles.id, roleId));
  const [role] = await session.db.select().from(roles).where(itself);
  const held = await rightsOfRole(ctx, roleId);
  if (held.length > 0) {
    if (!replacement)
      throw new RoleInUseFailure("Somebody has this role. Name a replacement for them to have instead.", REPLACEMENT);
    mustBeAbleToReplace(ctx, held, replacement);
    await replaceInGrants(ctx, roleId, replacement, held);
  }
  await dropGrants(ctx, roleId);
  await session.db.delete(roles).where(itself);

  const told = replacement && { roleId: replacement.id, role: replacement.key };
  const { key, name, description, permissions } = role!;
  await record(
    ctx,
    {
      action: "role.deleted",
      organizationId: place.id,
      targetType: "Role",
      targetId: id,
      changes: { before: { key, name, description, permissions }, ...(told && { replacement: told }) },
    },
    ...held.map(({ membershipId, at, reach }) => ({
      action: "grant.replaced",
      organizationId: at.id,
      targetType: "Membership",
      targetId: membershipId,
      changes: { before: { roleId, role: key }, after: told, reach },
    })),
  );
}

/** The replacement is given wherever the role is held, and what the role allows beyond that is withdrawn. */
function mustBeAbleToReplace(ctx: Context, held: readonly RightOfGrant[], { permissions }: RoleShape): void {
  const { access } = scopeOf(ctx);
  for (const { at, reach, until, permissions: before } of held) {
    const lost = stillThere(ctx.catalogue, before).filter((one) => !permissions.includes(one));
    discreetly(access, at, SOMEBODY_WOULD_GET_MORE, () => {
      mustHold(access, { permissions, at, reach, until }, "roles:manage", REPLACEMENT);
      mustHoldNow(access, { permissions: lost, at, reach }, "withdraw", REPLACEMENT);
    });
  }
}

/** @throws NotFoundFailure, InvalidInputFailure when it could not take the role's place wherever that is usable */
async function readReplacement(ctx: Context, { id, place }: Named, ref: z.output<typeof roleRef>): Promise<RoleShape> {
  const usable = await usableRoles(scopeOf(ctx), ctx.catalogue, place);
  const replacement = pickRole(usable, ref);
  if (!replacement)
    throw new NotFoundFailure("There is no such role, or it is not usable wherever this one is.", REPLACEMENT);
  if (replacement.id === id) throw new InvalidInputFailure("A role cannot replace itself.", REPLACEMENT);
  return replacement;
}

interface Deleted {
  readonly id: RoleId;
  readonly replacement: RoleId | null;
}

mutation<z.output<typeof form>, Deleted>("deleteRole", {
  description:
    "Removes a role for good. One that somebody has needs a replacement, which they get instead in the same moment, as far and as long. Needs `roles:manage` where the role is defined (of a tenant's role: at the root) with reach SUBTREE; wherever somebody has it, everything that the replacement allows, and all that they lose.",
  input: (t) => ({
    roleId: t.id({ required: true, description: "The role to remove." }),
    replacement: t.field({
      type: RoleRef,
      description:
        "What those who have it get instead: a role that is usable wherever this one is. Left out where nobody has it.",
    }),
  }),
  form,
  payload: {
    description: "The role is gone.",
    fields: (t) => ({
      deletedRoleId: t.id({ description: "The id it had.", resolve: ({ id }) => encodeId("Role", id) }),
      replacement: t.field({
        type: Role,
        nullable: true,
        description:
          "What those who had it have now; null where none was named, and when the viewer does not see it any more.",
        resolve: ({ replacement }, _args, ctx) => (replacement ? findRole(ctx, replacement) : null),
      }),
    }),
  },
  failures: [FixedRoleFailure, RoleInUseFailure, ExceedsYoursFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ roleId, replacement: ref }, ctx) => {
    const role = getNamed(ctx, "Role", roleId);
    mustNotBeFixed(ctx, role.id as RoleId);
    const replacement = ref ? await readReplacement(ctx, role, ref) : null;
    await deleteRole(ctx, role, replacement);
    return { id: role.id as RoleId, replacement: replacement?.id ?? null };
  },
});
