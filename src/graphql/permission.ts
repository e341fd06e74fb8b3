import type { Context } from "./context.js";
import { BadInputError } from "./errors.js";

/**
 * A permission of the catalogue.
 * @throws BadInputError when there is none of that key: a typing error must not read like a no
 */
export function known(ctx: Context, permission: string, field = "permission"): string {
  if (ctx.catalogue.permissions.has(permission)) return permission;
  throw new BadInputError(
    `There is no such permission. The catalogue has: ${[...ctx.catalogue.permissions.keys()].join(", ")}.`,
    field,
  );
}
