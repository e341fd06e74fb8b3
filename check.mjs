// Everything that a change must pass: `npm run check`, which is what CI runs. Goes through all of it whatever fails, and ends
// with the counts of all tests, those that passed and failed alone on the last line.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const results = mkdtempSync(join(tmpdir(), "tenantry-check-"));
let [passed, failed, skipped] = [0, 0, 0];

/** A step that is no test counts only when it fails. */
function step(name, didPass) {
  if (didPass) console.log(`${name}: passed`);
  else failed++;
  if (!didPass) console.error(`${name}: FAILED`);
}

const env = { ...process.env, CI: "true" };
const npm = (args, stdio = "inherit") => spawnSync("npm", args, { stdio, encoding: "utf8", env, maxBuffer: 2 ** 26 });

/** Runs jest by its script, and adds up what it reports; a run without a report, or without a test, failed. */
async function tests(script) {
  const file = join(results, `${script.replace(":", "-")}.json`);
  const child = spawn("npm", ["run", "-s", script, "--", "--json", `--outputFile=${file}`], {
    stdio: ["ignore", "ignore", "inherit"],
    env,
  });
  const [status] = await once(child, "close");
  const report = readReport(file);
  if (report) {
    passed += report.numPassedTests;
    failed += report.numFailedTests;
    skipped += report.numPendingTests + report.numTodoTests;
  }
  const ran = report?.numPassedTests > 0 && report.numRuntimeErrorTestSuites === 0;
  // What jest itself counted is not counted twice.
  if (!ran || (status !== 0 && report.numFailedTests === 0)) step(script, false);
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

/** What is known against the packages that production runs. Not every registry says. */
function audit() {
  const { stdout } = npm(["audit", "--omit=dev", "--json"], "pipe");
  let report = null;
  try {
    report = JSON.parse(stdout);
  } catch {
    // No answer that could be read is no answer.
  }
  if (!report?.metadata?.vulnerabilities) return console.log("audit: not checked");
  const names = Object.keys(report.vulnerabilities ?? {});
  if (names.length > 0) console.error(`audit: known vulnerabilities in ${names.join(", ")}; see \`npm audit\``);
  step("audit", names.length === 0);
}

for (const name of ["types", "lint", "lockfile"]) step(name, npm(["run", "-s", name]).status === 0);
audit();
/** One after the other. */
async function all(names) {
  for (const name of names) await tests(name);
}
// A browser waits more than it works, and its tests run beside those of the API.
await all(["test"]);
await Promise.all([all(["test:shared", "test:pooler"]), all(["test:system"])]);

rmSync(results, { recursive: true });
// Some tests are only for Linux, and some only for root: there, where CI is, nothing is left out.
if (process.platform === "linux" && process.getuid() === 0) step("no test is skipped", skipped === 0);
console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
