import fc from "fast-check";
import { Marks } from "../../src/access/marks.js";
import { newId, type OrganizationId } from "../../src/ids.js";

// What no uuid looks like as well: an id is whatever a row says it is.
const ids = fc
  .oneof(fc.uuid(), fc.string(), fc.constantFrom("", "a", "00000", "é\u{1F600}"))
  .map((id) => id as OrganizationId);

describe("Marks", () => {
  it("are those of a Map, for ids of every kind, there or not", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(ids, fc.nat())), fc.array(ids), (entries, others) => {
        const all = new Map(entries);
        const marks = new Marks(all);

        for (const id of [...all.keys(), ...others]) expect(marks.get(id)).toBe(all.get(id) ?? 0);
      }),
    );
  });

  it("are found among many that were made at once", () => {
    const all = new Map(Array.from({ length: 10_000 }, (_, n) => [newId<OrganizationId>(), n + 1]));
    const marks = new Marks(all);

    expect([...all].filter(([id, bits]) => marks.get(id) !== bits)).toEqual([]);
    expect(marks.get(newId())).toBe(0);
  });
});
