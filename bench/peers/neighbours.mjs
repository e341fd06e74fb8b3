// What a tenant notices of another that asks for all there is: a switcher each 20 ms by one, and pages of members over 32
// connections by the other, in turn with silence of the other.
//   npm run bench:neighbours [-- --homes shared,schema --tenants 20 --rounds 3 --seconds 6 --sender wrk]
import { Agent, request } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { kindOf, start } from "./contenders.mjs";
import { hasWrk, load, render, warmUp } from "./load.mjs";
import { machine } from "./report.mjs";
import { USUAL } from "./seed.mjs";
import { build } from "./stage.mjs";

const EACH_MS = 20;
const { values } = parseArgs({
  options: {
    homes: { type: "string", default: "shared,schema" },
    tenants: { type: "string", default: "20" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "6" },
    sender: { type: "string", default: hasWrk() ? "wrk" : "node" },
  },
});
const names = values.homes.split(",");
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const { sender } = values;
const say = (words) => process.stderr.write(`${words}\n`);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

const shapes = Array(Number(values.tenants)).fill(USUAL);
const stage = await build({ shapes, kinds: names.map(kindOf), isAlone: true, say });
const loud = stage.targets.filter(({ t }) => t === stage.targets[0].t);
const quiet = stage.targets.filter(({ t }) => t !== loud[0].t).slice(0, loud.length);
try {
  console.log(machine(stage, { tenants: shapes.length, rounds, seconds, sender }));
  console.log("| home | | median, ms | p99, ms | refused | the other's requests/s |\n|---|---|--:|--:|--:|--:|");
  for (const name of names) {
    const gateway = await start(name, stage);
    try {
      await compare(name, gateway);
    } finally {
      await gateway.stop();
    }
  }
} finally {
  agent.destroy();
  await stage.close();
}

async function compare(name, { url, ask }) {
  const file = join(stage.folder, `${name}-neighbours`);
  const pages = loud.map((target) => ask("Q2", target));
  const switchers = quiet.map((target) => ask("Q1", target));
  render(file, url, pages);
  await warmUp(sender, url, file, { requests: 5000, seconds: 20 });
  await watch(url, switchers, Promise.resolve(), 2000);
  for (let round = 0; round < rounds; round++) {
    tell(name, "alone", await watch(url, switchers, Promise.resolve(), seconds * 500));
    const flood = load(sender, url, file, seconds);
    const [noticed, sent] = await Promise.all([watch(url, switchers, flood, 0), flood]);
    tell(name, "beside it", noticed, sent.requests / (sent.us / 1e6));
  }
}

/** Asks until something is over, and for so long at least. */
async function watch(url, asks, something, leastMs) {
  const times = [];
  let [refused, isOver] = [0, false];
  something.then(() => (isOver = true));
  const until = performance.now() + leastMs;
  for (let at = 0; !isOver || performance.now() < until; at++) {
    const began = performance.now();
    if ((await send(url, asks[at % asks.length])) !== 200) refused++;
    times.push(performance.now() - began);
    await pause(EACH_MS);
  }
  times.sort((one, other) => one - other);
  return { median: times[Math.floor(times.length / 2)], p99: times[Math.floor(times.length * 0.99)], refused };
}

function send(url, { headers, body }) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent, headers: { ...headers, "content-type": "application/json" } });
    sent.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode)));
    sent.on("error", reject).end(body);
  });
}

function tell(name, what, { median, p99, refused }, rate) {
  const others = rate === undefined ? "" : Math.round(rate).toLocaleString("en");
  console.log(`| ${name} | ${what} | ${median.toFixed(1)} | ${p99.toFixed(1)} | ${refused} | ${others} |`);
}
