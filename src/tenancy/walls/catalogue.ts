import { SCHEMA_NAME } from "../directory/directory.js";
import type { Finding, Query } from "./finding.js";
import { KEYS, keyRules } from "./keys.js";
import { DEFINERS, OBJECTS, objectRules } from "./objects.js";
import { RIGHTS, rightRules } from "./rights.js";
import { judge, type Rule, statementOf } from "./rule.js";
import { TABLES, tableRules } from "./tables.js";

const HOMES = `
home as materialized (
  select n.oid, n.nspname as home, n.nspowner as owner, n.nspacl as acl
  from pg_catalog.pg_namespace n
  where n.nspname ~ '${SCHEMA_NAME.source}' and ($1::text is null or n.nspname = any (string_to_array($1::text, ',')))
)`;

const homeRules: readonly Rule[] = [
  {
    from: "unnest(string_to_array($1::text, ',')) as asked",
    where: "not exists (select from home where home.home = asked)",
    what: "There is no home {asked} in this database.",
    mend: "See where the directory says that the tenant is, and restore its home or correct the directory.",
  },
];

const STATEMENT = statementOf(
  [HOMES, TABLES, KEYS, DEFINERS, OBJECTS, RIGHTS],
  [homeRules, tableRules, keyRules, objectRules, rightRules].flat(),
);

/**
 * Whether every home's tables keep one tenant's rows from another: row security and its policy on all of them, `tenant_id`
 * first in every key, and nothing in a home or leading into it that acts with rights of its own. One statement that reads
 * `pg_catalog` alone, so that any login can ask; its cost grows with the number of homes. `[]` when all is well.
 * @param schemas the homes to look at; all of this database when absent. One that does not exist is a finding
 */
export function checkHomes(query: Query, schemas?: readonly string[]): Promise<Finding[]> {
  if (schemas?.length === 0) return Promise.resolve([]);
  return judge(query, STATEMENT, [schemas?.join(",") ?? null]);
}
