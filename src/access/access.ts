import type { OrganizationId } from "../ids.js";
import { earlier } from "./end.js";
import type { Belonging, Held, Place, Reach } from "./held.js";
import { Rows } from "./rows.js";

export type { Belonging, Held, Place, Reach } from "./held.js";

/** The grounds of every decision about one viewer, read in one statement. */
export interface Grounds {
  readonly grants: readonly Held[];
  /** Organizations in which the viewer has a live membership. */
  readonly memberOf: readonly Belonging[];
  /** Organizations of the tenant that are suspended, each of which denies what is in it and below. */
  readonly suspended: readonly Place[];
  /** Archived organizations where the viewer is, above or below: each can be read like before, and used no more, with all below. */
  readonly archived: readonly OrganizationId[];
}

/** A set of organizations that SQL can test a row against: these, or those and anything below, but nothing in or below `blocked`. */
export interface Scope {
  readonly exact: readonly OrganizationId[];
  readonly subtree: readonly OrganizationId[];
  readonly blocked: readonly OrganizationId[];
}

/** What stays possible in a suspended organization for those who may resume it; in an archived one, too, but for the last. */
const WHILE_SUSPENDED = new Set(["organizations:read", "members:read", "audit:read", "organizations:suspend"]);
const READ = "organizations:read";
const RESUME = "organizations:suspend";
/** Beside looking, all that stays possible in an archived organization. */
const RESTORE = "organizations:delete";

/** Where a permission is given: there alone, and there and below. */
interface Given {
  readonly exact: Set<OrganizationId>;
  readonly subtree: Set<OrganizationId>;
}

/**
 * Everything one viewer may do in one tenant session. Answers without I/O, in time that does not grow with the tenant.
 * It is never kept longer than its session: a right withdrawn a moment later must not survive in here.
 */
export class Access {
  /** By permission, of those that were asked for: who may do much is asked about little. */
  readonly #held = new Map<string, Given>();
  readonly #memberOf: ReadonlySet<OrganizationId>;
  readonly #suspended: ReadonlySet<OrganizationId>;
  /** Suspended organizations into which the viewer may not even look. */
  readonly #blocked: ReadonlySet<OrganizationId>;
  /** Where nothing can be done but looking, and setting it right. */
  readonly #notInUse: ReadonlySet<OrganizationId>;
  /** Where nothing can be suspended or resumed. */
  readonly #notResumable: ReadonlySet<OrganizationId>;
  #seen: readonly Place[] | undefined;
  #rows: Rows | undefined;

  constructor(readonly grounds: Grounds) {
    this.#memberOf = new Set(grounds.memberOf.map((place) => place.id));
    this.#suspended = new Set(grounds.suspended.map((place) => place.id));
    this.#blocked = new Set(grounds.suspended.filter((place) => !this.#mayLookInto(place)).map((place) => place.id));
    this.#notInUse = new Set([...this.#suspended, ...grounds.archived]);
    this.#notResumable = new Set([...this.#blocked, ...grounds.archived]);
  }

