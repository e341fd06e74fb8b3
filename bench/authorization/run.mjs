// What rules cost: one schema and the same rows, with rules and without, in turn within one process; and graphql-shield's own
// middleware with rules that ask the same.
//   npm run bench:authorization [-- --rounds 31 --processes 7 --rows 5000]
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { buildSchema, parse } from "graphql";
import { Access } from "../../dist/access/access.js";
import { execute } from "../../dist/graphql/executor/execute.js";
import { guard } from "../../dist/graphql/guard.js";
import { AllNamed } from "../../dist/graphql/named.js";
import { anyone, fromSource, may, visible } from "../../dist/graphql/policy.js";
import { newId } from "../../dist/ids.js";

// Both as CommonJS: the middleware knows its own kind by its class.
const require = createRequire(import.meta.url);
const { rule, shield } = require("graphql-shield");
const { applyMiddleware } = require("graphql-middleware");

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "31" },
    processes: { type: "string", default: "7" },
    rows: { type: "string", default: "5000" },
    only: { type: "string" },
  },
});
const [rounds, count] = [Number(values.rounds), Number(values.rows)];

/** A field each, and what it asks for. */
const ASKED = {
  name: "organizations:read",
  slug: "organizations:read",
  members: "members:read",
  owner: "members:manage",
  notes: "audit:read",
  status: "organizations:update",
};
const FIELDS = Object.keys(ASKED);
const SDL = `type Query { rows: [Row!]! } type Row { ${FIELDS.map((field) => `${field}: String`).join(" ")} }`;
const DOCUMENT = parse(`{ rows { ${FIELDS.join(" ")} } }`);

// Leaves of a tree of four levels, allowed by what was given further up.
const WIDTH = Math.ceil(Math.cbrt(count));
const below = ({ id, path }) => Array.from({ length: WIDTH }, () => ({ id: newId(), path: [...path, id] }));
const root = { id: newId(), path: [] };
const branches = below(root);
// In an order that has nothing to do with the tree, as names have: neighbours are no siblings.
const byChance = (a, b) => (a.id.slice(-12) < b.id.slice(-12) ? -1 : 1);
const leaves = branches.flatMap(below).flatMap(below).slice(0, count).sort(byChance);
const rows = leaves.map((place) => ({ ...place, ...Object.fromEntries(FIELDS.map((field) => [field, field])) }));
/** The same as they come from a database: made a moment before they are asked, and still at hand. */
const TEXT = JSON.stringify(rows);
const holding = (places) =>
  new Access({
    grants: places.map((at) => ({ at, reach: "SUBTREE", permissions: new Set(Object.values(ASKED)), expiresAt: null })),
    memberOf: [root],
    suspended: [],
    archived: [],
  });
/** Whoever is given it at the root may do it anywhere; for others it depends on where each row is. */
const VIEWERS = { root: holding([root]), branches: holding(branches) };

const newContext = (access = VIEWERS.root) => ({
  operation: {
    gone: null,
    scope: { access, root, viewer: { kind: "USER", id: newId() }, named: new AllNamed([]), now: new Date() },
  },
});

const plain = (read = () => rows) => {
  const schema = buildSchema(SDL);
  schema.getQueryType().getFields().rows.resolve = read;
  return schema;
};
const justRead = () => JSON.parse(TEXT);
function ruled(fields, read) {
  const schema = plain(read);
  const rules = FIELDS.map((field) => [
    field,
    fields.includes(field) ? may(ASKED[field]).in(fromSource) : visible(field)[field],
  ]);
  guard(schema, [{ Query: { rows: anyone }, Row: Object.fromEntries(rules) }]);
  return schema;
}
function shielded(fields) {
  const ask = (permission) =>
    rule({ cache: "no_cache" })((source, _args, ctx) => ctx.operation.scope.access.allows(source, permission));
  const rules = Object.fromEntries(fields.map((field) => [field, ask(ASKED[field])]));
  return applyMiddleware(plain(), shield({ Row: rules }));
}

/** What is compared with what: a schema, and the very same one without rules. */
const COMPARISONS = {
  "none (how far the measure is off)": () => plain(),
  "six of six fields": () => ruled(FIELDS),
  "one of six fields": () => ruled(["members"]),
  "six of six, of rights below the root": () => ruled(FIELDS),
  "one of six, of rights below the root": () => ruled(["members"]),
  "six of six, rows just read, rights below the root": (read) => ruled(FIELDS, read),
  "one of six, rows just read, rights below the root": (read) => ruled(["members"], read),
  "graphql-shield, six of six": () => shielded(FIELDS),
  "graphql-shield, one of six": () => shielded(["members"]),
};

