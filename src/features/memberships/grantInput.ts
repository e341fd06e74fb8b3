import { z } from "zod";
import type { Place, Reach as ReachValue } from "../../access/access.js";
import { builder } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { Reach } from "../organizations/reach.js";
import { usableRolesOf } from "../roles/loader.js";
import type { Role } from "../roles/role.js";
import { RoleRef, roleRef } from "../roles/roleRef.js";

export const GrantInput = builder.inputType("GrantInput", {
  description: "A role to give, how far it reaches, and until when.",
  fields: (t) => ({
    role: t.field({ type: RoleRef, required: true, description: "A role that is usable in the organization." }),
    reach: t.field({ type: Reach, defaultValue: "ORGANIZATION", description: "How far it reaches." }),
    expiresAt: t.field({ type: "DateTime", description: "When it ends; left out for no end." }),
  }),
});

export const grantInput = z.object({
  role: roleRef,
  reach: z.enum(["ORGANIZATION", "SUBTREE"]).nullish(),
  expiresAt: z.date().nullish(),
});
export const grantInputs = z.array(grantInput);

/** A grant as somebody wants it to be. */
export interface Wanted {
  readonly role: Role;
  readonly reach: ReachValue;
  readonly expiresAt: Date | null;
  /** Where the input asks for it. */
  readonly field: readonly string[];
}

/**
 * What the grants of an input mean in an organization.
 * @throws NotFoundFailure      a role that is not usable there
 * @throws InvalidInputFailure  an end that has passed, or the same role with the same reach twice
 */
export async function readWanted(
  ctx: Context,
  place: Place,
  inputs: readonly z.output<typeof grantInput>[],
  fieldOf: (index: number) => readonly string[],
): Promise<Wanted[]> {
  const scope = scopeOf(ctx);
  const refs = inputs.map(({ role }) => role);
  const roles = await usableRolesOf(scope, ctx.catalogue, place, refs);
  const seen = new Set<string>();
  return inputs.map((input, index) => {
    const field = fieldOf(index);
    const role = roles[index];
    if (!role)
      throw new NotFoundFailure("There is no such role, or it is not usable in this organization.", [...field, "role"]);
    const reach = input.reach ?? "ORGANIZATION";
    if (seen.has(`${role.id} ${reach}`))
      throw new InvalidInputFailure("This role is there twice with the same reach. Keep one.", field);
    seen.add(`${role.id} ${reach}`);
    return { role, reach, expiresAt: mustBeAhead(input.expiresAt, scope.now, [...field, "expiresAt"]), field };
  });
}

/**
 * An end that is still ahead by the database's clock, or null for none.
 * @throws InvalidInputFailure
 */
export function mustBeAhead(end: Date | null | undefined, now: Date, field: readonly string[]): Date | null {
  if (end && end <= now) throw new InvalidInputFailure("This end has passed. Give one that is still ahead.", field);
  return end ?? null;
}
