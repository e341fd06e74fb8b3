// What the text of a statement on tenants' tables has to be like, so that a shared home stays quick and Citus can run it.

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\d+|::|[a-z_]\w*|\d[\d.]*|\S/gi;
const QUERY = new Set(["select", "with", "insert", "update", "delete"]);
const SET_OPERATION = new Set(["union", "intersect", "except"]);
const CLAUSE = new Set(["select", "from", "where", "set", "group", "order", "having", "returning", "values"]);
const BEFORE_TABLE = new Set(["from", "join", "into", "update", "using"]);
/** What follows a table's name and is no other name for it. */
const NO_ALIAS = new Set([
  ...CLAUSE,
  ...SET_OPERATION,
  ...["on", "join", "left", "right", "inner", "cross", "full", "natural", "limit", "offset", "for", "using", "default"],
]);
const VOLATILE = new Set(["clock_timestamp", "random", "gen_random_uuid", "nextval", "timeofday"]);
const CLOCK = new Set([...VOLATILE, "now", "current_timestamp", "statement_timestamp"]);

/**
 * What is wrong with a statement of a tenant's session; `[]` when nothing is. It reads the text alone, and may call a
 * statement wrong that is well: then write it plainer.
 * @param {string} text
 * @param {ReadonlySet<string>} tables those that every tenant has
 * @returns {string[]}
 */
export function faultsOf(text, tables) {
  const words = [...text.matchAll(TOKEN)].map(([token]) => wordOf(token));
  const scopes = [];
  visit(grouped(words), newScope(null, scopes), scopes, tables, false);
  const faults = new Set(faultsOfForm(words, tables));
  const bound = boundBy(scopes);
  for (const { refs } of scopes)
    for (const ref of refs)
      if (ref.table && !bound.has(ref)) faults.add(`${ref.table} is not held to one tenant by a parameter`);
  return [...faults];
}

/** A name without its quotes, a word in lower case; a text as it is. */
function wordOf(token) {
  if (token.startsWith('"')) return token.slice(1, -1).replaceAll('""', '"');
  return token.startsWith("'") ? token : token.toLowerCase();
}

/** What is in parentheses, as an array in the place of them. */
function grouped(words) {
  const stack = [[]];
  for (const word of words) {
    if (word === "(") stack.push([]);
    else if (word !== ")") stack.at(-1).push(word);
    else if (stack.length > 1) {
      const inner = stack.pop();
      stack.at(-1).push(inner);
    }
  }
  return stack[0];
}

function newScope(outer, scopes) {
  const scope = { outer, refs: [], derived: new Set(outer?.derived), equalities: [] };
  scopes.push(scope);
  return scope;
}

/** Finds the tables of every query and what holds their tenants equal to something. Each part of a union is a query. */
function visit(group, ownScope, scopes, tables, isLoose) {
  let scope = ownScope;
  let clause = "";
  // Beside an OR, nothing holds for every row.
  const isLooseHere = isLoose || group.includes("or");
  group.forEach((token, at) => {
    const next = group[at + 1];
    if (Array.isArray(token)) {
      const isQuery = QUERY.has(token[0]);
      const name = cteNameAt(group, at) ?? aliasAt(group, at + 1);
      if (isQuery && name) scope.derived.add(name);
      if (isQuery) visit(token, newScope(scope, scopes), scopes, tables, false);
      else visit(token, scope, scopes, tables, isLooseHere || group[at - 1] === "not");
      return;
    }
    if (SET_OPERATION.has(token)) {
      const { outer, derived } = scope;
      scope = newScope(outer, scopes);
      scope.derived = derived;
      clause = "";
    }
    const isNoClause = group[at - 1] === "distinct" || group[at - 1] === "for" || group[at - 1] === "do";
    if (CLAUSE.has(token) && !isNoClause) clause = token;
    if (
      ((BEFORE_TABLE.has(token) && !isNoClause) || (token === "," && clause === "from")) &&
      typeof next === "string"
    ) {
      const place = group[at + 2] === "." ? at + 3 : at + 1;
      const table = group[place];
      const alias = aliasAt(group, place + 1) ?? table;
      if (tables.has(table) && !scope.derived.has(table)) {
        const ref = { table, alias, isTarget: token === "into" };
        scope.refs.push(ref);
        if (token === "into" && isInsertedForOne(group, place + 1)) scope.equalities.push([{ ref }, "$"]);
      } else scope.derived.add(alias);
    }
    if (token === "=" && clause !== "set" && !isLooseHere) {
      const sides = [operandBefore(group, at), operandAfter(group, at)];
      if (sides.every(Boolean)) scope.equalities.push(sides);
    }
  });
}

