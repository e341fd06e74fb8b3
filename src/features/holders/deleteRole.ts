import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { stillThere } from "../../access/catalogue.js";
import type { Right } from "../../access/giving.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { RoleId } from "../../ids.js";
import { type Happened, record } from "../audit/record.js";
import { touch } from "../memberships/changeGrants.js";
import { type RightOfGrant, rightsOfRole } from "../memberships/rights.js";
import { grants } from "../memberships/table.js";
import { discreetly, ExceedsYoursFailure, mustHold, mustHoldNow } from "../roles/exceedsYours.js";
import { findRole, usableRoles } from "../roles/loader.js";
import type { Role as RoleShape } from "../roles/role.js";
import { pickRole, RoleRef, roleRef } from "../roles/roleRef.js";
import { roles } from "../roles/table.js";
import { Role } from "../roles/type.js";
import { FixedRoleFailure, mustNotBeFixed } from "../roles/updateRole.js";
import { endStranded, offersOfRole, replaceOffered } from "./offers.js";
import { dropGrants, replaceInGrants } from "./replaceInGrants.js";

export class RoleInUseFailure extends Failure {
  override readonly name = "RoleInUseFailure";
  readonly code = "ROLE_IN_USE";
}
failureType(
  RoleInUseFailure,
  "Somebody has the role, or is offered it. Name another one for them to have in its place.",
);
const IN_USE =
  "Somebody has this role, or gets it by an invitation or by joining. Name a replacement for them to have instead.";

const form = z.object({ roleId: z.string(), replacement: roleRef.nullish() });
const REPLACEMENT = ["input", "replacement"];
const SOMEBODY_WOULD_GET_MORE =
  "Somebody would get, or lose, by the replacement what you do not hold yourself where they have the role. Choose another.";

/**
 * Removes a role for good. Whoever has it gets the replacement instead, as far and as long; who has both keeps the one that
 * ends later. So it is with what open invitations offer, and with what is given to those who join; in an organization that was
 * moved away from the role that is void, and is ended. The tenant's lock is held alone: whoever is given the role meanwhile has it
 * before, and is given the replacement, or is told that there is no such role.
 * @throws FixedRoleFailure     the role is the catalogue's
 * @throws RoleInUseFailure     somebody has it or is offered it, and there is no replacement
 * @throws ExceedsYoursFailure  the viewer could not give the replacement there, or does not hold what somebody loses
 */
export async function deleteRole(ctx: Context, { id, place }: Named, replacement: RoleShape | null): Promise<void> {
  const { session } = scopeOf(ctx);
  const roleId = id as RoleId;
  const itself = and(eq(roles.tenantId, session.tenantId), eq(roles.id, roleId));
  const [role] = await session.db.select().from(roles).where(itself);
  const held = await rightsOfRole(ctx, roleId);
  const { standing: offered, stranded } = await offersOfRole(ctx, roleId, role!.organizationId);
  if (held.length + offered.length > 0) {
    if (!replacement) throw new RoleInUseFailure(IN_USE, REPLACEMENT);
    mustBeAbleToReplace(ctx, held, offered, replacement);
    await replaceHeld(ctx, roleId, replacement, held);
    await replaceOffered(ctx, roleId, replacement, offered);
  }
  await endStranded(ctx, stranded);
  await dropGrants(ctx, roleId);
  await session.db.delete(roles).where(itself);

  const told = replacement && { roleId: replacement.id, role: replacement.key };
  const { key, name, description, permissions } = role!;
  const happened = ({ at, reach }: Right) => ({
    organizationId: at.id,
    changes: { before: { roleId, role: key }, after: told, reach },
  });
  record(
    ctx,
    {
      action: "role.deleted",
      organizationId: place.id,
      targetType: "Role",
      targetId: id,
      changes: { before: { key, name, description, permissions }, ...(told && { replacement: told }) },
    },
    ...held.map(
      (one): Happened => ({
        action: "grant.replaced",
        targetType: "Membership",
        targetId: one.membershipId,
        ...happened(one),
      }),
    ),
    ...offered.map(
      (one): Happened => ({
        action: "offer.replaced",
        targetType: one.invitationId ? "Invitation" : "Organization",
        targetId: one.invitationId ?? one.at.id,
        ...happened(one),
      }),
    ),
  );
}

/** The replacement is given wherever the role is held or offered, and what the role allows those who have it beyond that is withdrawn. */
function mustBeAbleToReplace(
  ctx: Context,
  held: readonly RightOfGrant[],
  offered: readonly Right[],
  { permissions }: RoleShape,
): void {
  const { access } = scopeOf(ctx);
  // What there is of it in a closed organization comes back with that, and counts; but it must not keep the role from going.
  const open = access.asIfAllWereOpen();
  const mustGive = ({ at, reach, until }: Right) =>
    mustHold(open, { permissions, at, reach, until }, "roles:manage", REPLACEMENT);
  for (const one of held) {
    const { at, reach } = one;
    const lost = stillThere(ctx.catalogue, one.permissions).filter((permission) => !permissions.includes(permission));
    discreetly(access, at, SOMEBODY_WOULD_GET_MORE, () => {
      mustGive(one);
      mustHoldNow(open, { permissions: lost, at, reach }, "withdraw", REPLACEMENT);
    });
  }
  for (const one of offered) discreetly(access, one.at, SOMEBODY_WOULD_GET_MORE, () => mustGive(one));
}

async function replaceHeld(
  ctx: Context,
  roleId: RoleId,
  replacement: RoleShape,
  held: readonly RightOfGrant[],
): Promise<void> {
  if (held.length === 0) return;
  const ids = held.map(({ membershipId }) => membershipId);
  await replaceInGrants(ctx, grants, roleId, replacement, ids);
  await touch(ctx, ids);
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
    "Removes a role for good. One that somebody has, or is offered by an invitation or for joining, needs a replacement, which they get instead in the same moment, as far and as long. Needs `roles:manage` where the role is defined (of a tenant's role: at the root) with reach SUBTREE; wherever somebody has it or is offered it, everything that the replacement allows, and all that they lose. Invitations to organizations that were moved away from where the role is defined are withdrawn if they offer it, and nobody joins those by a policy that gives it.",
  input: (t) => ({
    roleId: t.id({ required: true, description: "The role to remove." }),
    replacement: t.field({
      type: RoleRef,
      description:
        "What those who have it get instead: a role that is usable wherever this one is. Left out where nobody has it or is offered it.",
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
