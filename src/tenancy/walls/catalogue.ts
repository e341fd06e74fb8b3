import { isTimedOut } from "../../database/errors.js";
import { SCHEMA_NAME } from "../directory/directory.js";
import type { Finding, Query } from "./finding.js";
import { KEYS, keyRules } from "./keys.js";
import { DEFINERS, OBJECTS, objectRules } from "./objects.js";
import { RIGHTS, rightRules } from "./rights.js";
import { findingsOf, type Rule, statementOf } from "./rule.js";
import { TABLES, tableRules } from "./tables.js";

/** Each takes some milliseconds, the more of them there are, and a serving login's statements end after five seconds, unless it was given more or less. */
const MOST_AT_ONCE = 125;
const LEAST_AT_ONCE = 10;

/** So many homes at most; `$1` is the last one that was looked at, or empty. */
const homes = (which: string, most: number) => `
home as materialized (
  select n.oid, n.nspname as home, n.nspowner as owner, n.nspacl as acl
  from pg_catalog.pg_namespace n
  where n.nspname ~ '${SCHEMA_NAME.source}' and n.nspname > $1::name ${which}
  order by n.nspname limit ${most}
)`;
/** `$2` lists the homes. */
const ASKED = "string_to_array($2::text, ',')";

const askedRules: readonly Rule[] = [
  {
    from: `unnest(${ASKED}) as asked`,
    where: `$1::name = '' and not exists (
      select from pg_catalog.pg_namespace n where n.nspname = asked and n.nspname ~ '${SCHEMA_NAME.source}')`,
    what: "There is no home {asked} in this database.",
    mend: "See where the directory says that the tenant is, and restore its home or correct the directory.",
  },
];

/** Its last row, where there may be more homes, names no fault but the last one that was looked at. */
function statement(isAsked: boolean, most: number): string {
  const home = homes(isAsked ? `and n.nspname = any (${ASKED})` : "", most);
  const rules = [isAsked ? askedRules : [], tableRules, keyRules, objectRules, rightRules].flat();
  return `${statementOf([home, TABLES, KEYS, DEFINERS, OBJECTS, RIGHTS], rules)}
union all select null, max(home) from home having count(*) = ${most}`;
}

/**
 * Whether every home's tables keep one tenant's rows from another: row security and its policy on all of them, `tenant_id`
 * first in every key, and nothing in a home or leading into it that acts with rights of its own. It reads `pg_catalog`
 * alone, so that any login can ask, with one statement for each 125 homes, or for fewer where that takes longer than a statement
 * may. `[]` when all is well; of a kind of fault ten at most are named for each statement.
 * @param schemas the homes to look at; all of this database when absent. One that does not exist is a finding
 */
export async function checkHomes(query: Query, schemas?: readonly string[]): Promise<Finding[]> {
  const asked = schemas ? [schemas.join(",")] : [];
  const findings: Finding[] = [];
  let last = "";
  for (let most = MOST_AT_ONCE; ; ) {
    const rows = await query(statement(schemas !== undefined, most), [last, ...asked]).catch((error) => {
      if (schemas || !isTimedOut(error) || most <= LEAST_AT_ONCE) throw error;
      return null;
    });
    if (rows === null) {
      // A slow server, or a large one: fewer at once.
      most = Math.ceil(most / 2);
      continue;
    }
    const next = rows.find((row) => row.what === null);
    findings.push(...findingsOf(rows.filter((row) => row !== next)));
    if (!next) return findings;
    last = String(next.mend);
  }
}
