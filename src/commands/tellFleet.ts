import type { Checked } from "../tenancy/migrations/check.js";
import type { Behind, Migrated } from "../tenancy/migrations/summary.js";
import { clearProgress, print } from "./progress.js";

// Who reads a list of homes reads the first few, and the reason that they share.
const MOST_NAMED = 10;

const say = (line: string) => print(`${line}\n`);
const homes = (count: number) => `${count} ${count === 1 ? "home" : "homes"}`;

/**
 * Says what a run did: as text, or as a line of JSON for each thing and one for all. Who is behind goes to stderr as text, for
 * it is what somebody has to do.
 */
export function tellMigrated(
  done: Migrated & { readonly made?: number },
  isJson: boolean,
  ran: "ran" | "would run",
  last = "this version",
): void {
  const { applied, behind, unmade, made = 0 } = done;
  if (isJson) {
    for (const one of applied) say(JSON.stringify(one));
    for (const one of behind) say(JSON.stringify({ behind: one }));
    say(JSON.stringify({ homes: done.homes, applied: applied.length, behind: behind.length, unmade, made }));
    return;
  }
  for (const [migration, schemas] of groupedBy(applied, (one) => one.migration)) {
    const where = schemas.map(({ schema }) => schema);
    say(`${migration}  ${ran} in ${where[0] === "tenantry" ? "the directory" : homesNamed(where)}`);
  }
  if (made > 0) say(`Made ${homes(made)} for the stock.`);
  if (unmade > 0) say(`Left alone: ${homes(unmade)} of tenants that are just being made.`);
  if (behind.length > 0) tellBehind(behind, `${homes(behind.length)} of ${done.homes} left behind:`);
  else if (applied.length === 0) say(`Everything is at ${last}: the directory, and ${homes(done.homes)}.`);
}

/** Says what a look found. @returns whether all is well */
export function tellChecked({ homes: all, directory, behind, drifted, unmade }: Checked, isJson: boolean): boolean {
  const isWell = directory.length + behind.length + drifted.length === 0;
  if (isJson) {
    for (const migration of directory) say(JSON.stringify({ schema: "tenantry", lacks: migration }));
    for (const one of behind) say(JSON.stringify({ behind: one }));
    for (const one of drifted) say(JSON.stringify({ drifted: one }));
    say(JSON.stringify({ homes: all, behind: behind.length, drifted: drifted.length, unmade }));
    return isWell;
  }
  if (directory.length > 0) say(`The directory lacks ${directory.join(", ")}.`);
  if (behind.length > 0) tellBehind(behind, `${homes(behind.length)} of ${all} not at this version:`);
  if (drifted.length > 0) tellBehind(drifted, `${homes(drifted.length)} of ${all} not built as migrations build one:`);
  if (isWell) say(`All is as this version makes it: the directory, and ${homes(all)}.`);
  else
    say(
      "What is behind is brought up by `tenantry migrate --all`; what somebody changed by hand has to be changed back.",
    );
  return isWell;
}

function tellBehind(behind: readonly Behind[], heading: string): void {
  const lines = [...groupedBy(behind, ({ why }) => why)].map(
    ([why, some]) => `- ${homesNamed(some.map(nameOf))}: ${why}`,
  );
  clearProgress();
  process.stderr.write(`${[heading, ...lines].join("\n")}\n`);
}

/** By whom people know a home: its tenants, or else its schema; and where it is. */
function nameOf({ tenants, database, schema, version }: Behind): string {
  const [first, ...others] = tenants;
  const more = others.length > 0 ? ` and ${others.length} more` : "";
  return `${first ?? "nobody"}${more} (${schema} in ${database}, at ${version ?? "an unknown version"})`;
}

function homesNamed(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return `${names.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function groupedBy<T>(all: readonly T[], key: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return groups;
}
