import type { GraphQLError } from "graphql";
import { refusal } from "../errors.js";
import { isStorable } from "../text.js";
import type { DocumentLimits } from "./defaults.js";

export { DEFAULT_LIMITS, type DocumentLimits } from "./defaults.js";

/** A count that stopped at its limit, because the rest would cost what the limit protects. */
export const MORE = Number.POSITIVE_INFINITY;

/** A refusal with status 400 and code `BAD_USER_INPUT`; every one of this room is made here. */
export function badInput(message: string, limit?: keyof DocumentLimits): GraphQLError {
  return refusal("BAD_USER_INPUT", message, 400, limit && { limit });
}

/**
 * Returns when `found` is within the limit, else throws `<subject> <says(found)>; at most <allowed> are allowed.`
 * @throws GraphQLError code `BAD_USER_INPUT`, status 400, `extensions.limit` the name of the setting
 */
export function hold(
  limits: DocumentLimits,
  limit: keyof DocumentLimits,
  found: number,
  says: (found: string) => string,
  subject = "The document",
): void {
  const allowed = limits[limit];
  if (found <= allowed) return;
  // Multiplied counts outgrow exact numbers; nobody needs their digits.
  const words = found <= 1_000_000 ? `${found}` : `more than ${found === MORE ? allowed : 1_000_000}`;
  throw badInput(`${subject} ${says(words)}; at most ${allowed} are allowed.`, limit);
}

/**
 * Returns when `text` can be stored.
 * @throws GraphQLError code `BAD_USER_INPUT`, status 400
 */
export function holdText(subject: string, text: string): void {
  if (!isStorable(text)) throw badInput(`${subject} has a character that no text can hold.`);
}

/**
 * Returns when `key` can be the key of an object from outside: a copy of one with `__proto__` would change its prototype.
 * @throws GraphQLError code `BAD_USER_INPUT`, status 400
 */
export function holdKey(subject: string, key: string): void {
  holdText(subject, key);
  if (key === "__proto__") throw badInput(`${subject} has a key "__proto__", which is not accepted.`);
}
