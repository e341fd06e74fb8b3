import { readSettings } from "../../config.js";
import { type Destination, describe, moveTenant } from "../../tenancy/move/move.js";
import type { MoveStep } from "../../tenancy/move/mover.js";
import type { Owners } from "../../tenancy/owners.js";
import { withOwnersOf } from "../database.js";
import { secondsOf } from "../duration.js";
import { UsageError } from "../explain.js";
import { print, progress } from "../progress.js";
import { placeOf } from "./place.js";

export interface MoveCommandOptions {
  readonly to: string;
  readonly keep: string;
  readonly json?: boolean;
}

/** `tenantry tenant move`: moves a tenant to another home while it is in use. */
export async function moveCommand(slug: string, { to, keep, json }: MoveCommandOptions): Promise<void> {
  const settings = readSettings(process.env);
  const keepSeconds = keep === "0" ? 0 : secondsOf(keep, "--keep");
  const say = (line: string, data: object) => print(`${json ? JSON.stringify({ at: new Date(), ...data }) : line}\n`);
  await withOwnersOf(settings, async (owners) => {
    const destination = await destinationOf(owners, to);
    const moved = await moveTenant(owners, slug, destination, {
      keepSeconds,
      onRows: progress("Rows copied"),
      onStep: (step) => say(inWords(step), step),
    });
    const { rows, changes, pauseMs } = moved;
    say(
      `Moved ${slug}: ${describe(moved.to)}. ${rows} rows copied, ${changes} changes brought after them; changes waited ${pauseMs} ms. The old home ${keepSeconds > 0 ? `is kept for ${keep}` : "is gone"}.`,
      { step: "MOVED", slug, to: moved.to, rows, changes, pauseMs, keepSeconds },
    );
  });
}

/** @throws UsageError when it is none of `shared`, `schema` and `database`, with the name of a database or without */
async function destinationOf(owners: Owners, to: string): Promise<Destination> {
  const [, kind, name] = /^(shared|schema|database)(?::([a-z][a-z0-9-]*))?$/.exec(to) ?? [];
  if (!kind) throw new UsageError("--to is shared, schema or database, each also with a database's name: database:eu.");
  return placeOf(owners, { isolation: kind, database: name }, "--to");
}

function inWords(step: MoveStep): string {
  switch (step.step) {
    case "COPYING":
      return `Copying ${step.rows} rows.`;
    case "CATCHING_UP":
      return "Bringing over what was changed meanwhile.";
    case "VERIFIED":
      return `Verified ${step.tables.reduce((sum, { rows }) => sum + rows, 0)} rows in ${step.tables.length} tables: the same in both homes.`;
    case "FENCED":
      return "Changes wait.";
    case "LIFTED":
      return `Changes go on: the last step took more than ${step.afterMs} ms, and is tried again.`;
    case "SWITCHED":
      return "The new home is open, and the old one closed.";
  }
}
