// Who is measured: how each is started, and what it is asked.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { PLAIN, POSTGRAPHILE, TENANTRY } from "./documents.mjs";
import { PRODUCT } from "./product.mjs";
import { slugOf, subjectOfTarget } from "./seed.mjs";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
/** More room for what is young halves the cost of collecting it; the contenders are given it, too. */
const TUNED = ["--max-semi-space-size=64"];
const NODE_22 = path("node_modules/node/bin/node");

export const CONTENDERS = ["floor", "mercurius", "postgraphile", "shared", "schema"];
/** How the gateway is called where it serves homes of this kind. */
const GATEWAYS = { shared: "SHARED", schema: "SCHEMA", "shared-anew": "SHARED", "schema-anew": "SCHEMA" };
export const kindOf = (name) => GATEWAYS[name];

const plainly = ({ t, user }) => ({ "x-tenant": `t${t}`, "x-user": user });
const encoded = (type, id) => Buffer.from(`${type}:${id}`).toString("base64url");

/** Starts a contender. @returns { name, kind, pid, url, ask(operation, target), stop() }; of the gateway also homes(): how many each of its connections served, once it has stopped */
export async function start(name, stage) {
  const kind = kindOf(name);
  return kind ? startGateway(name, kind, stage) : startPeer(name, stage);
}

async function startPeer(name, { peersUrl, postgraphileUrl, nodeArgs = [] }) {
  const isPostgraphile = name === "postgraphile";
  const env = { ...process.env, NODE_ENV: "production", GRAPHILE_ENV: "production" };
  Object.assign(env, { PEERS_URL: peersUrl, POSTGRAPHILE_URL: postgraphileUrl });
  const execPath = isPostgraphile && existsSync(NODE_22) ? NODE_22 : process.execPath;
  const stdio = ["ignore", "ignore", "inherit", "ipc"];
  const child = fork(path(`contenders/${name}.mjs`), { env, execPath, execArgv: [...TUNED, ...nodeArgs], stdio });
  const [{ port }] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`${name} ended (${code}).`))),
  ]);
  const documents = isPostgraphile ? POSTGRAPHILE : PLAIN;
  const ask = (operation, target) => ({
    headers: plainly(target),
    body: bodyOf(operation, documents, { membershipId: target.membership_id, roleId: target.role_id, ...target }),
  });
  return { name, pid: child.pid, url: `http://127.0.0.1:${port}/graphql`, ask, stop: () => stop(child) };
}

async function startGateway(name, kind, { folder, serving, key, issuers, tokenOf, leases = "10", nodeArgs = [] }) {
  const product = join(folder, "product.json");
  writeFileSync(product, JSON.stringify(PRODUCT));
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: "production",
    ...serving,
    TENANTRY_KEY: key.toString("base64url"),
    TENANTRY_ISSUERS: JSON.stringify(issuers),
    TENANTRY_PRODUCT: product,
    TENANTRY_LEASES: leases,
    // Others let wait for as long as it takes, too.
    TENANTRY_LEASE_WAIT_MS: "10000",
    // Else who asks the same again is answered sooner, and all that is measured is asked again.
    ...(name.endsWith("-anew") && { TENANTRY_REMEMBER_MB: "0" }),
    PORT: "0",
  };
  const args = [...TUNED, ...nodeArgs, path("../../tenantry.mjs"), "serve"];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let homes = [];
  createInterface(child.stderr).on("line", (said) => {
    // At the end of each run the sender hangs up in the middle of what it asked, which is told of, too.
    if (!said.startsWith("{")) process.stderr.write(`${said}\n`);
    else if (said.includes('"homes":[')) ({ homes } = JSON.parse(said));
  });
  const url = await new Promise((ready, reject) => {
    child.stdout.on("data", (said) => {
      const found = /tenantry ready on (\S+)/.exec(said);
      if (found) ready(found[1]);
    });
    child.on("exit", (code) => reject(new Error(`The gateway ended (${code}).`)));
  });
  const ask = (operation, target) => {
    const variables = operation === "M1" && {
      membershipId: encoded("Membership", target.membership_id),
      roleId: encoded("Role", target.role_id),
    };
    const authorization = `Bearer ${tokenOf(subjectOfTarget(kind, target))}`;
    return {
      headers: { "x-tenant": slugOf(kind, target.t), authorization },
      body: bodyOf(operation, TENANTRY, { ...target, ...variables }),
    };
  };
  return { name, kind, pid: child.pid, url: `${url}/graphql`, ask, stop: () => stop(child), homes: () => homes };
}

const VARIABLES = { Q2: ["slug"], M1: ["membershipId", "roleId"] };
const bodyOf = (operation, documents, values) =>
  JSON.stringify({
    operationName: operation,
    query: documents[operation],
    variables: Object.fromEntries((VARIABLES[operation] ?? []).map((name) => [name, values[name]])),
  });

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