  /**
   * Whether the viewer may do this in that organization: a live grant there, or one with reach `SUBTREE` above it.
   * With `reach: "SUBTREE"` the permission must hold there and everywhere below.
   */
  allows(place: Place, permission: string, reach: Reach = "ORGANIZATION"): boolean {
    return !touches(this.#closedTo(permission), place) && this.#holds(place, permission, reach);
  }

  /** The same for rows that come one after the other. Whatever asks about one or a few asks `allows`. */
  get rows(): Rows {
    this.#rows ??= new Rows(this.grounds.grants, (permission) => this.#closedTo(permission));
    return this.#rows;
  }

  /**
   * How long the viewer will be allowed this there, as far as their grants say today: the latest end of those that allow it.
   * @returns null when one of them does not end; undefined when nothing allows it
   */
  heldUntil(place: Place, permission: string, reach: Reach = "ORGANIZATION"): Date | null | undefined {
    if (!this.allows(place, permission, reach)) return undefined;
    const ends = this.grounds.grants
      .filter((grant) => grant.permissions.has(permission) && covers(grant, place, reach))
      .map(({ expiresAt }) => expiresAt);
    return ends.reduce((latest, end) => (latest === null || end === null ? null : end > latest ? end : latest));
  }

  /** When the first of the viewer's grants and memberships ends; null when none does. */
  nextEnd(): Date | null {
    const { grants, memberOf } = this.grounds;
    return [...grants, ...memberOf].reduce<Date | null>((next, { expiresAt = null }) => earlier(next, expiresAt), null);
  }

  /** What the viewer's grants alone allow: as if all were in use. For judging what a closed organization only holds up. */
  asIfAllWereOpen(): Access {
    return new Access({ ...this.grounds, suspended: [], archived: [] });
  }

  /** Whether there is any organization at all where the viewer holds all of the permissions, as far as `reach` says. */
  allowsSomewhere(permissions: readonly string[], reach: Reach = "ORGANIZATION"): boolean {
    return this.grounds.grants.some(({ at }) => permissions.every((permission) => this.allows(at, permission, reach)));
  }

  /** Whether an organization that the viewer sees is in use: neither it nor one above it is suspended or archived. */
  isOpen(place: Place): boolean {
    return !touches(this.#notInUse, place);
  }

  /** Whether the organization exists for the viewer. What it answers no to must look missing. */
  sees(place: Place): boolean {
    if (touches(this.#blocked, place)) return false;
    return this.#memberOf.has(place.id) || this.#holds(place, READ, "ORGANIZATION");
  }

  /** Whether a role defined at `place` is usable in any organization that the viewer sees, and so exists for them. */
  seesRoleOf(place: Place): boolean {
    return this.sees(place) || this.#ownSeen.some((seen) => seen.path.includes(place.id));
  }

  /** Whether any organization is visible: whoever sees none sees no role either. */
  seesAnything(): boolean {
    return this.#ownSeen.length > 0;
  }

  /** Whether the viewer holds the permission at the root, with a reach of the whole tenant. */
  allowsEverywhere(permission: string): boolean {
    return this.grounds.grants.some(({ at }) => at.path.length === 0 && this.allows(at, permission, "SUBTREE"));
  }

  /**
   * Whether a person exists for the viewer, other than the viewer: where members may be read in one of the organizations that
   * the person is in. Those in none are for who manages the members of the whole tenant.
   */
  seesMemberOf(places: readonly Place[]): boolean {
    if (places.length === 0) return this.allowsEverywhere("members:manage");
    return places.some((place) => this.allows(place, "members:read"));
  }

  /** Where every one of the permissions is held, for a statement to filter by. */
  scope(...permissions: [string, ...string[]]): Scope {
    // Where all are held, either one was given right there, or the lowest of the grants above reaches down with all of them.
    const [exact, subtree] = [new Set<OrganizationId>(), new Set<OrganizationId>()];
    for (const { at } of this.grounds.grants) {
      if (permissions.every((one) => this.#holds(at, one, "ORGANIZATION"))) exact.add(at.id);
      if (permissions.every((one) => this.#holds(at, one, "SUBTREE"))) subtree.add(at.id);
    }
    const blocked = new Set(permissions.flatMap((one) => [...this.#closedTo(one)]));
    return { exact: [...exact], subtree: [...subtree], blocked: [...blocked] };
  }

  /** The organizations that exist for the viewer, for a statement to filter by. */
  visibleScope(): Scope {
    const { exact, subtree, blocked } = this.scope(READ);
    return { exact: [...new Set([...exact, ...this.#memberOf])], subtree, blocked };
  }

  /** Organizations that the viewer sees for a reason of their own, not because one above them is seen. */
  get #ownSeen(): readonly Place[] {
    const { memberOf, grants } = this.grounds;
    this.#seen ??= [...memberOf, ...grants.map((grant) => grant.at)].filter((place) => this.sees(place));
    return this.#seen;
  }

  #holds(place: Place, permission: string, reach: Reach): boolean {
    const { exact, subtree } = this.#givenAs(permission);
    return (reach === "ORGANIZATION" && exact.has(place.id)) || touches(subtree, place);
  }

  #givenAs(permission: string): Given {
    let given = this.#held.get(permission);
    if (!given) {
      given = { exact: new Set(), subtree: new Set() };
      for (const { permissions, reach, at } of this.grounds.grants)
        if (permissions.has(permission)) (reach === "SUBTREE" ? given.subtree : given.exact).add(at.id);
      this.#held.set(permission, given);
    }
    return given;
  }

  /** Organizations that deny this permission, there and below. */
  #closedTo(permission: string): ReadonlySet<OrganizationId> {
    if (WHILE_SUSPENDED.has(permission)) return permission === RESUME ? this.#notResumable : this.#blocked;
    return permission === RESTORE ? this.#suspended : this.#notInUse;
  }

  /** Reading and resuming remain to those who hold the right to suspend above the topmost suspended organization. */
  #mayLookInto(suspended: Place): boolean {
    const topmost = suspended.path.findIndex((ancestor) => this.#suspended.has(ancestor));
    const above = topmost < 0 ? suspended.path : suspended.path.slice(0, topmost);
    const { subtree } = this.#givenAs(RESUME);
    return above.some((ancestor) => subtree.has(ancestor));
  }
}

/** Whether a grant acts at a place, that far. */
const covers = ({ at, reach: far }: Held, place: Place, reach: Reach): boolean =>
  far === "SUBTREE" ? at.id === place.id || place.path.includes(at.id) : reach === "ORGANIZATION" && at.id === place.id;

/** Whether the place, or anything above it, is one of these. */
function touches(places: ReadonlySet<OrganizationId>, place: Place): boolean {
  return places.size > 0 && (places.has(place.id) || place.path.some((ancestor) => places.has(ancestor)));
}
