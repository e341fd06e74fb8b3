import { type Described, describeSettings } from "../config.js";

/** `tenantry settings`: every setting there is, as a page of Markdown. Never a value of this machine's. */
export function settingsPage(): string {
  const { process, document } = describeSettings();
  return `# Settings

Each is an environment variable, read when a command starts. Whatever is wrong, misspelt or contradicts another is named in one
message, and nothing is opened. An empty one counts as unset. This page is made by \`npm run docs\`.

## Of the process

${table(process)}

## Of a document

What one document and its variables may ask for. A refusal has the code \`BAD_USER_INPUT\`, of an answer that is too
large \`COST_EXCEEDED\`, and names its limit in \`extensions.limit\`. The least is 1, the most 10000000. Fragments are counted wherever they are spread.

${table(document)}
`;
}

function table(settings: readonly Described[]): string {
  const rows = settings.map(
    ({ name, meaning, standard }) => `| \`${name}\` | ${standard === null ? "" : `\`${standard}\``} | ${meaning} |`,
  );
  return ["| Setting | Unset | Meaning |", "|---|---|---|", ...rows].join("\n");
}
