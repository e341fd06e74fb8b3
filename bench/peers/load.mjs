// Sends requests from 32 connections, and reads from /proc what they cost.
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const CONNECTIONS = 32;
/** Milliseconds of one tick in /proc, as Linux has had them for long. */
const TICK = 10;

export const hasWrk = () => spawnSync("wrk", ["-v"]).error === undefined;

/** Writes requests as they go over the wire. */
export function render(file, url, requests) {
  const { host, pathname } = new URL(url);
  const texts = requests.map(({ headers, body }) => {
    const lines = Object.entries({ host, "content-type": "application/json", accept: "application/json", ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
    return `POST ${pathname} HTTP/1.1\r\n${lines}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  });
  writeFileSync(file, texts.map((text) => `${Buffer.byteLength(text)}\n${text}`).join(""));
}

/**
 * @param place how many requests of the file to pass over; anywhere, where it is not given
 * @returns { requests, us, bytes, bad, p50, p99 }, the last two in microseconds
 */
export const load = (sender, url, file, seconds, place = undefined) =>
  (sender === "wrk" ? byWrk : byNode)(url, file, seconds, place);

/**
 * Sends until a compiler has seen enough, and everybody has asked as often as anybody: so many requests, or so many seconds if that
 * comes first.
 */
export async function warmUp(sender, url, file, { requests, seconds }) {
  const began = performance.now();
  for (let sent = 0; sent < requests && performance.now() - began < seconds * 1000; )
    sent += (await load(sender, url, file, 1, sent)).requests;
}

async function byWrk(url, file, seconds, place = "") {
  const script = fileURLToPath(new URL("wrk.lua", import.meta.url));
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency", "--timeout", "10s", "-s", script, url];
  const wrk = spawn("wrk", args, { env: { ...process.env, REQUESTS: file, PLACE: place } });
  let said = "";
  for (const stream of [wrk.stdout, wrk.stderr]) stream.on("data", (part) => (said += part));
  await new Promise((ended) => wrk.on("close", ended));
  const found = /JSON (.*)/.exec(said);
  if (!found) throw new Error(said);
  return JSON.parse(found[1]);
}

function byNode(url, file, seconds, place) {
  const { hostname, port } = new URL(url);
  const workerData = { hostname, port, file, seconds, connections: CONNECTIONS, from: place };
  return new Promise((resolve, reject) => {
    new Worker(new URL("sender.mjs", import.meta.url), { workerData }).once("message", resolve).once("error", reject);
  });
}

function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    return { parent: fields[1], own: fields[11] + fields[12], children: fields[13] + fields[14] };
  } catch {
    return null;
  }
}

/** CPU that a process took since it began, in milliseconds. */
export const cpuOf = (pid) => (stat(pid)?.own ?? 0) * TICK;

/** The same of PostgreSQL: its first process, those that it has, and those that it had. */
export function cpuOfServer(postmaster) {
  let ticks = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const found = stat(pid);
    if (Number(pid) === postmaster) ticks += found.own + found.children;
    else if (found?.parent === postmaster) ticks += found.own;
  }
  return ticks * TICK;
}

/**
 * Megabytes that are a process's own. A page of the server's common memory counts for nobody, also where only one process has
 * looked at it so far, which Linux calls private.
 */
export function ownMemory(pid) {
  try {
    let [isShared, kB] = [false, 0];
    for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
      const mapping = /^[0-9a-f]+-[0-9a-f]+ ...([sp]) /.exec(line);
      if (mapping) isShared = mapping[1] === "s";
      else if (!isShared) kB += Number(/^Private_\w+: +(\d+) kB$/.exec(line)?.[1] ?? 0);
    }
    return kB / 1024;
  } catch {
    return Number.NaN;
  }
}

/** The ports that a process's own connections come from. */
export function portsOf(pid) {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const lines = readFileSync(`/proc/${pid}/net/tcp`, "utf8").trim().split("\n").slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return new Set(fields.filter((of) => sockets.has(of[9])).map((of) => Number.parseInt(of[1].split(":")[1], 16)));
}
