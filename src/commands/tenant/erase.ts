import { createInterface } from "node:readline/promises";
import { readSettings } from "../../config.js";
import { renameTenantOfPeople } from "../../identity/development.js";
import { eraseTenant } from "../../tenancy/tenants/erase.js";
import { getTenant } from "../../tenancy/tenants/record.js";
import type { Traces } from "../../tenancy/tenants/traces.js";
import { withOwnersOf } from "../database.js";
import { EXIT, RefusedError } from "../explain.js";
import { progress } from "../progress.js";
import { say } from "./shown.js";

export interface EraseOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `tenantry tenant erase`: everything of a tenant, for ever, and a search for whatever may be left. */
export async function eraseCommand(slug: string, { yes, json }: EraseOptions): Promise<void> {
  const settings = readSettings(process.env);
  await withOwnersOf(settings, async (owners) => {
    const tenant = await getTenant(await owners.main, slug);
    if (!yes) await mustMean(slug);
    const telling = { onRows: progress("Rows erased"), onTables: progress("Tables searched") };
    const traces = await eraseTenant(owners, tenant, telling);
    if (settings.TENANTRY_DEVELOPMENT) await renameTenantOfPeople(settings.TENANTRY_DATA_DIR, slug, null);
    say(json, inWords(slug, traces), { slug, id: tenant.id, ...traces });
    if (traces.found.length > 0) process.exitCode = EXIT.failed;
    else if (traces.away.length > 0) process.exitCode = EXIT.partly;
  });
}

function inWords(slug: string, { tables, found, away }: Traces): string[] {
  const searched = `${tables} tables of the directory and of every home were searched for its id`;
  return [
    found.length === 0
      ? `Erased ${slug}: ${searched}, and nothing is left.`
      : `Erased ${slug}, but ${searched}, and something is left:`,
    ...found.map((place) => `- ${place}`),
    ...away.map((name) => `The database ${name} is away, and was not searched.`),
  ];
}

/** @throws RefusedError unless somebody at a terminal types the slug */
async function mustMean(slug: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new RefusedError(`This erases ${slug} for ever. Say --yes where nobody can be asked.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Whoever ends it instead of answering does not mean it, either.
  const answer = await terminal
    .question(`This erases ${slug} with everything in it, for ever. Type ${slug} to go on: `)
    .catch(() => {
      process.stderr.write("\n");
      return "";
    });
  terminal.close();
  if (answer.trim() !== slug) throw new RefusedError("Nothing was erased.");
}
