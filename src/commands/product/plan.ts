import { type Catalogue, type Product, productOf } from "../../access/catalogue.js";
import { changesOf, type ProductChange, takesAway } from "../../access/productChange.js";
import { appliedProduct } from "../../tenancy/directory/product.js";
import type { Owners } from "../../tenancy/owners.js";
import { type Concerned, type Found, type Home, listHomes, survey } from "./survey.js";

/** A change, and whom it concerns in all tenants together. */
export interface Planned extends Concerned {
  readonly change: ProductChange;
  /** How many it concerns at all. */
  readonly tenants: number;
}

export interface Plan {
  readonly applied: Product;
  readonly changes: readonly ProductChange[];
  readonly planned: readonly Planned[];
  /** Tenants that were looked at. */
  readonly homes: readonly Home[];
}

/**
 * What applying a catalogue would change, for whom: every tenant is looked at, each by itself.
 * @param onHome told of every tenant that something concerns, as soon as it was looked at
 */
export async function planOf(
  owners: Owners,
  wanted: Catalogue,
  onHome: (home: Home, found: readonly Found[]) => void = () => {},
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Plan> {
  const main = await owners.main;
  const applied = await appliedProduct(main);
  const changes = changesOf(applied, productOf(wanted));
  const homes = await listHomes(main);
  const sums = new Map(changes.map((change) => [nameOf(change), { change, tenants: 0, ...NONE }]));
  for (const [done, home] of homes.entries()) {
    onProgress(done, homes.length);
    const found = await survey(await owners.of(home.database), home, changes, { applied, wanted });
    for (const { change, concerned } of found) {
      const sum = sums.get(nameOf(change)) ?? { change, tenants: 0, ...NONE };
      sum.tenants += isAny(concerned) ? 1 : 0;
      for (const count of COUNTS) sum[count] += concerned[count];
      sums.set(nameOf(change), sum);
    }
    onHome(
      home,
      found.filter(({ concerned }) => isAny(concerned)),
    );
  }
  return { applied, changes, planned: [...sums.values()], homes };
}

const nameOf = ({ kind, key }: ProductChange): string => `${kind} ${key}`;
const COUNTS = ["roles", "grants", "people", "offers"] as const;
const NONE: Concerned = { roles: 0, grants: 0, people: 0, offers: 0 };
const isAny = ({ roles, grants, offers }: Concerned): boolean => roles + grants + offers > 0;

/**
 * Whether what is taken away was given: a permission to a role of a tenant's own, a template, or a part of it, to somebody; or
 * is offered to somebody. That owners lose what is gone does not count, for they hold whatever there is.
 */
export const isInUse = ({
  change,
  roles,
  grants,
  offers,
}: { readonly change: ProductChange } & Omit<Concerned, "people">): boolean =>
  takesAway(change) && (change.kind === "PERMISSION" ? roles : grants + offers) > 0;
