import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import config from "./support/api.config.mjs";

const TESTS = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith(".test.ts"),
);

/** `a/{b,c}.ts` as `a/b.ts` and `a/c.ts`. */
function spelledOut(path: string): string[] {
  const [all, names] = /\{([^}]*)\}/.exec(path) ?? [];
  return all ? names!.split(",").flatMap((name) => spelledOut(path.replace(all, name))) : [path];
}

describe("the run of the API's tests", () => {
  const named = config.testMatch.map((path) => path.replace("<rootDir>/tests/", "")).flatMap(spelledOut);

  it("names files that are there", () => {
    const missing = named.filter((path) => !path.includes("*") && !existsSync(join(import.meta.dirname, path)));

    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(8);
  });

  it("names folders that have tests", () => {
    const folders = named.filter((path) => path.includes("*")).map((path) => path.slice(0, path.indexOf("*")));

    expect(folders).toContain("features/");
    for (const folder of folders) expect(TESTS.some((path) => path.startsWith(folder))).toBe(true);
  });

  it("leaves out what is there to be left out", () => {
    const left = config.testPathIgnorePatterns.filter((path) => path !== "/node_modules/");

    expect(left.filter((path) => !TESTS.some((test) => `/${test}`.includes(path)))).toEqual([]);
  });

  it.each([
    ["test:shared", { TENANTRY_TEST_ISOLATION: "SHARED" }],
    ["test:pooler", { TENANTRY_TEST_ISOLATION: "DATABASE", TENANTRY_TEST_POOLER: "on" }],
  ])("is on what it is called by: %s", (script, settings) => {
    const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8"));
    const given = [...scripts[script].matchAll(/(TENANTRY_TEST_\w+)=(\w+)/g)].map(([, name, value]) => [name, value]);

    expect(Object.fromEntries(given)).toEqual(settings);
    expect(scripts[script]).toContain("--config tests/support/api.config.mjs");
  });
});
