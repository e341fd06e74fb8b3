import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { stillThere } from "../../access/catalogue.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import type { Named } from "../../graphql/named.js";
import type { RoleId } from "../../ids.js";
import { type Changes, patchOf } from "../audit/patch.js";
import { record } from "../audit/record.js";
import { ExceedsYoursFailure, mustHold, mustHoldNow } from "./exceedsYours.js";
import { description, knownPermissions, name, permissions } from "./form.js";
import { rolePayload } from "./rolePayload.js";
import { roles } from "./table.js";

export class FixedRoleFailure extends Failure {
  override readonly name = "FixedRoleFailure";
  readonly code = "FIXED_ROLE";
}
failureType(FixedRoleFailure, "The role is built in, or a template of the product, and the same in every tenant.");

/** @throws FixedRoleFailure for a role of the catalogue */
export function mustNotBeFixed({ catalogue }: Context, id: RoleId): void {
  if (!catalogue.rolesById.has(id)) return;
  const message = "This role cannot be changed. Define one of your own with createRole or cloneRole.";
  throw new FixedRoleFailure(message, ["input", "roleId"]);
}

const form = z.object({
  roleId: z.string(),
  name: name.nullish(),
  description: description.nullish(),
  permissions: permissions.nullish(),
});

/**
 * Changes a role, for everybody who has it, from their next request on. The tenant's lock is held alone, so that nobody is
 * given the role while it grows.
 * @throws FixedRoleFailure     the role is the catalogue's
 * @throws ExceedsYoursFailure  it gains, or loses, what the viewer does not hold where the role may be given, or not for ever
 * @throws InvalidInputFailure  a permission is not in the catalogue
 */
export async function updateRole(
  ctx: Context,
  { id, place }: Named,
  { name, description, permissions }: Omit<z.output<typeof form>, "roleId">,
): Promise<void> {
  mustNotBeFixed(ctx, id as RoleId);
  const { session, access, now } = scopeOf(ctx);
  const itself = and(eq(roles.tenantId, session.tenantId), eq(roles.id, id as RoleId));
  const [before] = await session.db.select().from(roles).where(itself);
  const wanted = permissions == null ? before!.permissions : knownPermissions(ctx.catalogue, permissions);
  const everywhere = { at: place, reach: "SUBTREE" } as const;
  const field = ["input", "permissions"];
  const gained = wanted.filter((one) => !before!.permissions.includes(one));
  const lost = stillThere(ctx.catalogue, before!.permissions).filter((one) => !wanted.includes(one));
  if (gained.length > 0) mustHold(access, { permissions: gained, ...everywhere, until: null }, "roles:manage", field);
  mustHoldNow(access, { permissions: lost, ...everywhere }, "withdraw", field);

  const changes: Changes = patchOf(before!, { name: name ?? undefined, description, permissions: wanted });
  if (Object.keys(changes.after).length === 0) return;
  await session.db
    .update(roles)
    .set({ ...changes.after, updatedAt: now })
    .where(itself);
  record(ctx, {
    action: "role.updated",
    organizationId: place.id,
    targetType: "Role",
    targetId: id,
    changes,
  });
}

mutation<z.output<typeof form>, { id: RoleId }>("updateRole", {
  description:
    "Changes a role for everybody who has it. What is left out stays. Needs `roles:manage` where it is defined (of a tenant's role: at the root), and every permission it gains or loses, all with reach SUBTREE and without an end.",
  input: (t) => ({
    roleId: t.id({ required: true, description: "The role to change." }),
    name: t.string({ description: "What people call it: 1 to 200 characters. Null, like nothing, keeps it." }),
    description: t.string({ description: "What it is for: at most 500 characters; null removes it." }),
    permissions: t.stringList({
      description: "All that it allows from now on, as keys of the catalogue. Null, like nothing, keeps them.",
    }),
  }),
  form,
  payload: rolePayload("The role was changed.", false),
  failures: [FixedRoleFailure, ExceedsYoursFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ roleId, ...input }, ctx) => {
    const role = getNamed(ctx, "Role", roleId);
    await updateRole(ctx, role, input);
    return { id: role.id as RoleId };
  },
});
