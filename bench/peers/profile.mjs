// Where the time of one operation goes: CPU of the process by package and by function, and PostgreSQL's by statement.
//   node bench/peers/profile.mjs Q2 shared [--seconds 12 --tenants 20 --top 30]
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { kindOf, start } from "./contenders.mjs";
import { load, render, warmUp } from "./load.mjs";
import { takeBack } from "./seed.mjs";
import { build } from "./stage.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "12" },
    warm: { type: "string", default: "3000" },
    tenants: { type: "string", default: "20" },
    top: { type: "string", default: "30" },
  },
});
const [operations, name] = [positionals[0].split(","), positionals[1] ?? "shared"];
const [seconds, warm, tenants, top] = ["seconds", "warm", "tenants", "top"].map((option) => Number(values[option]));

const kind = kindOf(name);
const stage = await build({ tenants, kinds: kind ? [kind] : [], say: () => {} });
try {
  for (const operation of operations) await profile(operation);
} finally {
  await stage.close();
}

async function profile(operation) {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-profile-"));
  const nodeArgs = ["--cpu-prof", "--cpu-prof-interval=500", `--cpu-prof-dir=${folder}`];
  const contender = await start(name, { ...stage, nodeArgs });
  const file = join(stage.folder, operation);
  const targets = operation === "M1" ? stage.assignments : stage.targets;
  const requests = targets.map((target) => contender.ask(operation, target));
  render(file, contender.url, requests);
  await warmUp("node", contender.url, file, { requests: warm, seconds: 60 });
  if (operation === "M1") await takeBack(contender, stage);
  await stage.sql`alter system set pg_stat_statements.track = 'top'`;
  await stage.sql`select pg_reload_conf(), pg_stat_statements_reset()`;
  const { requests: answered } = await load("node", contender.url, file, seconds);
  await contender.stop();
  await stage.sql`alter system set pg_stat_statements.track = 'none'`;
  const statements = await stage.sql`select calls, total_exec_time as ms, rows,
      shared_blks_hit as hit, regexp_replace(query, '\\s+', ' ', 'g') as query
    from pg_stat_statements order by total_exec_time desc limit 14`;
  await stage.sql`select pg_reload_conf()`;
  if (operation === "M1") await takeBack(contender, stage);
  const [found] = readdirSync(folder).filter((one) => one.endsWith(".cpuprofile"));
  const shares = sharesOf(JSON.parse(readFileSync(join(folder, found), "utf8")), seconds);
  rmSync(folder, { recursive: true });

  console.log(
    `\n${operation} ${name}: ${answered} requests in ${seconds} s, ${(shares.all / 1000 / answered).toFixed(2)} ms of CPU each`,
  );
  console.log(shown(shares.packages, shares.all, 20), "\n");
  console.log(shown(shares.functions, shares.all, top), "\n");
  for (const { calls, ms, rows, hit, query } of statements)
    console.log(
      `${(ms / answered).toFixed(3)} ms, ${(calls / answered).toFixed(2)} calls, ${(rows / answered).toFixed(1)} rows, ${(hit / calls).toFixed(0)} buffers a call  ${query.slice(0, 110)}`,
    );
}

/** Self time of the last seconds, start-up and idling excluded. */
function sharesOf({ nodes, samples, timeDeltas, startTime, endTime }, last) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const [packages, functions] = [new Map(), new Map()];
  const from = endTime - (last - 1) * 1e6;
  let [at, all] = [startTime, 0];
  samples.forEach((id, n) => {
    at += timeDeltas[n];
    const { callFrame } = byId.get(id);
    const of = packageOf(callFrame);
    if (at < from || of === null) return;
    all += timeDeltas[n];
    const called = `${callFrame.functionName || "(anonymous)"} ${of}${of === "own code" ? ` ${callFrame.url.split("/dist/").at(-1)}:${callFrame.lineNumber + 1}` : ""}`;
    for (const [sums, key] of [
      [packages, of],
      [functions, called],
    ])
      sums.set(key, (sums.get(key) ?? 0) + timeDeltas[n]);
  });
  return { packages, functions, all };
}

function packageOf({ url, functionName }) {
  if (functionName === "(idle)" || functionName === "(root)") return null;
  if (functionName === "(garbage collector)" || functionName === "(program)") return functionName;
  const [, found] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (found) return found;
  if (url.startsWith("node:")) return url;
  return url === "" ? "built in" : "own code";
}

function shown(sums, all, most) {
  const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, most);
  return sorted.map(([what, us]) => `${((100 * us) / all).toFixed(1).padStart(5)} %  ${what}`).join("\n");
}
