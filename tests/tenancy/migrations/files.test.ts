import { pending, readMigrations, spell } from "../../../src/tenancy/migrations/files.js";

const file = (name: string) => ({ name, sql: `select '${name}'` });
const names = (files: readonly { name: string }[]) => files.map(({ name }) => name);

describe("readMigrations", () => {
  it.each(["directory", "tenant"] as const)("reads those of the %s in the order of their names", (which) => {
    const read = names(readMigrations(which));

    expect(read.length).toBeGreaterThan(1);
    expect(read).toEqual([...read].sort());
  });
});

describe("pending", () => {
  it("is what has not run yet, in order; all of it in an empty database, nothing in a complete one", () => {
    const files = ["1_a", "2_b", "3_c"].map(file);

    expect(names(pending(files, []))).toEqual(["1_a", "2_b", "3_c"]);
    expect(names(pending(files, ["1_a"]))).toEqual(["2_b", "3_c"]);
    expect(pending(files, ["1_a", "2_b", "3_c"])).toEqual([]);
  });

  it("names a file that is dated before one that already ran", () => {
    expect(() => pending(["1_a", "2_b", "3_c"].map(file), ["1_a", "3_c"])).toThrow(
      "The migration 2_b is dated before 3_c, which already ran. Give it a later name.",
    );
  });

  it("names a migration of a newer version, and says to update", () => {
    expect(() => pending([file("1_a")], ["1_a", "2_b"])).toThrow(/it knows 2_b, which is not here\. Update Tenantry/);
  });
});

describe("spell", () => {
  const NAMES = { door: "door", serve: 'se"rve' };

  it("puts the deployment's names in, quoted as identifiers", () => {
    const migration = { name: "1_a", sql: 'grant select on x to "{{serve}}", "{{door}}"' };

    expect(spell(migration, NAMES)).toBe('grant select on x to "se""rve", "door"');
  });

  it("refuses a name that nobody gave", () => {
    expect(() => spell({ name: "1_a", sql: '"{{schema}}"' }, NAMES)).toThrow(
      "1_a wants a name that is not there: schema",
    );
  });
});
