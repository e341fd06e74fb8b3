import fc from "fast-check";
import type { Belonging, TenantSketch, Tree } from "./world.js";

const MOST_LEVELS = 6;
const PERMISSIONS = [
  "organizations:read",
  "members:read",
  "organizations:create",
  "organizations:suspend",
  "organizations:delete",
  "audit:read",
];
const PAST = new Date("2026-01-01T00:00:00Z");
const FUTURE = new Date("2126-01-01T00:00:00Z");

/**
 * Tenants of every shape: trees of up to six levels, branches that are suspended or archived, and two people, `vera` and `otto`, with all kinds of
 * memberships and grants, ended ones too.
 */
export const anySketch: fc.Arbitrary<TenantSketch> = fc
  .array(fc.nat(), { maxLength: 11 })
  .map(toParents)
  .chain((parents) => {
    const slugs = parents.map((_, n) => `o${n}`);
    return fc.record({
      tree: fc.constant(toTree(parents)),
      suspended: someOf(slugs, 3),
      archived: someOf(slugs, 2),
      people: fc.record({ vera: belongingsAt(slugs, 5), otto: belongingsAt(slugs, 3) }),
      roles: fc.record({
        local: fc.record({
          at: fc.constantFrom(...slugs),
          permissions: fc.subarray(PERMISSIONS),
        }),
      }),
    });
  });

/** Each parent by its place in the list, which is before its own; the root has none. */
function toParents(numbers: readonly number[]): (number | null)[] {
  const parents: (number | null)[] = [null];
  const levels = [1];
  for (const number of numbers) {
    const wanted = number % parents.length;
    const parent = levels[wanted]! < MOST_LEVELS ? wanted : 0;
    parents.push(parent);
    levels.push(levels[parent]! + 1);
  }
  return parents;
}

function toTree(parents: readonly (number | null)[]): Tree {
  const below = (parent: number | null): Tree =>
    Object.fromEntries(parents.flatMap((one, n) => (one === parent ? [[`o${n}`, below(n)]] : [])));
  return below(null);
}

function belongingsAt(slugs: readonly string[], most: number, can = PERMISSIONS): fc.Arbitrary<Belonging[]> {
  return someOf(slugs, most).chain((places) => fc.tuple(...places.map((at) => belongingAt(at, can))));
}

const someOf = <T>(all: readonly T[], most: number) => fc.subarray([...all], { maxLength: Math.min(most, all.length) });

const often = <T>(usual: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 4 }, { arbitrary: other, weight: 1 });

const belongingAt = (at: string, can: readonly string[]): fc.Arbitrary<Belonging> =>
  fc.record({
    at: fc.constant(at),
    roles: fc.subarray(["owner", "admin", "member", "guest", "accountant", "local"], { maxLength: 2 }),
    can: fc.subarray([...can]),
    reach: fc.constantFrom("ORGANIZATION" as const, "SUBTREE" as const),
    until: often<Date>(FUTURE, fc.constant(PAST)),
    grantsUntil: often<Date>(FUTURE, fc.constant(PAST)),
    suspended: often(false, fc.constant(true)),
  });

const ALL_KINDS = [
  ...PERMISSIONS,
  "members:manage",
  "members:invite",
  "domains:manage",
  "organizations:update",
  "roles:manage",
  "invoices:approve",
];

/**
 * Tenants of the same shapes with more in them: an owner, three people of whom one may be shut out, roles of the tenant and of
 * an organization that hold anything, and things that happened.
 */
export const anyTenant: fc.Arbitrary<TenantSketch> = anySketch.chain((sketch) => {
  const slugs = slugsIn(sketch.tree);
  return fc.record({
    tree: fc.constant(sketch.tree),
    suspended: someOf([...slugs, "ira"], 2),
    archived: someOf(slugs, 1),
    formerly: someOf(slugs, 2).map((those) => Object.fromEntries(those.map((slug) => [slug, [`${slug}-before`]]))),
    people: fc.record({
      olga: fc.constant([{ at: slugs[0]!, roles: ["owner"], reach: "SUBTREE" as const }]),
      vera: belongingsAt(slugs, 5, ALL_KINDS),
      otto: belongingsAt(slugs, 3, ALL_KINDS),
      ira: belongingsAt(slugs, 4, ALL_KINDS),
      nobody: fc.constant([]),
    }),
    roles: fc.record({
      local: fc.record({ at: fc.constantFrom(...slugs), permissions: fc.subarray(ALL_KINDS) }),
      wide: fc.record({ permissions: fc.subarray(ALL_KINDS) }),
    }),
    invited: someOf(slugs, 3).map((those) => Object.fromEntries(those.map((slug) => [slug, ["ivo", "iva"]]))),
    asking: someOf(slugs, 2).map((those) => Object.fromEntries(those.map((slug) => [slug, ["jo"]]))),
    claims: someOf(slugs, 2).map((those) => Object.fromEntries(those.map((slug) => [slug, ["one.test"]]))),
    events: fc.constant(Object.fromEntries(slugs.map((slug, n) => [slug, n % 3]))),
  });
});

const slugsIn = (tree: Tree): string[] => Object.entries(tree).flatMap(([slug, below]) => [slug, ...slugsIn(below)]);
