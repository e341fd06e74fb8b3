import type { Product } from "../../src/access/catalogue.js";
import { changesOf, takesAway } from "../../src/access/productChange.js";

const BEFORE: Product = {
  permissions: [
    { key: "a:read", description: "See a." },
    { key: "a:write", description: "Change a." },
  ],
  roles: [{ key: "clerk", name: "Clerk", description: "Works.", permissions: ["a:read", "a:write"] }],
};
const [read, write] = BEFORE.permissions as [Product["permissions"][0], Product["permissions"][0]];
const [clerk] = BEFORE.roles as [Product["roles"][0]];

/** What a file changes that differs from `BEFORE` in this. */
const changes = (different: Partial<Product>) => changesOf(BEFORE, { ...BEFORE, ...different });

describe("changesOf", () => {
  it("finds nothing where nothing but the order differs", () => {
    const roles = [{ ...clerk, permissions: ["a:write", "a:read"] }];

    expect(changes({ permissions: [write, read], roles })).toEqual([]);
  });

  it("names permissions that are added, reworded and removed, by key", () => {
    const permissions = [
      { key: "b:read", description: "See b." },
      { key: "a:read", description: "Look." },
    ];

    expect(changes({ permissions })).toEqual([
      { kind: "PERMISSION", key: "a:read", what: "REWORDED", gained: [], lost: [] },
      { kind: "PERMISSION", key: "a:write", what: "REMOVED", gained: [], lost: [] },
      { kind: "PERMISSION", key: "b:read", what: "ADDED", gained: [], lost: [] },
    ]);
  });

  it("names what a role template gains and loses, whether it stays, comes or goes", () => {
    const roles = [
      { ...clerk, permissions: ["a:write", "members:read"] },
      { ...clerk, key: "boss" },
    ];

    expect(changes({ roles })).toEqual([
      { kind: "ROLE", key: "boss", what: "ADDED", gained: ["a:read", "a:write"], lost: [] },
      { kind: "ROLE", key: "clerk", what: "CHANGED", gained: ["members:read"], lost: ["a:read"] },
    ]);
    expect(changes({ roles: [] })).toEqual([
      { kind: "ROLE", key: "clerk", what: "REMOVED", gained: [], lost: ["a:read", "a:write"] },
    ]);
  });

  it.each([
    ["a name", { name: "Helper" }],
    ["a description", { description: "Helps." }],
  ])("tells %s of a template from what it holds", (_, words) => {
    expect(changes({ roles: [{ ...clerk, ...words }] })).toEqual([
      { kind: "ROLE", key: "clerk", what: "REWORDED", gained: [], lost: [] },
    ]);
  });
});

describe("takesAway", () => {
  it("is what removes a permission or a template, or narrows one", () => {
    const narrowed = [{ ...clerk, permissions: ["a:read"] }];
    const widened = [{ ...clerk, permissions: ["a:read", "a:write", "members:read"] }];
    const any = (different: Partial<Product>) => changes(different).map(takesAway);

    expect([any({ permissions: [read] }), any({ roles: [] }), any({ roles: narrowed })]).toEqual([
      [true],
      [true],
      [true],
    ]);
    expect([any({ roles: widened }), any({ roles: [clerk, { ...clerk, key: "boss" }] })]).toEqual([[false], [false]]);
    expect(any({ permissions: [{ ...read, description: "Look." }, write] })).toEqual([false]);
  });
});
