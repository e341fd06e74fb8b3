import type { Access, Place } from "../access/access.js";
import type { UserId } from "../ids.js";
import { type IdType, idOf } from "./nodeId.js";

/** Kinds of things that the arguments of a guarded field can name. Each stands in one organization, which the rule asks about. */
export const NAMEABLE = ["Organization", "Membership", "Grant", "Role", "Invitation", "JoinRequest"] as const;
export type Nameable = (typeof NAMEABLE)[number];

/** Something that arguments name, as its id says it. */
export interface Name {
  readonly type: Nameable;
  readonly id: string;
}

/** Something that arguments name and that is there: where it stands, whoever may see it. */
export interface Named extends Name {
  /** The organization it is, or stands in; of a role of the whole tenant, and of a fixed one, the root. */
  readonly place: Place;
  /** Whose membership or grant it is. */
  readonly userId: UserId | null;
  /** When the membership, or that of the grant, ends; null for what has no end. */
  readonly expiresAt: Date | null;
}

/** What the access statement found of the things that an operation names. */
export class AllNamed {
  readonly #found: ReadonlyMap<string, Named>;

  constructor(found: readonly Named[]) {
    this.#found = new Map(found.map((one) => [`${one.type}:${one.id}`, one]));
  }

  /** Undefined where there is no such thing. */
  get({ type, id }: Name): Named | undefined {
    return this.#found.get(`${type}:${id}`);
  }

  /** Whether something is there, and all of it are memberships and grants of others than this user. */
  isOfOthers(user: UserId): boolean {
    const owners = [...this.#found.values()].map(({ userId }) => userId);
    return owners.length > 0 && owners.every((owner) => owner !== null && owner !== user);
  }
}

/** The uuid in the global id that arguments hold at a path; null when there is none, or not an id of that type. */
export function idIn(args: unknown, path: readonly string[], type: IdType): string | null {
  const value = valueIn(args, path);
  return typeof value === "string" ? idOf(type, value) : null;
}

/** What arguments name at a path; null when it is nothing of that type. */
export const nameIn = (args: unknown, path: readonly string[], type: Nameable): Name | null =>
  toName(valueIn(args, path), type);

/** What arguments name at a path, in order: the id there, or each of a list. Null where one is nothing of that type. */
export function namesIn(args: unknown, path: readonly string[], type: Nameable): readonly Name[] | null {
  const value = valueIn(args, path);
  const names = (Array.isArray(value) ? value : [value]).map((one) => toName(one, type));
  return names.includes(null) ? null : (names as Name[]);
}

function toName(value: unknown, type: Nameable): Name | null {
  const id = typeof value === "string" ? idOf(type, value) : null;
  return id === null ? null : { type, id };
}

/** Whether arguments hold anything at a path; null is nothing. */
export const isGiven = (args: unknown, path: readonly string[]): boolean => valueIn(args, path) != null;

/** What arguments hold at a path. */
export const valueIn = (args: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (typeof at === "object" && at !== null ? (at as never)[key] : undefined), args);

/** Whether what is named exists for the viewer. What does not must look missing. */
export function seesNamed(access: Access, viewerId: string, { type, place, userId }: Named): boolean {
  if (type === "Role") return access.seesRoleOf(place);
  if (!access.sees(place)) return false;
  if (type === "Invitation") return access.allows(place, "members:invite");
  if (type === "JoinRequest") return access.allows(place, "domains:manage");
  return type === "Organization" || userId === viewerId || access.allows(place, "members:read");
}
