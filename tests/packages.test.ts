import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), "utf8"));
const manifest = read("package.json");
const lock = read("package-lock.json");
type Locked = { version: string; integrity?: string; resolved?: string; hasInstallScript?: boolean; link?: boolean };
const locked = Object.entries(lock.packages as Record<string, Locked>).filter(([path]) => path !== "");

describe("package.json", () => {
  it("names exact versions, and those are the locked ones", () => {
    const wanted = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };

    expect(Object.values<string>(wanted).filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
    const other = Object.entries(wanted).filter(
      ([name, version]) => lock.packages[`node_modules/${name}`]?.version !== version,
    );
    expect(other).toEqual([]);
  });

  it("lets no package run a script when it is installed", () => {
    const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript);
    const names = scripted.map(([path]) => path.split("node_modules/").at(-1)!);

    expect(names.length).toBeGreaterThan(0);
    expect(manifest.allowScripts).toEqual(Object.fromEntries(names.map((name) => [name, false])));
  });

  it("publishes all that a started package reads", () => {
    const [{ files }] = JSON.parse(
      execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: ROOT, encoding: "utf8" }),
    );
    const paths = new Set((files as { path: string }[]).map(({ path }) => path));

    expect(paths).toContain("dist/main.js");
    expect(paths).toContain("dist/packed/main.js");
    expect(paths).toContain("tenantry.product.json");
    expect([...paths].filter((path) => /^drizzle\/(directory|tenant)\/.*\.sql$/.test(path)).length).toBeGreaterThan(3);
    expect([...paths].filter((path) => /^(src|tests|\.tenantry)\//.test(path))).toEqual([]);
  });
});

describe("package-lock.json", () => {
  it("holds a digest of every package, and no address to fetch one from", () => {
    expect(locked.length).toBeGreaterThan(100);
    expect(locked.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path)).toEqual([]);
    expect(locked.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });
});
