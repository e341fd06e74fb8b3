import { type GraphQLSchema, isObjectType } from "graphql";
import type { Catalogue, Permission } from "../access/catalogue.js";
import { readSettings } from "../config.js";
import type { MayRule, Policy, Rule } from "../graphql/policy.js";
import { buildSchema, policies } from "../schema.js";

/** `tenantry permissions`: the page for the product's file of the settings. */
export function permissions(): void {
  process.stdout.write(permissionsPage(readSettings(process.env).TENANTRY_PRODUCT));
}

/**
 * Each permission, what it opens and who holds it, and what asks for none, as a page of Markdown: from the rules that are
 * enforced, the descriptions of the schema, and the catalogue.
 */
export function permissionsPage(catalogue: Catalogue): string {
  const { schema } = buildSchema();
  const builtIn = [...catalogue.permissions.values()].filter((permission) => permission.builtIn);
  const own = [...catalogue.permissions.values()].filter((permission) => !permission.builtIn);
  return `# Permissions

Made by \`npm run docs\` from the rules that are enforced, the schema's own descriptions, and the product's file. A field that can deny is
nullable: a denial makes it null, with an error beside it, and nothing around it falls. What the words mean stands in
[Authorization](authorization.md); how the product's own are changed, there under "The product's own permissions".

## Who holds them

${matrix(catalogue, builtIn, "BUILT_IN")}

The owner role is every permission there is, the product's included.

## What they open

${builtIn.map((permission) => opened(schema, permission)).join("\n\n")}

## The product's own

What they open is the product's affair: it asks \`viewerCan\` or \`permissionChecks\`. These come from \`tenantry.product.json\`.

${own.length > 0 ? matrix(catalogue, own, "PRODUCT") : "There are none."}

## What asks for no permission

${withoutPermission()}
`;
}

const rules: readonly (readonly [coordinate: string, rule: Rule | "inherited"])[] = (policies as readonly Policy[])
  .flatMap((policy) => Object.entries(policy))
  .flatMap(([type, ofType]): [string, Rule | "inherited"][] =>
    ofType === "inherited"
      ? [[type, ofType]]
      : Object.entries(ofType).map(([field, rule]) => [`${type}.${field}`, rule]),
  );

/** Which roles hold which permissions, a column for each role of that source. */
function matrix({ roles }: Catalogue, permissions: readonly Permission[], source: "BUILT_IN" | "PRODUCT"): string {
  const columns = [...roles.values()].filter((role) => role.source === source);
  const rows = permissions.map(({ key, description }) => [
    source === "BUILT_IN" ? `[\`${key}\`](#${anchor(key)})` : `\`${key}\``,
    description,
    ...columns.map((role) => (role.permissions.has(key) ? "●" : "")),
  ]);
  return table(["Permission", "For", ...columns.map(({ key }) => key)], rows);
}

/** As GitHub makes it of a heading. */
const anchor = (heading: string): string => heading.toLowerCase().replaceAll(/[^a-z0-9-]/g, "");

function opened(schema: GraphQLSchema, { key, description }: Permission): string {
  const asking = rules.flatMap(([coordinate, rule]): [string, MayRule][] =>
    rule !== "inherited" && rule.kind === "may"
      ? sidesOf(rule).flatMap((side): [string, MayRule][] =>
          [side.permission, side.besides].includes(key as never) ? [[coordinate, side]] : [],
        )
      : [],
  );
  const rows = asking
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([coordinate, rule]) => [`\`${coordinate}\``, firstSentence(schema, coordinate), where(rule, key)]);
  const what = rows.length > 0 ? table(["Field", "What it does", "Held where"], rows) : "No field asks for it yet.";
  return `### \`${key}\`\n\n${description}\n\n${what}`;
}

/** What a rule asks about each of the organizations it concerns; a change is one of both. */
const sidesOf = ({ also, ...rule }: MayRule): MayRule[] => (also ? [rule, { ...also, purpose: rule.purpose }] : [rule]);

function firstSentence(schema: GraphQLSchema, coordinate: string): string {
  const [typeName, field] = coordinate.split(".") as [string, string];
  const type = schema.getType(typeName);
  const words = isObjectType(type) ? type.getFields()[field]?.description : null;
  return /^.*?[.](?=\s|$)/s.exec(words ?? "")?.[0] ?? "";
}

function where({ permission, besides, reach, where, self, purpose, withdrawsBy }: MayRule, key: string): string {
  const other = [permission, besides].filter((one) => one !== undefined && one !== key);
  const place =
    where.from === "source"
      ? "In that organization"
      : where.from === "root"
        ? "At the root"
        : `${where.type === "Organization" ? "In" : "In the organization of"} \`${where.path.join(".")}\`${where.absent === "root" ? ", or at the root when it is left out" : ""}`;
  return [
    place,
    ...(reach === "SUBTREE" ? [", with reach `SUBTREE`"] : []),
    ...(other.length > 0 ? [`, together with \`${other.join("`, `")}\``] : []),
    ...(self ? [`; nobody needs it about oneself (\`${self.join(".")}\`)`] : []),
    ".",
    ...(purpose === "withdraw"
      ? [
          ` ${withdrawsBy ? `With \`${withdrawsBy.join(".")}\` it waits` : "Waits"} for every other change of the tenant.`,
        ]
      : []),
  ].join("");
}

const ASKS = [
  ["anyone", "Nothing; what is not visible is null or left out."],
  ["identified", "A token; no tenant."],
  ["signedIn", "A viewer; what is not visible is null or left out."],
  ["visible", "That its row is visible."],
  ["inherited", "What leads to it decides, for all its fields."],
] as const;

function withoutPermission(): string {
  const rows = ASKS.map(([kind, words]) => {
    const asking = rules.filter(([, rule]) => (rule === "inherited" ? rule : rule.kind) === kind);
    return [words, byType(asking.map(([coordinate]) => coordinate))];
  });
  return table(["Asks for", "Fields"], rows);
}

/** `Role.key, name`: the fields of a type behind its name. */
function byType(coordinates: readonly string[]): string {
  const types = new Map<string, string[]>();
  for (const coordinate of [...coordinates].sort()) {
    const [type, field] = coordinate.split(".") as [string, string | undefined];
    types.set(type, [...(types.get(type) ?? []), ...(field ? [field] : [])]);
  }
  return [...types]
    .map(([type, fields]) => (fields.length > 0 ? `\`${type}\`: ${fields.join(", ")}` : `\`${type}\``))
    .join("; ");
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
