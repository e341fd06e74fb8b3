import { z } from "zod";
import { stillThere } from "../../access/catalogue.js";
import { getNamed } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import { idOf } from "../../graphql/nodeId.js";
import type { RoleId } from "../../ids.js";
import { createRole, RoleKeyTakenFailure } from "./createRole.js";
import { ExceedsYoursFailure } from "./exceedsYours.js";
import { description, key, name } from "./form.js";
import { findRole } from "./loader.js";
import { rolePayload } from "./rolePayload.js";

const form = z.object({
  roleId: z.string(),
  organizationId: z.string().nullish(),
  key,
  name: name.nullish(),
  description: description.nullish(),
});

mutation<z.output<typeof form>, { id: RoleId }>("cloneRole", {
  description:
    "Defines a role that allows the same as another one which the viewer sees, be it built in, the product's, or defined anywhere. From then on the two have nothing to do with each other. Needs what `createRole` needs.",
  input: (t) => ({
    roleId: t.id({ required: true, description: "The role to copy." }),
    organizationId: t.id({ description: "Where the copy is defined; left out for a role of the whole tenant." }),
    key: t.string({
      required: true,
      description: "What programs call it: lower-case letters, digits and hyphens, unique where the role is defined.",
    }),
    name: t.string({
      description: "What people call it: 1 to 200 characters. Null, like nothing, takes that of the other.",
    }),
    description: t.string({
      description: "What it is for: at most 500 characters; null for nothing. Left out: that of the other.",
    }),
  }),
  form,
  payload: rolePayload("The role was defined.", true),
  failures: [RoleKeyTakenFailure, ExceedsYoursFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ roleId, organizationId, key, name, description }, ctx) => {
    const place = organizationId == null ? null : getNamed(ctx, "Organization", organizationId).place;
    const id = idOf<RoleId>("Role", roleId);
    const role = id && (await findRole(ctx, id));
    if (!role) throw new NotFoundFailure("There is no such role, or you cannot see it.", ["input", "roleId"]);
    const clone = {
      key,
      name: name ?? role.name,
      description: description === undefined ? role.description : description,
      permissions: stillThere(ctx.catalogue, role.permissions),
      clonedFrom: role.id,
    };
    return { id: await createRole(ctx, place, clone) };
  },
});
