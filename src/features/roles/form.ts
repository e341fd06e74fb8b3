import { z } from "zod";
import { type Catalogue, ROLE_KEY_PATTERN } from "../../access/catalogue.js";
import { InvalidInputFailure } from "../../graphql/failure.js";
import { shownText, text } from "../../graphql/form.js";

export const key = z
  .string()
  .regex(
    ROLE_KEY_PATTERN,
    "A key is made of lower-case letters, digits and hyphens, begins with a letter, and has 63 at most.",
  );
export const name = shownText("A name", 200);
export const description = text("A description", 500);
export const permissions = z.array(z.string());

/**
 * The permissions of an input, each once, in the order of the catalogue.
 * @throws InvalidInputFailure for the first that the catalogue does not have
 */
export function knownPermissions(catalogue: Catalogue, keys: readonly string[]): string[] {
  const stranger = keys.findIndex((one) => !catalogue.permissions.has(one));
  if (stranger >= 0) {
    const known = [...catalogue.permissions.keys()].join(", ");
    throw new InvalidInputFailure(`There is no such permission. The catalogue has: ${known}.`, [
      "input",
      "permissions",
      String(stranger),
    ]);
  }
  const wanted = new Set(keys);
  return [...catalogue.permissions.keys()].filter((one) => wanted.has(one));
}
