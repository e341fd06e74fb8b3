import fc from "fast-check";
import { isUuid, newId } from "../src/ids.js";

const msOf = (id: string) => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

describe("a new identifier", () => {
  it("is a uuid of version 7 that tells its millisecond", () => {
    const before = Date.now();

    const id = newId<never>() as string;

    expect(isUuid(id)).toBe(true);
    expect(id).toMatch(/^.{14}7.{4}[89ab]/);
    expect(msOf(id)).toBeGreaterThanOrEqual(before);
    expect(msOf(id)).toBeLessThanOrEqual(Date.now() + 1);
  });

  it("comes after every one made before, whether the clock stands, runs or is set back", () => {
    const soon = Date.now() + 1000;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 200 }), (moves) => {
        let now = soon;
        const made = moves.map((by) => {
          now += by;
          return newId<never>(now) as string;
        });

        expect(made).toEqual([...new Set(made)].sort());
      }),
    );
  });

  it("comes after every one made before where more are made in a millisecond than its counter counts", () => {
    const now = Date.now() + 10_000;

    const made = Array.from({ length: 10_000 }, () => newId<never>(now) as string);

    expect(made).toEqual([...new Set(made)].sort());
    expect(msOf(made.at(-1)!)).toBeLessThanOrEqual(now + 3);
  });
});
