import type { Access, Place, Reach } from "./access.js";

/** Permissions that act at a place, this far, until then. */
export interface Right {
  readonly permissions: Iterable<string>;
  readonly at: Place;
  readonly reach: Reach;
  /** Null for a right that does not end. */
  readonly until: Date | null;
}

/** Why a right is more than somebody holds. */
export interface Excess {
  /** What they do not hold there, or not that far; `[]` where all that is missing is time. */
  readonly missing: readonly string[];
  /** When the first of what they do hold ends; null where none of it does, or where something is missing. */
  readonly latest: Date | null;
}

/**
 * What keeps somebody from giving a right: they must hold each permission wherever it will act, and at least as long.
 * @returns null when nothing does
 */
export function excessOf(access: Access, { permissions, at, reach, until }: Right): Excess | null {
  const missing: string[] = [];
  let latest: Date | null = null;
  for (const permission of permissions) {
    const held = access.heldUntil(at, permission, reach);
    if (held === undefined) missing.push(permission);
    else if (held !== null && (latest === null || held < latest)) latest = held;
  }
  if (missing.length > 0) return { missing, latest: null };
  return latest !== null && (until === null || until > latest) ? { missing, latest } : null;
}

/** What of a right somebody does not hold, and so cannot withdraw from others either; `[]` when they hold all of it. */
export function missingOf(access: Access, { permissions, at, reach }: Omit<Right, "until">): string[] {
  return [...permissions].filter((permission) => !access.allows(at, permission, reach));
}
