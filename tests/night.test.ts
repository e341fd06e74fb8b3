import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const RUNS = [...read("night.mjs").matchAll(/test: "(?<test>.+)",\n\s*env: \{(?<env>.+)\}/g)].map(({ groups }) => ({
  test: groups!.test!,
  settings: [...groups!.env!.matchAll(/(TENANTRY_\w+):/g)].map(([, setting]) => setting!),
}));
/** Milliseconds behind the body of a test, on its line or on one of its own. */
const OWN_LIMIT = /^\s*\}?,? ?[\d_]{4,},?\s*\);$|setTimeout\(\s*[\d_]{4,}\s*\)/m;

describe("npm run night", () => {
  it.each(RUNS)("gives $test as long as it takes: the test has no limit of its own", ({ test }) => {
    expect(OWN_LIMIT.exec(read(test))?.[0]).toBeUndefined();
  });

  it.each(["  }, 600_000);", "    },\n    900_000,\n  );", "jest.setTimeout(5000)"])(
    "would find a limit such as %j",
    (text) => {
      expect(`it("is long", async () => {\n${text}\n`).toMatch(OWN_LIMIT);
    },
  );

  it("makes nothing longer by a setting that nobody reads", () => {
    const support = ["random.ts", "waves.ts", "sketches.ts"].map((name) => read(join("tests/support", name))).join("");

    for (const { test, settings } of RUNS)
      expect([test, settings.filter((name) => !(read(test) + support).includes(name))]).toEqual([test, []]);
    expect(RUNS.length).toBeGreaterThan(10);
  });
});
