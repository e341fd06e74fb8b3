import type { OrganizationId } from "../ids.js";
import { BUILT_IN_PERMISSIONS, type BuiltInPermission } from "./catalogue.js";
import { type Held, isPlace } from "./held.js";
import { Marks } from "./marks.js";

/** Built-in permissions, a bit for each. */
export type Bits = number;

const BITS = new Map<string, Bits>(BUILT_IN_PERMISSIONS.map((permission, n) => [permission, 1 << n]));

/** Permissions that a rule asks for, as bits. */
export function bitsOf(permissions: readonly BuiltInPermission[]): Bits {
  return permissions.reduce<Bits>((bits, permission) => {
    const bit = BITS.get(permission);
    // Without a bit it would be asked for by nobody, and all would be let through.
    if (!bit) throw new Error(`${permission} is not a permission that rows are judged by.`);
    return bits | bit;
  }, 0);
}

/**
 * What a viewer may do in one row after another, made for fields that are asked for in thousands of rows: all permissions are
 * worked out at once for a row, and kept until the next row comes. Says what `Access.allows` says, on the same grounds, which
 * never change; it knows rows, not ids, so that another row is judged by its own path.
 */
export class Rows {
  /** What is given in an organization and below, what is given there alone, and what is denied there and below. */
  readonly #below: Marks;
  readonly #here: Marks;
  readonly #closed: ReadonlyMap<OrganizationId, Bits>;
  /** Given at the root with reach, and so in every row. */
  readonly #everywhere: Bits = 0;
  /** Given anywhere: where a row has all of it already, nobody has to look further. */
  readonly #most: Bits = 0;

  /** Given at the root with reach while nothing is closed to it: allowed in every row there is. */
  readonly all: Bits;

  /** The row at hand, and what is allowed in it, and in it and below. */
  #row: unknown;
  #near: Bits = 0;
  #deep: Bits = 0;

  /** @param closedTo organizations that deny a permission, there and below */
  constructor(grants: readonly Held[], closedTo: (permission: string) => ReadonlySet<OrganizationId>) {
    const below = new Map<OrganizationId, Bits>();
    const here = new Map<OrganizationId, Bits>();
    const denied = new Map<OrganizationId, Bits>();
    for (const { at, reach, permissions } of grants) {
      const bits = bitsIn(permissions);
      mark(reach === "SUBTREE" ? below : here, at.id, bits);
      if (reach === "SUBTREE" && at.path.length === 0) this.#everywhere |= bits;
      this.#most |= bits;
    }
    this.#below = new Marks(below);
    this.#here = new Marks(here);
    // Many permissions share a set, which may be long.
    const sets = new Map<ReadonlySet<OrganizationId>, Bits>();
    for (const [permission, bit] of BITS) {
      const set = closedTo(permission);
      sets.set(set, (sets.get(set) ?? 0) | bit);
    }
    let closed: Bits = 0;
    for (const [set, bits] of sets) {
      if (set.size > 0) closed |= bits;
      for (const id of set) mark(denied, id, bits);
    }
    this.#closed = denied;
    this.all = this.#everywhere & ~closed;
  }

  /** Whether the viewer may do all of `here` in the row, and all of `below` in it and everywhere below. What is no place allows nothing. */
  allow(row: unknown, here: Bits, below: Bits): boolean {
    if (row !== this.#row) this.#turnTo(row);
    return (this.#near & here) === here && (this.#deep & below) === below;
  }

  #turnTo(row: unknown): void {
    this.#row = row;
    this.#near = this.#deep = 0;
    if (!isPlace(row)) return;
    const { id, path } = row;
    let deep = this.#everywhere;
    // What is given at the root is in it already.
    for (let n = 1; n < path.length && deep !== this.#most; n++) deep |= this.#below.get(path[n]!);
    if (deep !== this.#most) deep |= this.#below.get(id);
    let near = deep;
    if (near !== this.#most) near |= this.#here.get(id);
    if (this.#closed.size > 0) {
      let closed = this.#closed.get(id) ?? 0;
      for (const ancestor of path) closed |= this.#closed.get(ancestor) ?? 0;
      near &= ~closed;
      deep &= ~closed;
    }
    this.#near = near;
    this.#deep = deep;
  }
}

/** Of sets that many grants share and nothing is ever added to. */
const known = new WeakMap<ReadonlySet<string>, Bits>();

function bitsIn(permissions: ReadonlySet<string>): Bits {
  let bits = known.get(permissions);
  if (bits === undefined) {
    bits = 0;
    for (const [one, bit] of BITS) if (permissions.has(one)) bits |= bit;
    known.set(permissions, bits);
  }
  return bits;
}

function mark(marks: Map<OrganizationId, Bits>, id: OrganizationId, bits: Bits): void {
  marks.set(id, (marks.get(id) ?? 0) | bits);
}
