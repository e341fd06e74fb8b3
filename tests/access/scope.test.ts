import fc from "fast-check";
import { Access, type Place } from "../../src/access/access.js";
import { newId, type OrganizationId } from "../../src/ids.js";

const PERMISSIONS = [
  "organizations:read",
  "members:read",
  "invoices:read",
  "members:manage",
  "organizations:suspend",
  "organizations:delete",
];

/** A tree of ten places: each but the first below one before it. */
const trees = fc.tuple(...Array.from({ length: 9 }, (_, n) => fc.nat(n))).map((parents) => {
  const places: Place[] = [{ id: newId<OrganizationId>(), path: [] }];
  for (const parent of parents) {
    const { id, path } = places[parent]!;
    places.push({ id: newId<OrganizationId>(), path: [...path, id] });
  }
  return places;
});
const worlds = fc.record({
  places: trees,
  grants: fc.array(
    fc.record({
      at: fc.nat(9),
      reach: fc.constantFrom("ORGANIZATION" as const, "SUBTREE" as const),
      permissions: fc.subarray(PERMISSIONS),
    }),
    { maxLength: 6 },
  ),
  suspended: fc.array(fc.nat(9), { maxLength: 2 }),
  archived: fc.array(fc.nat(9), { maxLength: 2 }),
});

const accessOf = ({ places, grants, suspended, archived }: typeof worlds extends fc.Arbitrary<infer W> ? W : never) =>
  new Access({
    grants: grants.map(({ at, reach, permissions }) => ({
      at: places[at]!,
      reach,
      permissions: new Set(permissions),
      expiresAt: null,
    })),
    memberOf: [],
    suspended: suspended.map((n) => places[n]!),
    archived: archived.map((n) => places[n]!.id),
  });

describe("Access.scope", () => {
  it("is where every one of the permissions is allowed, and nowhere else", () => {
    fc.assert(
      fc.property(worlds, fc.subarray(PERMISSIONS, { minLength: 1 }), (world, [first, ...more]) => {
        const access = accessOf(world);
        const { exact, subtree, blocked } = access.scope(first!, ...more);
        const reaches = (ids: readonly OrganizationId[], { id, path }: Place) =>
          ids.includes(id) || path.some((above) => ids.includes(above));

        for (const place of world.places) {
          const isIn = (exact.includes(place.id) || reaches(subtree, place)) && !reaches(blocked, place);
          expect(isIn).toBe([first!, ...more].every((permission) => access.allows(place, permission)));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("Access.allowsEverywhere", () => {
  it("asks for a grant at the root that reaches down, and for a root that is in use", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const [root] = world.places;

        expect(accessOf(world).allowsEverywhere("members:manage")).toBe(
          accessOf(world).allows(root!, "members:manage", "SUBTREE"),
        );
      }),
    );
  });
});
