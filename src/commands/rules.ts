import type { Policy, Rule } from "../graphql/policy.js";
import { policies } from "../schema.js";

/** `tenantry rules`: every field of the API and what it asks of a viewer, as a page of Markdown, from the rules themselves. */
export function rulesPage(): string {
  const all: readonly Policy[] = policies;
  const rows = all
    .flatMap((policy) => Object.entries(policy))
    .flatMap(([type, rules]) =>
      rules === "inherited"
        ? [{ field: `${type}, all fields`, asks: "What leads to it decides." }]
        : Object.entries(rules).map(([field, rule]) => ({ field: `${type}.${field}`, asks: say(rule) })),
    )
    .sort((a, b) => rankOf(a.field) - rankOf(b.field) || (a.field < b.field ? -1 : 1))
    .map(({ field, asks }) => `| \`${field}\` | ${asks} |`);
  return `# Rules

What each field asks of a viewer, made by \`npm run docs\` from the rules that are enforced. A field that can deny is nullable: a denial
makes it null, with an error beside it, and nothing around it falls. What the words mean stands in [Authorization](authorization.md).

| Field | Asks for |
|---|---|
${rows.join("\n")}
`;
}

// Where a request begins, first.
const ROOTS = ["Query.", "Mutation."];
const rankOf = (field: string): number => {
  const at = ROOTS.findIndex((root) => field.startsWith(root));
  return at < 0 ? ROOTS.length : at;
};

function say(rule: Rule): string {
  if (rule.kind === "anyone") return "Nothing; what is not visible is null or left out.";
  if (rule.kind === "signedIn") return "A viewer; what is not visible is null or left out.";
  if (rule.kind === "visible") return "That its row is visible.";
  const { permission, besides, reach, where, self, purpose } = rule;
  const held = [permission, ...(besides ? [besides] : [])].map((one) => `\`${one}\``).join(" and ");
  const place =
    where.from === "source"
      ? "in that organization"
      : where.from === "root"
        ? "at the root"
        : `${where.type === "Organization" ? "in" : "in the organization of"} \`${where.path.join(".")}\`${where.absent === "root" ? ", or at the root when it is left out" : ""}`;
  const far = reach === "SUBTREE" ? ", with reach `SUBTREE`" : "";
  return `${held} ${place}${far}${self ? `; nothing about oneself (\`${self.join(".")}\`)` : ""}.${purpose === "withdraw" ? " Waits for every other change of the tenant." : ""}`;
}
