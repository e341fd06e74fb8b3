import { isUuid } from "../ids.js";
import { BadInputError } from "./errors.js";

/** Types that have a global id. What is not listed has none, so a new type cannot be reached by accident. */
export type IdType =
  | "Tenant"
  | "Organization"
  | "User"
  | "Membership"
  | "Grant"
  | "Role"
  | "OwnershipOffer"
  | "Invitation"
  | "JoinRequest"
  | "OrganizationDomain"
  | "AuditEvent";

/** How many ids one argument may hold. */
export const MOST_IDS = 100;

/** A global id: base64url of type and uuid. It names a thing and opens nothing; it never changes. */
export const encodeId = (type: IdType, id: string): string => Buffer.from(`${type}:${id}`).toString("base64url");

/**
 * Type and uuid of a global id, or null for a text that is not one. There is one spelling of each id: any other text that
 * would decode to the same is refused.
 */
export function parseId(text: string): { readonly type: string; readonly id: string } | null {
  if (text.length > 100) return null;
  const [type, id, ...rest] = Buffer.from(text, "base64url").toString("latin1").split(":");
  if (!type || !id || rest.length > 0 || !isUuid(id)) return null;
  return Buffer.from(`${type}:${id}`).toString("base64url") === text ? { type, id } : null;
}

/** The uuid in a global id of this type; null for any other text. */
export function idOf<T extends string>(type: IdType, text: string): T | null {
  const parsed = parseId(text);
  return parsed?.type === type ? (parsed.id as T) : null;
}

/**
 * The same, for a text that can be nothing else.
 * @param field where it stood, for the message: `by.id`
 * @throws BadInputError when it is not an id, or one of another type
 */
export function decodeId<T extends string>(type: IdType, text: string, field: string): T {
  const id = idOf<T>(type, text);
  if (id === null) throw new BadInputError(`\`${field}\` is not the id of ${article(type)} ${type}.`, field);
  return id;
}

const article = (noun: string): string => (/^[AEIOU]/.test(noun) && noun !== "User" ? "an" : "a");
