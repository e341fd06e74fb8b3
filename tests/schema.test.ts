import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  lexicographicSortSchema,
  printSchema,
} from "graphql";
import { buildOperatorsSchema } from "../src/operators/schema.js";
import { buildSchema } from "../src/schema.js";

const ROOT = join(import.meta.dirname, "..");
const { schema } = buildSchema();

describe.each([
  ["schema.graphql", schema, "schema.ts"],
  ["schema.operators.graphql", buildOperatorsSchema(), "operators/schema.ts"],
] as const)("%s", (file, made, source) => {
  it(`is what src/${source} makes: after a change, \`npm run schema\` writes it anew`, () => {
    const printed = printSchema(lexicographicSortSchema(made));

    expect(readFileSync(join(ROOT, file), "utf8")).toBe(`${printed}\n`);
  });

  it("describes every type, field, argument, input field and enum value", () => {
    const silent = Object.values(made.getTypeMap())
      .filter(({ name }) => !name.startsWith("__"))
      .flatMap(described)
      .filter(([, description]) => !description?.trim())
      .map(([coordinate]) => coordinate);

    expect(silent).toEqual([]);
  });
});

describe("schema.graphql", () => {
  it("says of every id that `node` refuses that it does, and of no other", () => {
    const isRefused = (type: GraphQLNamedType) =>
      isObjectType(type) && "id" in type.getFields() && !type.getInterfaces().some(({ name }) => name === "Node");
    const isSaid = (type: GraphQLNamedType) =>
      isObjectType(type) && /Not to be given to `node`/.test(type.getFields().id?.description ?? "");
    const types = Object.values(schema.getTypeMap());

    expect(types.filter(isSaid).map(String)).toEqual(types.filter(isRefused).map(String));
    expect(types.filter(isSaid).map(String)).toContain("Grant");
  });

  it("says the same every time it is made, and takes nothing from the one before", () => {
    const again = buildSchema();

    expect(printSchema(again.schema)).toBe(printSchema(schema));
    expect(again.schema.getType("Organization")).not.toBe(schema.getType("Organization"));
  });
});

type Described = [coordinate: string, description: string | null | undefined];

function described(type: GraphQLNamedType): Described[] {
  const own: Described = [type.name, type.description];
  if (isEnumType(type))
    return [own, ...type.getValues().map((value): Described => [`${type.name}.${value.name}`, value.description])];
  if (isInputObjectType(type))
    return [
      own,
      ...Object.values(type.getFields()).map((field): Described => [`${type.name}.${field.name}`, field.description]),
    ];
  if (!isObjectType(type) && !isInterfaceType(type)) return [own];
  const fields = Object.values(type.getFields()).flatMap((field): Described[] => [
    [`${type.name}.${field.name}`, field.description],
    ...field.args.map((arg): Described => [`${type.name}.${field.name}(${arg.name}:)`, arg.description]),
  ]);
  return [own, ...fields];
}

describe.each(["tenant", "directory"])("the migrations of %s", (which) => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), "tenantry-migrations-"));
    for (const name of ["src", "drizzle", "package.json", "tsconfig.json"]) {
      cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  const migrations = () => readdirSync(join(copy, "drizzle", which)).sort();

  /** What drizzle-kit would add to the migrations that are there. */
  function generate(): { added: string[]; output: string } {
    const before = migrations();
    const kit = join(copy, "node_modules/drizzle-kit/bin.cjs");
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [kit, "generate", "--config", `drizzle/${which}.config.ts`, "--name", "missing"],
      { cwd: copy, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`drizzle-kit failed: ${stdout}${stderr}`);
    return { added: migrations().filter((name) => !before.includes(name)), output: stdout };
  }

  it("make the tables as they are declared: nothing is missing", () => {
    const { added, output } = generate();

    expect(output).toContain("No schema changes");
    expect(added).toEqual([]);
  });

  it("would be found missing if a column were added", () => {
    const table = join(copy, which === "tenant" ? "src/features/users/table.ts" : "src/tenancy/directory/table.ts");
    const text = readFileSync(table, "utf8");
    writeFileSync(table, text.replace(/^( +)createdAt: instant/m, "$1shoeSize: integer(),\n$&"));
    if (which === "tenant") {
      writeFileSync(table, readFileSync(table, "utf8").replace("boolean, bytea,", "boolean, bytea, integer,"));
    }

    expect(generate().added).toEqual([expect.stringMatching(/_missing$/)]);
  });
});
