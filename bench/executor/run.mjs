// CPU of this process per request, for each executor, in interleaved rounds over the same gateway, data and documents.
//   npm run bench:executor [-- --rounds 5 --requests 300]
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pino from "pino";
import { productOf } from "../../dist/access/catalogue.js";
import { embeddedOwners } from "../../dist/commands/database.js";
import { seed } from "../../dist/commands/demo/seed.js";
import { startCluster } from "../../dist/database/embedded/cluster.js";
import { Leases } from "../../dist/database/leases.js";
import { MAIN } from "../../dist/database/names.js";
import { DEFAULT_LIMITS } from "../../dist/graphql/limits.js";
import { loadDevelopmentIssuer } from "../../dist/identity/development.js";
import { mintToken } from "../../dist/identity/developmentToken.js";
import { loadKey } from "../../dist/identity/key.js";
import { createVerifier } from "../../dist/identity/verifier.js";
import { PRODUCT_FILE, readProduct } from "../../dist/product.js";
import { createGateway } from "../../dist/server.js";
import { adoptProduct } from "../../dist/tenancy/directory/product.js";
import { migrate } from "../../dist/tenancy/migrations/migrate.js";
import { ensureAllLogins, withOwners } from "../../dist/tenancy/owners.js";
import { EXECUTORS } from "../executors.mjs";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, requests: { type: "string", default: "300" } },
});
const [rounds, requests] = [Number(values.rounds), Number(values.requests)];

const DOCUMENTS = {
  switcher: "{ viewer { memberships { nodes { organization { name memberCount } roles { key } } } } }",
  "members page":
    '{ organization(by: { slug: "north-1" }) { memberships(first: 20) { nodes { id status user { displayName email } roles { key name } } } } }',
  "100 organizations, 8 fields":
    '{ organizations(first: 100) { nodes { id slug name status metadata createdAt memberCount viewerCan(permission: "members:invite") } } }',
};

const folder = mkdtempSync(join(tmpdir(), "tenantry-bench-"));
const cluster = await startCluster({ folder, settings: { fsync: "off" } });
const leases = (login) =>
  new Leases({
    databases: { [MAIN]: cluster.url(login) },
    applicationName: "bench",
    prepare: true,
    connectTimeoutMs: 5000,
    size: 4,
    waitMs: 2000,
    maxAgeMs: 600_000,
  });
const [serve, door] = [leases("tenantry_serve"), leases("tenantry_door")];
try {
  const key = await loadKey({ dataDir: folder });
  await withOwners(embeddedOwners(cluster.logins, cluster.port, []), async (owners) => {
    await ensureAllLogins(owners);
    await migrate(owners);
    await adoptProduct(await owners.main, productOf(readProduct(PRODUCT_FILE)));
    await seed(owners, key, folder);
  });
  const options = {
    serve,
    door,
    key,
    catalogue: readProduct(PRODUCT_FILE),
    verifier: createVerifier({ issuers: [], development: await loadDevelopmentIssuer(folder) }),
    limits: DEFAULT_LIMITS,
    maxBodyBytes: 1e6,
    requestTimeoutMs: 15_000,
    replicaWaitMs: 20,
    signUp: false,
    origins: [],
    tenantDomain: null,
    introspection: "trimmed",
    log: pino({ level: "silent" }),
  };
  const gateways = Object.fromEntries(
    Object.entries(EXECUTORS).map(([name, execute]) => [name, createGateway({ ...options, execute })]),
  );
  const token = await mintToken(folder, { email: "gus@lumen.test" });
  const tokens = { lumen: token, northwind: await mintToken(folder, { email: "ada@northwind.test" }) };
  const ask = async (gateway, tenant, query) => {
    const response = await gateway.yoga.fetch("http://localhost/graphql", {
      method: "POST",
      headers: {
        host: "localhost",
        "content-type": "application/json",
        authorization: `Bearer ${tokens[tenant]}`,
        "x-tenant": tenant,
      },
      body: JSON.stringify({ query }),
    });
    return response.text();
  };

  console.log(
    `${rounds} rounds of ${requests} requests; ${cpus().length} × ${cpus()[0].model}; node ${process.version}\n`,
  );
  console.log("document                       executor    CPU µs/request (min, median)   × reference   bytes");
  for (const [title, query] of Object.entries(DOCUMENTS)) {
    const tenant = title.startsWith("100") ? "lumen" : "northwind";
    const times = {};
    const sizes = {};
    for (let round = -1; round < rounds; round++) {
      for (const [name, gateway] of Object.entries(gateways)) {
        const before = process.cpuUsage();
        for (let n = 0; n < requests; n++) sizes[name] = (await ask(gateway, tenant, query)).length;
        const { user, system } = process.cpuUsage(before);
        times[name] ??= [];
        if (round >= 0) times[name].push((user + system) / requests);
      }
    }
    const median = (name) => times[name].sort((a, b) => a - b)[Math.floor(rounds / 2)];
    if (new Set(Object.values(sizes)).size > 1) console.log("!! the answers differ in size", sizes);
    for (const name of Object.keys(EXECUTORS)) {
      console.log(
        `${title.padEnd(30)} ${name.padEnd(11)} ${Math.round(Math.min(...times[name]))
          .toString()
          .padStart(
            8,
          )} ${Math.round(median(name)).toString().padStart(8)}${" ".repeat(15)} ${(median(name) / median("reference")).toFixed(2).padStart(8)} ${String(sizes[name]).padStart(12)}`,
      );
    }
  }
} finally {
  await Promise.all([serve.close(), door.close()]);
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