async function cpuOf(schema, access) {
  const before = process.cpuUsage();
  const { data, errors } = await execute({ schema, document: DOCUMENT, contextValue: newContext(access) });
  const { user, system } = process.cpuUsage(before);
  if (errors || data.rows.length !== count || FIELDS.some((field) => data.rows.at(-1)[field] !== field))
    throw new Error("The rows are not answered.");
  return (user + system) / 1000;
}

/**
 * In a process that serves, the executor has met resolvers of every kind. In one that has only met fields without any, the
 * compiler knows the one function that it will ever call, and whatever is called besides it looks dear.
 */
async function meetResolvers() {
  const resolvers = {
    a: (row) => row.name,
    b: ({ slug }) => slug,
    c: (row, _args, ctx) => (ctx ? row.notes : null),
    d: async (row) => row.owner,
    e: () => "e",
    f: (row) => row.path?.at(0) ?? null,
    g: (row) => row.status.toUpperCase(),
    h: (_row, _args, _ctx, { fieldName }) => fieldName,
  };
  const fields = Object.keys(resolvers);
  const schema = buildSchema(
    `type Query { rows: [Row!]! } type Row { ${fields.map((field) => `${field}: String`).join(" ")} }`,
  );
  schema.getQueryType().getFields().rows.resolve = () => rows.slice(0, 500);
  for (const field of fields) schema.getType("Row").getFields()[field].resolve = resolvers[field];
  const document = parse(`{ rows { ${fields.join(" ")} } }`);
  for (let round = 0; round < 10; round++) await execute({ schema, document, contextValue: newContext() });
}

const WARM_UP = 10;
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const shown = (number, width) => number.toFixed(2).padStart(width);

async function compare(name) {
  await meetResolvers();
  const read = name.includes("just read") ? justRead : undefined;
  const schemas = { off: plain(read), on: COMPARISONS[name](read) };
  const access = name.endsWith("below the root") ? VIEWERS.branches : VIEWERS.root;
  const times = { off: [], on: [] };
  // What the compiler learns in the first rounds is no cost of a rule.
  for (let round = -WARM_UP; round < rounds; round++) {
    // Each goes first as often as the other: what one leaves behind is collected while the next runs.
    const order = round % 2 === 0 ? ["off", "on", "on", "off"] : ["on", "off", "off", "on"];
    const sums = { off: 0, on: 0 };
    for (const which of order) sums[which] += await cpuOf(schemas[which], access);
    if (round >= 0) for (const which of ["off", "on"]) times[which].push(sums[which] / 2);
  }
  const ratio = median(times.on.map((time, round) => time / times.off[round]));
  console.log(JSON.stringify({ off: median(times.off), on: median(times.on), ratio }));
}

/** In a process of its own: what the compiler learned about one schema is of no use to the next. */
function measured(name) {
  const { stdout } = spawnSync(process.execPath, [...process.argv.slice(1), "--only", name], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(stdout);
}

if (values.only !== undefined) await compare(values.only);
else {
  const machine = `${cpus().length} × ${cpus()[0].model}; node ${process.version}; load ${loadavg()[0].toFixed(1)}`;
  console.log(`${count} rows × ${FIELDS.length} fields, ${rounds} rounds; ${machine}\n`);
  console.log("Fields with a rule                                 off, CPU ms   on, CPU ms   on / off   least   most");
  // Several, for each compiles a little differently: the median of them is what it costs, least and most how sure that is.
  for (const name of Object.keys(COMPARISONS)) {
    const runs = Array.from({ length: name.startsWith("graphql-shield") ? 1 : Number(values.processes) }, () =>
      measured(name),
    );
    const of = (key) => runs.map((run) => run[key]);
    const ratios = of("ratio");
    const columns = [shown(median(of("off")), 12), shown(median(of("on")), 12), shown(median(ratios), 10)];
    console.log(
      `${name.padEnd(49)} ${columns.join(" ")} ${shown(Math.min(...ratios), 7)} ${shown(Math.max(...ratios), 6)}`,
    );
  }
}
