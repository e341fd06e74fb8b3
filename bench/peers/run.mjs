// The gateway beside its peers: the same rows in one PostgreSQL, the same questions in turn, within one minute.
//   npm run bench [-- --ops Q1,Q2,Q3,M1 --contenders floor,mercurius,postgraphile --homes shared,schema --tenants 100
//     --rounds 3 --seconds 4 --warm 3000 --sender wrk --json --chart docs/images/performance.svg]
//   npm run bench -- --growth 10,1000 [--ops Q1,Q2 --homes shared,schema]: the gateway alone, and what it costs for so many tenants
//   npm run bench -- --people 1000,100000 [the same]: in a tenant of so many people
//   npm run bench -- --organizations 20,10000 [the same]: in a tenant of so many organizations
//   npm run bench -- --processes 1,2 [the same]: for so many processes of it, side by side
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chart } from "./chart.mjs";
import { CONTENDERS, kindOf, start } from "./contenders.mjs";
import { facts, OPERATIONS } from "./documents.mjs";
import { cpuOf, cpuOfServer, hasWrk, load, ownMemory, portsOf, render, warmUp } from "./load.mjs";
import { asJson, growthTable, machine, table } from "./report.mjs";
import { takeBack, USUAL } from "./seed.mjs";
import { build } from "./stage.mjs";

