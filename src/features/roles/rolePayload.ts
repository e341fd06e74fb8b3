import type { MutationPayload } from "../../graphql/mutation.js";
import type { RoleId } from "../../ids.js";
import { findRole, rolesAhead } from "./loader.js";
import { Role } from "./type.js";

/** The payload of changes to one role, which may be that of making it. */
export const rolePayload = (description: string, isNew: boolean): MutationPayload<{ id: RoleId }> => ({
  description,
  ahead: rolesAhead,
  // A new one nobody has yet.
  keepsAccess: () => isNew,
  fields: (t) => ({
    role: t.field({
      type: Role,
      nullable: true,
      description: "The role as it is now; null when the viewer has ceased to see it.",
      resolve: ({ id }, _args, ctx) => findRole(ctx, id),
    }),
  }),
});