/** `name as materialized (…)` */
function cteNameAt(group, at) {
  const as = group[at - 1] === "materialized" ? at - 2 : at - 1;
  return group[as] === "as" && typeof group[as - 1] === "string" ? group[as - 1] : undefined;
}

function aliasAt(group, at) {
  const name = group[at] === "as" ? group[at + 1] : group[at];
  return typeof name === "string" && /^\w+$/.test(name) && !NO_ALIAS.has(name) ? name : undefined;
}

/** Whether every row that is inserted has a parameter for its tenant, or comes out of a parameter as a whole. */
function isInsertedForOne(group, at) {
  if (group.join(" ").includes("select * from json_populate_recordset")) return true;
  const columns = Array.isArray(group[at]) ? splitAtCommas(group[at]).map(([name]) => name) : [];
  const place = columns.indexOf("tenant_id");
  if (place < 0) return false;
  const isParameter = (item) => item?.[0]?.startsWith?.("$");
  if (group[at + 1] === "select") return isParameter(splitAtCommas(group.slice(at + 2))[place]);
  const end = group.findIndex((token, index) => index > at + 1 && !Array.isArray(token) && token !== ",");
  const rows = group.slice(at + 2, end < 0 ? undefined : end).filter(Array.isArray);
  return rows.length > 0 && rows.every((row) => isParameter(splitAtCommas(row)[place]));
}

function splitAtCommas(group) {
  const parts = [[]];
  for (const token of group) token === "," ? parts.push([]) : parts.at(-1).push(token);
  return parts;
}

const isParameter = (token) => typeof token === "string" && /^\$\d+$/.test(token);

function operandBefore(group, at) {
  const end = group[at - 2] === "::" ? at - 3 : at - 1;
  if (isParameter(group[end])) return "$";
  if (group[end] !== "tenant_id") return null;
  return { alias: group[end - 1] === "." ? group[end - 2] : null };
}

function operandAfter(group, at) {
  if (isParameter(group[at + 1])) return "$";
  if (group[at + 1] === "tenant_id") return { alias: null };
  return group[at + 2] === "." && group[at + 3] === "tenant_id" ? { alias: group[at + 1] } : null;
}

const DERIVED = {};

/** The tables whose tenant is a parameter, or is that of another table of which it holds. */
function boundBy(scopes) {
  const bound = new Set([DERIVED]);
  const sidesOf = scopes.flatMap((scope) =>
    scope.equalities.map((sides) =>
      sides.map((side) => (side === "$" ? DERIVED : (side.ref ?? resolve(scope, side.alias)))),
    ),
  );
  for (let before = 0; before !== bound.size; ) {
    before = bound.size;
    for (const [left, right] of sidesOf) {
      if (left && right && (bound.has(left) || bound.has(right))) bound.add(left).add(right);
    }
  }
  return bound;
}

/** Which table a name stands for, here or around; what is made of other tables is as bound as those are. */
function resolve(scope, alias) {
  for (let at = scope; at; at = at.outer) {
    const found = at.refs.filter((ref) => (alias === null ? !ref.isTarget : ref.alias === alias));
    if (found.length === 1) return found[0];
    if (found.length > 1) return null;
    if (alias !== null && at.derived.has(alias)) return DERIVED;
  }
  return null;
}

function* faultsOfForm(words, tables) {
  const has = (set) => words.some((word) => set.has(word));
  const isOnTenants = has(tables);
  if (words.includes("notify") || words.includes("pg_notify")) yield "NOTIFY inside a transaction";
  if (words.some((word) => /^t_[0-9a-f]{32}$/.test(word))) yield "names a home, which the session's search_path does";
  if (words.includes("information_schema")) yield "information_schema, which reads the whole catalogue";
  if (isOnTenants && words.some((word) => word.startsWith("pg_advisory")))
    yield "locks, and reads what the lock protects";
  if (isOnTenants && words[0] === "update" && has(VOLATILE)) yield "a volatile function in UPDATE";
  const conflict = words.findIndex((word, at) => word === "do" && words[at + 1] === "update");
  if (conflict > 0 && words.slice(conflict).some((word) => CLOCK.has(word))) yield "the clock in ON CONFLICT DO UPDATE";
  if (/\bvalues \( (?:[^()]* , )?\( select\b/.test(words.join(" "))) yield "INSERT … VALUES ((SELECT …))";
}
