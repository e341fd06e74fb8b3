import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isInterfaceType } from "graphql";
import { rulesPage } from "../src/commands/rules.js";
import { settingsPage } from "../src/commands/settings.js";
import { buildSchema } from "../src/schema.js";
import { openGateway } from "./support/gateway.js";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].concat(
  readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => `docs/${path}`),
);

describe("the pages of the documentation", () => {
  it("that are made from the code are up to date: after a change, `npm run docs` writes them anew", () => {
    expect(read("docs/settings.md")).toBe(settingsPage());
    expect(read("docs/rules.md")).toBe(rulesPage());
  });

  it("lead to files that are there", () => {
    const links = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) => ({
        page,
        target: target!,
      })),
    );

    expect(links.length).toBeGreaterThan(20);
    expect(links.filter(({ page, target }) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  it("name every failure and every code of an error", () => {
    const { schema } = buildSchema();
    const failure = schema.getType("Failure");
    const failures = isInterfaceType(failure) ? schema.getImplementations(failure).objects.map(({ name }) => name) : [];
    const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
      .filter((path) => /^(graphql|identity|features|server)/.test(path) && path.endsWith(".ts"))
      .map((path) => read(`src/${path}`));
    // As they are written where they are made: `code: "X"`, `code = "X"`, `refusal("X", …`, `coded(…, "X")`.
    const codes = sources.flatMap((text) =>
      [...text.matchAll(/(?:code(?::| =) |refusal\(\s*|coded\([^()]*(?:\([^()]*\))?[^()]*, )"([A-Z_]+)"/g)].map(
        ([, code]) => code!,
      ),
    );
    // Of the development issuer's own commands; no request meets them.
    const own = ["UNKNOWN_PERSON", "IDENTITY_SETUP"];

    expect(failures.length).toBeGreaterThan(5);
    expect(new Set(codes).size).toBeGreaterThan(15);
    const missing = [...failures, ...new Set(codes)].filter(
      (word) => !own.includes(word) && !read("docs/errors.md").includes(`\`${word}\``),
    );
    expect(missing).toEqual([]);
  });

  it("justify every dependency of production, and no other", () => {
    const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
    const [table] = read("docs/dependencies.md").split("Not taken");

    expect(Object.keys(dependencies).filter((name) => !table!.includes(name))).toEqual([]);
  });
});

describe("README's first query", () => {
  it("answers what README says", async () => {
    const gateway = await openGateway();
    const [, document] = /-d '\{"query":"([^"]+)"\}'/.exec(read("README.md")) ?? [];
    const [, answer] = /```json\n([\s\S]+?)```/.exec(read("README.md")) ?? [];

    const data = await gateway.as("dan@contractor.test", "northwind").get(document!);

    expect({ data }).toEqual(JSON.parse(answer!));
    await gateway.close();
  });
});