const { values } = parseArgs({
  options: {
    ops: { type: "string", default: OPERATIONS.join() },
    contenders: { type: "string", default: CONTENDERS.filter((name) => !kindOf(name)).join() },
    homes: { type: "string", default: CONTENDERS.filter(kindOf).join() },
    tenants: { type: "string", default: "100" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    warm: { type: "string", default: "3000" },
    sender: { type: "string", default: hasWrk() ? "wrk" : "node" },
    json: { type: "boolean", default: false },
    chart: { type: "string" },
    growth: { type: "string", default: "" },
    people: { type: "string", default: "" },
    organizations: { type: "string", default: "" },
    processes: { type: "string", default: "" },
    leases: { type: "string", default: "10" },
  },
});
const list = (text) => text.split(",").filter(Boolean);
const counts = list(values.processes).map(Number);
const growth = growing();
const isAlone = growth !== null || counts.length > 0;
const operations = list(values.ops);
const names = [...(isAlone ? [] : list(values.contenders)), ...list(values.homes)];
const [rounds, seconds, warm] = ["rounds", "seconds", "warm"].map((name) => Number(values[name]));
const shapes = growth?.shapes ?? Array(Number(values.tenants)).fill(USUAL);
const { sender } = values;
/** However slow the machine is. Of a thousand tenants, ten people of each have to have asked several times. */
const LONGEST_WARMING = growth ? 150 : 40;
/** Seconds before each that is timed: what waited for its turn may have been put aside, by the machine or by its processor. */
const AWAKENING = 2;
const say = (words) => process.stderr.write(`${words}\n`);
/** How many answers are compared, of each operation. */
const COMPARED = 12;

const stage = await build({ shapes, kinds: [...new Set(list(values.homes).map(kindOf))], isAlone, say });
const running = [];
try {
  for (const name of names)
    if (counts.length === 0) running.push(await start(name, { ...stage, leases: values.leases }));
    else for (const size of counts) await startBeside(name, size);
  const about = machine(stage, { tenants: shapes.length, rounds, seconds, sender });
  if (growth) {
    const grown = [];
    for (const operation of operations) grown.push(...(await measure(operation, growth)));
    const memory = await readMemoryAndStop();
    console.log(`${about}\n${growthTable(grown, { operations, names, ...growth, memory })}`);
  } else if (counts.length > 0) {
    const grown = [];
    for (const operation of operations) for (const name of names) grown.push(...(await measureBeside(operation, name)));
    console.log(`${about}\n${growthTable(grown, { operations, names, sizes: counts, of: "processes" })}`);
  } else {
    for (const operation of operations) await mustAnswerAlike(operation);
    const statements = await countStatements();
    const rows = [];
    for (const operation of operations) rows.push(...(await measure(operation)));
    const memory = await readMemoryAndStop();

    const results = { rows, statements, memory, operations, names };
    if (values.chart) writeFileSync(values.chart, chart(results));
    console.log(values.json ? JSON.stringify(asJson(results)) : `${about}\n${table(results)}`);
  }
} finally {
  for (const contender of running) await contender.stop();
  await stage.close();
}

/** What grows, where the gateway is measured alone: of what so many, what its tenants have, and who is asked for which size; else null. */
function growing() {
  const of = ["growth", "people", "organizations"].find((name) => values[name]);
  if (!of) return null;
  const sizes = list(values[of]).map(Number);
  if (of === "growth")
    return {
      of: "tenants",
      sizes,
      shapes: Array(Math.max(...sizes)).fill(USUAL),
      isAsked: (t, size) => t <= size,
    };
  const shapes = sizes.map((size) => ({ ...USUAL, [of]: size }));
  return { of, sizes, shapes, isAsked: (t, size) => t === sizes.indexOf(size) + 1 };
}

function targetsOf(operation) {
  return operation === "M1" ? stage.assignments : stage.targets;
}

async function fetched({ url, ask }, operation, target) {
  const { headers, body } = ask(operation, target);
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body,
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(`${operation}: ${JSON.stringify(errors).slice(0, 500)}`);
  return data;
}

/** A comparison is fair where all carry the same. */
async function mustAnswerAlike(operation) {
  const some = targetsOf(operation).slice(0, COMPARED);
  let first;
  for (const contender of running) {
    const said = [];
    for (const target of some) said.push(JSON.stringify(facts(await fetched(contender, operation, target))));
    first ??= said;
    const nth = said.findIndex((one, n) => one !== first[n]);
    if (nth >= 0)
      throw new Error(
        `${contender.name} answers ${operation} differently.\n${first[nth]}\n${said[nth]}`.slice(0, 5000),
      );
    if (operation === "M1" && (await takeBack(contender, stage)) !== some.length)
      throw new Error(`${contender.name} did not assign all.`);
  }
}

/** Statements of one operation, `begin` and settings included, by the server's own count. */
async function countStatements() {
  const { sql } = stage;
  const counts = {};
  await sql`alter system set pg_stat_statements.track = 'top'`;
  await sql`select pg_reload_conf()`;
  for (const contender of running)
    for (const operation of operations) {
      const some = targetsOf(operation).slice(0, COMPARED);
      for (const target of some) await fetched(contender, operation, target);
      if (operation === "M1") await takeBack(contender, stage);
      await sql`select pg_stat_statements_reset()`;
      for (const target of some) await fetched(contender, operation, target);
      const [{ calls }] = await sql`select sum(calls)::int as calls from pg_stat_statements
        where query not like '%pg_stat_statements_reset%' `;
      counts[`${contender.name} ${operation}`] = calls / some.length;
      if (operation === "M1") await takeBack(contender, stage);
    }
  await sql`alter system set pg_stat_statements.track = 'none'`;
  await sql`select pg_reload_conf()`;
  return counts;
}

/** Each contender, or what grows by each of its sizes, in turn. */
async function measure(operation, { sizes = [undefined], isAsked = () => true } = {}) {
  const rows = [];
  const turns = running.flatMap((contender) =>
    sizes.map((size) => {
      const targets = targetsOf(operation).filter(({ t }) => isAsked(t, size));
      return { contender, size, targets, file: join(stage.folder, `${contender.name}-${size}-${operation}`) };
    }),
  );
  for (const { contender, targets, file } of turns) {
    const asked = targets.map((target) => contender.ask(operation, target));
    render(file, contender.url, asked);
    await warmUp(sender, contender.url, file, { requests: warm, seconds: LONGEST_WARMING });
    if (operation === "M1") await takeBack(contender, stage);
  }
  for (let round = 0; round < rounds; round++)
    for (const { contender, size, targets, file } of round % 2 === 0 ? turns : turns.toReversed()) {
      await load(sender, contender.url, file, AWAKENING);
      if (operation === "M1") await takeBack(contender, stage);
      const before = [cpuOf(contender.pid), cpuOfServer(stage.cluster.pid)];
      const { requests, us, bytes, bad, p50, p99 } = await load(sender, contender.url, file, seconds);
      const [node, server] = [cpuOf(contender.pid) - before[0], cpuOfServer(stage.cluster.pid) - before[1]];
      if (bad > 0) throw new Error(`${contender.name} failed ${bad} of ${requests} requests of ${operation}.`);
      if (operation === "M1") {
        const made = await takeBack(contender, stage);
        const least = 0.98 * Math.min(requests, targets.length);
        if (made < least) throw new Error(`${contender.name} assigned ${made} of ${requests}.`);
      }
      rows.push({
        operation,
        name: contender.name,
        size,
        throughput: requests / (us / 1e6),
        p50: p50 / 1000,
        p99: p99 / 1000,
        node: node / requests,
        server: server / requests,
        bytes: bytes / requests,
      });
      say(`${operation} ${contender.name}${size ? ` of ${size}` : ""} ${(requests / (us / 1e6)).toFixed(0)}/s`);
    }
  return rows;
}

/** So many processes of the gateway, which share the connections to PostgreSQL. */
async function startBeside(name, size) {
  const leases = String(Math.ceil(Number(values.leases) / size));
  for (let n = 0; n < size; n++) running.push({ ...(await start(name, { ...stage, leases })), size });
}

/** So many processes of the gateway and so many, in turn. Each is asked about its share of all there is to ask, by as many connections as one alone. */
async function measureBeside(operation, name) {
  for (const size of counts)
    for (const [nth, gateway] of gatewaysOf(name, size).entries()) {
      gateway.requests = join(stage.folder, `${name}-${size}-${nth}-${operation}`);
      const share = targetsOf(operation).filter((_, n) => n % size === nth);
      render(
        gateway.requests,
        gateway.url,
        share.map((target) => gateway.ask(operation, target)),
      );
      await warmUp(sender, gateway.url, gateway.requests, { requests: warm, seconds: LONGEST_WARMING });
      if (operation === "M1") await takeBack(gateway, stage);
    }
  const rows = [];
  for (let round = 0; round < rounds; round++)
    for (const size of round % 2 === 0 ? counts : counts.toReversed()) {
      const gateways = gatewaysOf(name, size);
      const send = (time) => Promise.all(gateways.map(({ url, requests }) => load(sender, url, requests, time)));
      await send(AWAKENING);
      if (operation === "M1") await takeBack(gateways[0], stage);
      const cpu = () => [gateways.reduce((sum, { pid }) => sum + cpuOf(pid), 0), cpuOfServer(stage.cluster.pid)];
      const [nodeBefore, serverBefore] = cpu();
      const loads = await send(seconds);
      const [node, server] = cpu();
      const requests = loads.reduce((sum, one) => sum + one.requests, 0);
      if (loads.some(({ bad }) => bad > 0)) throw new Error(`${name} failed requests of ${operation}.`);
      if (operation === "M1") await takeBack(gateways[0], stage);
      rows.push({
        operation,
        name,
        size,
        node: (node - nodeBefore) / requests,
        server: (server - serverBefore) / requests,
      });
      say(`${operation} ${name} of ${size}`);
    }
  return rows;
}

function gatewaysOf(name, size) {
  return running.filter((one) => one.name === name && one.size === size);
}

/** Megabytes of the server processes of each contender's connections, by now, and, of the gateway's, how many tenants' homes each served. */
async function readMemoryAndStop() {
  const servers =
    await stage.sql`select pid, client_port as port from pg_stat_activity where backend_type = 'client backend'`;
  const memory = {};
  for (const { name, pid } of running) {
    const ports = portsOf(pid);
    const sizes = servers.filter(({ port }) => ports.has(port)).map((server) => ownMemory(server.pid));
    const each = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    memory[name] = { backends: sizes.length, each, process: ownMemory(pid) };
  }
  for (const { name, stop, homes } of running) {
    await stop();
    memory[name].homes = homes?.() ?? [];
  }
  return memory;
}
