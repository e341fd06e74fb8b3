import fc from "fast-check";
import { Access, type Place } from "../../src/access/access.js";
import { newId, type OrganizationId } from "../../src/ids.js";

export const PERMISSIONS = [
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
/** What is given and closed in it. */
export const worlds = fc.record({
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

export type PlacedGrants = typeof worlds extends fc.Arbitrary<infer W> ? W : never;

export const accessOf = ({ places, grants, suspended, archived }: PlacedGrants) =>
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
