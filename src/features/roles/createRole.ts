import { z } from "zod";
import type { Place } from "../../access/access.js";
import { refuseOn } from "../../database/errors.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import { newId, type RoleId } from "../../ids.js";
import { record } from "../audit/record.js";
import { ExceedsYoursFailure, mustHoldNow } from "./exceedsYours.js";
import { description, key, knownPermissions, name, permissions } from "./form.js";
import { rolePayload } from "./rolePayload.js";
import { roles } from "./table.js";

export class RoleKeyTakenFailure extends Failure {
  override readonly name = "RoleKeyTakenFailure";
  readonly code = "ROLE_KEY_TAKEN";
}
failureType(
  RoleKeyTakenFailure,
  "A role of this key is defined there already, or the key is one of the catalogue's. Choose another.",
);

const form = z.object({
  organizationId: z.string().nullish(),
  key,
  name,
  description: description.nullish(),
  permissions,
});

interface NewRole extends Omit<z.output<typeof form>, "organizationId"> {
  /** The role that it is a copy of. */
  readonly clonedFrom?: RoleId;
}

/**
 * Defines a role in an organization for itself and those below, or for the whole tenant. Nobody has it yet, so what it holds
 * matters when it is given; but nobody defines a role that they could not give.
 * @throws RoleKeyTakenFailure  the catalogue or this organization has a role of that key
 * @throws ExceedsYoursFailure  the viewer does not hold a permission there with reach SUBTREE
 * @throws InvalidInputFailure  a permission is not in the catalogue
 */
export async function createRole(
  ctx: Context,
  definedAt: Place | null,
  { key, name, description, permissions, clonedFrom }: NewRole,
): Promise<RoleId> {
  const { session, access, root, now } = scopeOf(ctx);
  const place = definedAt ?? root;
  const taken = () => new RoleKeyTakenFailure(`There is a role ${key} already. Choose another key.`, ["input", "key"]);
  // Whoever says "owner" must mean the built-in role, wherever it is said.
  if (ctx.catalogue.roles.has(key)) throw taken();
  const held = knownPermissions(ctx.catalogue, permissions);
  const field = ["input", clonedFrom ? "roleId" : "permissions"];
  mustHoldNow(access, { permissions: held, at: place, reach: "SUBTREE" }, "define", field);

  const id = newId<RoleId>();
  const own = { key, name, description: description ?? null, permissions: held };
  await refuseOn(
    { roles_organization_key: taken, roles_tenant_key: taken },
    session.db.insert(roles).values({
      ...own,
      tenantId: session.tenantId,
      id,
      organizationId: definedAt?.id ?? null,
      createdAt: now,
      updatedAt: now,
    }),
  );
  record(ctx, {
    action: "role.created",
    organizationId: place.id,
    targetType: "Role",
    targetId: id,
    changes: { after: own, ...(clonedFrom && { clonedFrom }) },
  });
  return id;
}

mutation<z.output<typeof form>, { id: RoleId }>("createRole", {
  description:
    "Defines a role in an organization, for itself and those below; without an organization, for the whole tenant. Needs `roles:manage` there (for the tenant: at the root), and every permission of the role, all with reach SUBTREE.",
  input: (t) => ({
    organizationId: t.id({ description: "Where it is defined; left out for a role of the whole tenant." }),
    key: t.string({
      required: true,
      description: "What programs call it: lower-case letters, digits and hyphens, unique where the role is defined.",
    }),
    name: t.string({ required: true, description: "What people call it: 1 to 200 characters." }),
    description: t.string({ description: "What it is for: at most 500 characters." }),
    permissions: t.stringList({ required: true, description: "What it allows, as keys of the catalogue." }),
  }),
  form,
  payload: rolePayload("The role was defined.", true),
  failures: [RoleKeyTakenFailure, ExceedsYoursFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ organizationId, ...input }, ctx) => {
    const place = organizationId == null ? null : getNamed(ctx, "Organization", organizationId).place;
    return { id: await createRole(ctx, place, input) };
  },
});
