import { ATTRIBUTES, attributeRules } from "./attributes.js";
import type { Finding, Query } from "./finding.js";
import { aloneRules, type Kind, reachOf, reachRules } from "./reach.js";
import { findingsOf, statementOf } from "./rule.js";

const RULES = [...attributeRules, ...reachRules];
const STATEMENTS: Readonly<Record<Kind | "alone", string>> = {
  door: statementOf([ATTRIBUTES, reachOf("door")], RULES),
  serve: statementOf([ATTRIBUTES, reachOf("serve")], RULES),
  alone: statementOf([ATTRIBUTES, reachOf("serve")], [...RULES, ...aloneRules]),
};

/**
 * Whether a serving login is confined: it is nobody special, belongs to no role, owns nothing, makes nothing, carries its
 * time limits, and reaches its own room and no other. One statement, sent through that login itself, outside of a
 * transaction, for the settings of its session count too; its cost grows with the number of homes, by a tenth of a
 * millisecond each. `[]` when all is well; of a kind of fault ten at most are named.
 * @param kind `alone` for the one that serves a database where nobody else has business
 */
export async function checkLogin(query: Query, kind: Kind | "alone"): Promise<Finding[]> {
  return findingsOf(await query(STATEMENTS[kind]));
}
