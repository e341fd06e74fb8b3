import type { OrganizationId } from "../ids.js";

/** Where something stands in a tenant's tree: an organization, and its ancestors from the root down. */
export interface Place {
  readonly id: OrganizationId;
  readonly path: readonly OrganizationId[];
}

export type Reach = "ORGANIZATION" | "SUBTREE";

/** A live grant of the viewer: what it holds, where it sits, how far it reaches. */
export interface Held {
  readonly at: Place;
  readonly reach: Reach;
  readonly permissions: ReadonlySet<string>;
  /** Null where it does not end. */
  readonly expiresAt: Date | null;
}

/** Where the viewer has a live membership. */
export interface Belonging extends Place {
  /** When it ends; null where it does not, or nobody asks. */
  readonly expiresAt?: Date | null;
}

/** Whether something has a place: is, or carries, where it stands. */
export function isPlace(one: unknown): one is Place {
  if (typeof one !== "object" || one === null) return false;
  const { id, path } = one as Partial<Place>;
  return typeof id === "string" && Array.isArray(path);
}
