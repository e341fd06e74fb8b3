import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { withOwner } from "../../src/database/owner.js";
import { FOLDER, MARK, type TestDatabase } from "./database.js";
import { recordOf } from "./sessions.js";

/** A statement as a gateway sent it, and the values that came with it, as they would be written. */
export interface Sent {
  readonly text: string;
  readonly values: string;
}

/** The statements with parameters that the gateway sent while `work` ran, by the server's log. */
export async function sentBy(database: TestDatabase, work: () => Promise<unknown>): Promise<Sent[]> {
  const path = join(FOLDER, "postgres.log");
  const from = statSync(path).size;
  await work();
  const log = readFileSync(path).subarray(from).toString().replaceAll("\n\t", " ");
  // In whichever of the file's databases the tenant is.
  const mine = log.split("\n").filter((line) => {
    const [, name, user] = / db=(\S+) user=(\S+) /.exec(line) ?? [];
    return user?.startsWith("tenantry_serve") && (name === database.name || name!.startsWith(`${database.name}_`));
  });
  return mine.flatMap((line, n) => {
    const [, text] = / LOG: {2}execute [^:]*: (.*)$/.exec(line) ?? [];
    const [, details] = / DETAIL: {2}[Pp]arameters: (.*)$/.exec(mine[n + 1] ?? "") ?? [];
    return text && details ? [{ text: text.replace(MARK, ""), values: details.replaceAll(/\$\d+ = /g, "") }] : [];
  });
}

const SESSION = "select set_config('search_path'";

/** How many buffers PostgreSQL reads for each of these statements, in one session of the tenant's that keeps nothing. */
export async function buffersOf(database: TestDatabase, tenant: string, sent: readonly Sent[]): Promise<number[]> {
  const { home, id } = await recordOf(database, tenant);
  return withOwner(database.databases[home.database]!, async (serve) => {
    const counts: number[] = [];
    await serve.run("begin");
    await serve.run(`${SESSION}, $1, true), set_config('tenantry.tenant_id', $2, true)`, [home.schemaName, id]);
    // As one that was sent often is planned: for whatever values may come.
    await serve.run("set local plan_cache_mode = force_generic_plan");
    for (const [n, { text, values }] of sent.filter((one) => !one.text.startsWith(SESSION)).entries()) {
      await serve.run(`prepare sent_${n} as ${text}`);
      const [row] = await serve.run(`explain (analyze, buffers, timing off, format json) execute sent_${n}(${values})`);
      const [{ Plan }] = row!["QUERY PLAN"] as [{ Plan: Record<string, number> }];
      counts.push(Plan["Shared Hit Blocks"]! + Plan["Shared Read Blocks"]!);
    }
    await serve.run("rollback");
    // They outlive their transaction, and behind a pooler their session.
    await serve.run("deallocate all");
    return counts;
  });
}
