import fc from "fast-check";
import { Access, type Place, type Reach } from "../../src/access/access.js";
import { BUILT_IN_PERMISSIONS, type BuiltInPermission } from "../../src/access/catalogue.js";
import { bitsOf } from "../../src/access/rows.js";
import { newId, type OrganizationId } from "../../src/ids.js";
import { accessOf, worlds } from "../support/placedGrants.js";

const REACHES = ["ORGANIZATION", "SUBTREE"] as const;
const asked = fc.record({
  viewer: fc.nat(1),
  at: fc.nat(9),
  // The very row that was asked about before, the same read again, or one of that id that has moved to the root.
  row: fc.constantFrom("same", "again", "moved"),
  permissions: fc.subarray([...BUILT_IN_PERMISSIONS], { minLength: 1, maxLength: 3 }),
  reach: fc.constantFrom(...REACHES),
});

const place = (...path: OrganizationId[]): Place => ({ id: newId<OrganizationId>(), path });
const holding = (at: Place, ...permissions: string[]) =>
  new Access({
    grants: [{ at, reach: "SUBTREE", permissions: new Set(permissions), expiresAt: null }],
    memberOf: [],
    suspended: [],
    archived: [],
  });

const allows = (rows: Access["rows"], row: unknown, bits: number, reach: Reach) =>
  reach === "SUBTREE" ? rows.allow(row, 0, bits) : rows.allow(row, bits, 0);

describe("Access.rows", () => {
  it("says of row after row what is said of each alone, whoever asks for what in between", () => {
    fc.assert(
      fc.property(worlds, worlds, fc.array(asked, { minLength: 1, maxLength: 60 }), (one, other, questions) => {
        // Two viewers of one tree.
        const worldsOfBoth = [one, { ...other, places: one.places }];
        const viewers = worldsOfBoth.map(accessOf);

        for (const { viewer, at, row, permissions, reach } of questions) {
          const { id, path } = one.places[at]!;
          const rows = { same: one.places[at]!, again: { id, path: [...path] }, moved: { id, path: path.slice(0, 1) } };
          const said = allows(viewers[viewer]!.rows, rows[row], bitsOf(permissions), reach);
          const alone = accessOf(worldsOfBoth[viewer]!);
          expect(said).toBe(permissions.every((permission) => alone.allows(rows[row], permission, reach)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([...BUILT_IN_PERMISSIONS])("takes nothing else for %s", (permission) => {
    const at = place();
    const others = BUILT_IN_PERMISSIONS.filter((one) => one !== permission);
    const [holder, lacking] = [holding(at, permission), holding(at, ...others, "invoices:read")];
    const bit = bitsOf([permission]);

    expect(REACHES.map((reach) => allows(holder.rows, at, bit, reach))).toEqual([true, true]);
    expect(others.some((other) => allows(holder.rows, at, bitsOf([other]), "ORGANIZATION"))).toBe(false);
    expect(allows(holder.rows, at, bit | bitsOf([others[0]!]), "ORGANIZATION")).toBe(false);
    expect(allows(lacking.rows, at, bit, "ORGANIZATION")).toBe(false);
  });

  it("allows nothing in what has no place, after a row that allows all", () => {
    const at = place();
    const { rows } = holding(at, ...BUILT_IN_PERMISSIONS);
    const bit = bitsOf(["audit:read"]);

    for (const nowhere of [undefined, null, 5, "row", {}, { id: at.id }, { path: [] }, { id: 5, path: [] }]) {
      expect(allows(rows, at, bit, "ORGANIZATION")).toBe(true);
      expect([nowhere, allows(rows, nowhere, bit, "ORGANIZATION")]).toEqual([nowhere, false]);
    }
  });

  it("asks for what is wanted here, and for what is wanted below, of one row at once", () => {
    const at = place();
    const [read, manage] = [bitsOf(["members:read"]), bitsOf(["members:manage"])];
    const grant = (permission: string, reach: Reach) => ({
      at,
      reach,
      permissions: new Set([permission]),
      expiresAt: null,
    });
    const { rows } = new Access({
      grants: [grant("members:read", "SUBTREE"), grant("members:manage", "ORGANIZATION")],
      memberOf: [],
      suspended: [],
      archived: [],
    });

    expect([rows.allow(at, manage, read), rows.allow(at, read, manage), rows.allow(at, read | manage, 0)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("refuses to judge by a permission that it does not know, by which all would be let through", () => {
    expect(() => bitsOf(["invoices:read" as BuiltInPermission])).toThrow("invoices:read");
  });
});
