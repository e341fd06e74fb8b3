// Every statement that the gateway sent to tenants' homes while the tests ran, as the server wrote it down, by the rules for SQL.
import { createReadStream, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { faultsOf } from "./sqlRules.mjs";

const MIGRATIONS = new URL("../../drizzle/tenant/", import.meta.url);
/** Sessions of the gateway and of imports. What a test writes by hand comes under another name. */
const ENTRY = / app=tenantry (?:serve|import) db=\S+ user=\S+ LOG: {2}(?:statement|execute [^:]*): (.*)$/s;
/** Of the walls' own look at the catalogue, which is not in a home. */
const IS_CATALOGUE = /\bpg_catalog\./;
// Citus's form of a session's prefix is a text for each home.
const IS_PREFIX = /^set local /;

export const tenantTables = () =>
  new Set(
    readdirSync(MIGRATIONS, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => [
        ...readFileSync(new URL(`${name}/migration.sql`, MIGRATIONS), "utf8").matchAll(/^CREATE TABLE "(\w+)"/gm),
      ])
      .map(([, table]) => table),
  );

/**
 * @param {string} log the server's log
 * @returns how many different statements on tenants' tables there were, and those that break a rule
 */
export async function judgeLog(log) {
  const tables = tenantTables();
  const texts = new Set();
  let entry = "";
  const take = () => {
    const [, text] = ENTRY.exec(entry) ?? [];
    if (text && !IS_CATALOGUE.test(text) && !IS_PREFIX.test(text)) texts.add(text.replaceAll(/\s+/g, " ").trim());
  };
  // A statement of several lines goes on behind a tab.
  for await (const line of createInterface({ input: createReadStream(log) })) {
    if (line.startsWith("\t")) entry += entry && ` ${line.slice(1)}`;
    else {
      take();
      entry = line.includes(" app=tenantry ") ? line : "";
    }
  }
  take();
  const named = new RegExp(`\\b(?:${[...tables].join("|")})\\b`);
  const judged = [...texts].filter((text) => named.test(text));
  const broken = judged.flatMap((text) => faultsOf(text, tables).map((fault) => `${fault}: ${text}`));
  return { judged: judged.length, broken };
}
