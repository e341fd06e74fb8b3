// One server, with the gateway's homes and the contenders' tables side by side in it.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, SignJWT } from "jose";
import postgres from "postgres";
import { embeddedOwners, embeddedSettings } from "../../dist/commands/database.js";
import { startCluster } from "../../dist/database/embedded/cluster.js";
import { keyMark } from "../../dist/identity/key.js";
import { noteKeyMark } from "../../dist/tenancy/directory/installation.js";
import { noteProduct } from "../../dist/tenancy/directory/product.js";
import { migrate } from "../../dist/tenancy/migrations/migrate.js";
import { ensureAllLogins, Owners } from "../../dist/tenancy/owners.js";
import { PRODUCT } from "./product.mjs";
import { ISSUER, KINDS, makeShape, readTargets, seedContenders, seedGateway, subjectOfTarget, USUAL } from "./seed.mjs";

// Durable as a server in use; what would begin in the middle of a run by itself is off. Statements are counted in a run of their own.
const SETTINGS = {
  shared_buffers: "1GB",
  max_connections: "200",
  autovacuum: "off",
  max_wal_size: "4GB",
  shared_preload_libraries: "pg_stat_statements",
};

/**
 * Builds all of it. What it returns is closed by `close`.
 * @param shapes what each tenant has
 * @param isAlone whether nobody but the gateway is asked
 */
export async function build({ tenants = 0, shapes = Array(tenants).fill(USUAL), kinds = KINDS, isAlone = false, say }) {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-bench-"));
  const cluster = await startCluster({ folder, settings: SETTINGS });
  const owners = new Owners(embeddedOwners(cluster.logins, cluster.port, []));
  const key = randomBytes(32);
  const closing = [];
  const close = async () => {
    for (const one of closing) await one();
    await owners.close();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ensureAllLogins(owners);
    await migrate(owners);
    const main = await owners.main;
    await noteProduct(main, PRODUCT);
    await noteKeyMark(main, keyMark(key));
    say(`making ${shapes.length} tenants in ${kinds.join(" and ")} homes`);
    await seedGateway(owners, key, shapes, kinds);
    await main.run("create database peers");
    const sql = postgres(cluster.url("tenantry_owner", "peers"), { max: 1, onnotice() {} });
    closing.push(() => sql.end());
    const password = randomBytes(16).toString("hex");
    await makeShape((text) => sql.unsafe(text), shapes);
    if (!isAlone) {
      say("making the same for the contenders");
      await seedContenders(sql, shapes.length, password);
    }
    await sql`create extension pg_stat_statements`;
    await sql`alter system set pg_stat_statements.track = 'none'`;
    await sql`select pg_reload_conf()`;
    await main.run("checkpoint");
    const [{ version, fsync, seeded_at: seededAt }] = await main.run(
      "select current_setting('server_version') as version, current_setting('fsync') as fsync, clock_timestamp() as seeded_at",
    );

    const wanted = await readTargets(sql);
    const issuer = await openIssuer();
    closing.push(issuer.close);
    const tokens = new Map();
    for (const kind of kinds)
      for (const target of wanted.targets) {
        const subject = subjectOfTarget(kind, target);
        tokens.set(subject, await issuer.sign(subject));
      }
    const url = new URL(cluster.url("tenantry_owner", "peers"));
    const postgraphileUrl = new URL(url);
    Object.assign(postgraphileUrl, { username: "peers_postgraphile", password });
    return {
      ...wanted,
      folder,
      cluster,
      owners,
      sql,
      key,
      tenants: shapes.length,
      version,
      fsync,
      seededAt,
      close,
      serving: embeddedSettings(cluster.logins, cluster.port, []).serving,
      issuers: [{ issuer: ISSUER, audience: "bench", tenants: "*", emailDomains: [], jwksUri: issuer.jwksUri }],
      tokenOf: (subject) => tokens.get(subject),
      peersUrl: url.href,
      postgraphileUrl: postgraphileUrl.href,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Somebody who makes tokens, and shows the key that they are signed with. */
async function openIssuer() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const jwk = { ...(await exportJWK(publicKey)), kid: "bench", alg: "EdDSA", use: "sig" };
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const sign = (subject) =>
    new SignJWT({})
      .setProtectedHeader({ alg: "EdDSA", kid: "bench", typ: "at+jwt" })
      .setIssuer(ISSUER)
      .setAudience("bench")
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime("6h")
      .sign(privateKey);
  const close = () => new Promise((closed) => server.close(closed));
  return { jwksUri: `http://127.0.0.1:${server.address().port}/keys`, sign, close };
}
