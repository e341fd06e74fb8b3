import { SCHEMA_NAME } from "../directory/directory.js";
import type { Finding, Query } from "./finding.js";
import { KEYS, keyRules } from "./keys.js";
import { DEFINERS, OBJECTS, objectRules } from "./objects.js";
import { RIGHTS, rightRules } from "./rights.js";
import { findingsOf, type Rule, statementOf } from "./rule.js";
import { TABLES, tableRules } from "./tables.js";

// About a millisecond each, and a serving login's statements end after five seconds.
const HOMES_AT_ONCE = 500;

/** `$1` lists the homes, or is null for all; `$2` is the last one that was looked at, or empty. */
const HOMES = `
home as materialized (
  select n.oid, n.nspname as home, n.nspowner as owner, n.nspacl as acl
  from pg_catalog.pg_namespace n
  where n.nspname ~ '${SCHEMA_NAME.source}' and n.nspname > $2::name
    and ($1::text is null or n.nspname = any (string_to_array($1::text, ',')))
  order by n.nspname limit ${HOMES_AT_ONCE}
)`;

const homeRules: readonly Rule[] = [
  {
    from: "unnest(string_to_array($1::text, ',')) as asked",
    where: `$2::name = '' and not exists (
      select from pg_catalog.pg_namespace n where n.nspname = asked and n.nspname ~ '${SCHEMA_NAME.source}')`,
    what: "There is no home {asked} in this database.",
    mend: "See where the directory says that the tenant is, and restore its home or correct the directory.",
  },
];

const STATEMENT = `${statementOf(
  [HOMES, TABLES, KEYS, DEFINERS, OBJECTS, RIGHTS],
  [homeRules, tableRules, keyRules, objectRules, rightRules].flat(),
)}
union all select null, max(home) from home having count(*) = ${HOMES_AT_ONCE}`;

/**
 * Whether every home's tables keep one tenant's rows from another: row security and its policy on all of them, `tenant_id`
 * first in every key, and nothing in a home or leading into it that acts with rights of its own. It reads `pg_catalog`
 * alone, so that any login can ask, with one statement for each 500 homes. `[]` when all is well; of a kind of fault ten at
 * most are named for each statement.
 * @param schemas the homes to look at; all of this database when absent. One that does not exist is a finding
 */
export async function checkHomes(query: Query, schemas?: readonly string[]): Promise<Finding[]> {
  const asked = schemas ? schemas.join(",") : null;
  const findings: Finding[] = [];
  let last = "";
  for (;;) {
    const rows = await query(STATEMENT, [asked, last]);
    const next = rows.find((row) => row.what === null);
    findings.push(...findingsOf(rows.filter((row) => row !== next)));
    if (!next) return findings;
    last = String(next.mend);
  }
}
