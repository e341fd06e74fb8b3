import fc from "fast-check";
import type { Place } from "../../src/access/access.js";
import type { OrganizationId } from "../../src/ids.js";
import { accessOf, PERMISSIONS, worlds } from "../support/placedGrants.js";

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
