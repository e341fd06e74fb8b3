import { Access, type Grounds, type Held } from "../../src/access/access.js";
import { isSame } from "../../src/access/same.js";
import type { OrganizationId } from "../../src/ids.js";

const [root, north, south] = ["root", "north", "south"] as OrganizationId[] as [
  OrganizationId,
  OrganizationId,
  OrganizationId,
];
const place = (id: OrganizationId, path: OrganizationId[] = [root]) => ({ id, path });
const held: Held = {
  at: place(north),
  reach: "SUBTREE",
  permissions: new Set(["members:read", "audit:read"]),
  expiresAt: new Date(5000),
};
const grounds: Grounds = {
  grants: [held, { ...held, at: place(south), expiresAt: null }],
  memberOf: [place(north), place(south)],
  suspended: [place(south)],
  archived: [north],
};
const compare = (other: Grounds) => isSame(new Access(grounds), new Access(other));

describe("isSame", () => {
  it("holds for what is said in another order", () => {
    expect(
      compare({
        grants: grounds.grants
          .map((grant) => ({ ...grant, permissions: new Set([...grant.permissions].reverse()) }))
          .reverse(),
        memberOf: [...grounds.memberOf].reverse(),
        suspended: [...grounds.suspended],
        archived: [...grounds.archived],
      }),
    ).toBe(true);
  });

  const [, other] = grounds.grants;
  it.each<[string, Partial<Grounds>]>([
    ["a grant less", { grants: [held] }],
    ["a grant twice", { grants: [held, held, other!] }],
    ["another reach", { grants: [{ ...held, reach: "ORGANIZATION" }, other!] }],
    ["a permission less", { grants: [{ ...held, permissions: new Set(["members:read"]) }, other!] }],
    ["another end", { grants: [{ ...held, expiresAt: null }, other!] }],
    ["another place in the tree", { grants: [{ ...held, at: place(north, [root, south]) }, other!] }],
    ["a membership less", { memberOf: [place(north)] }],
    ["nothing suspended", { suspended: [] }],
    ["nothing archived", { archived: [] }],
    ["something else archived", { archived: [south] }],
    ["a membership in place of a suspension", { memberOf: [...grounds.memberOf, place(south)], suspended: [] }],
  ])("does not hold for %s", (_what, change) => {
    expect(compare({ ...grounds, ...change })).toBe(false);
  });
});
