import type { Logger } from "pino";
import { readSettings, type Settings } from "../config.js";
import { sqlState } from "../database/errors.js";
import { Leases } from "../database/leases.js";
import { isReplica, MAIN, replicaOf } from "../database/names.js";
import { silenceOf } from "../database/silence.js";
import { Sealer } from "../features/audit/sealer.js";
import { loadDevelopmentIssuer } from "../identity/development.js";
import { keyMark } from "../identity/key.js";
import { operatorsOf } from "../identity/operators.js";
import { createVerifier } from "../identity/verifier.js";
import { createGateway } from "../server.js";
import { mustBeItsKey } from "../tenancy/directory/installation.js";
import { Unchanged } from "../tenancy/walls/unchanged.js";
import { checkWalls, type Doors, guardDatabases, watchWalls } from "../tenancy/walls/walls.js";
import { keyOf } from "./database.js";
import { EXIT, RefusedError, UsageError } from "./explain.js";
import { withHost } from "./host.js";
import { HttpServer } from "./listen.js";
import { openLog } from "./log.js";
import { mailboxOf } from "./mailbox.js";
import { isChild, tellParent } from "./parent.js";
import { checkProduct } from "./product/check.js";
import { routes } from "./routes.js";
import { onStop } from "./signals.js";

// How long what runs may take to its end after SIGTERM.
const GRACE_MS = 10_000;
const MEGABYTE = 1_000_000;

/**
 * `tenantry serve`: answers requests until SIGTERM or SIGINT, then finishes what runs and exits 0. Says `tenantry ready on
 * <url>` when a tenant's query would be answered; started by `tenantry start`, it tells that instead.
 */
export async function serve(): Promise<void> {
  const settings = readSettings(await environment(), true);
  const log = openLog(settings.TENANTRY_LOG_LEVEL);
  const key = await keyOf(settings);
  const { DATABASE_URL, DATABASE_DOOR_URL } = settings;
  if (!DATABASE_URL || !DATABASE_DOOR_URL)
    throw new UsageError("`serve` needs DATABASE_URL and DATABASE_DOOR_URL. For the embedded database use `start`.");
  const doors = {
    serve: leases(settings, servingUrls(settings, DATABASE_URL), "serve"),
    door: leases(settings, { [MAIN]: DATABASE_DOOR_URL }, "door"),
  };
  try {
    await open(settings, doors, key, log);
  } catch (error) {
    // Left open, they would keep the process from ending.
    await Promise.all([doors.serve.close(), doors.door.close()]);
    throw error;
  }
}

async function open(settings: Settings, doors: Doors, key: Buffer, log: Logger): Promise<void> {
  const unchanged = new Unchanged();
  const findings = await checkWalls(doors, unchanged).catch((error) => {
    throw sqlState(error)?.startsWith("28") || sqlState(error) === "3D000" ? notLetIn(error) : error;
  });
  if (findings.length > 0) {
    const holes = findings.map(({ what, mend }) => `- ${what}\n  ${mend}`).join("\n");
    throw new RefusedError(
      `The database is not fit to keep tenants apart:\n${holes}\n` +
        "Or a URL names the wrong login: they must be the two that `tenantry migrate` makes, from DATABASE_URL and DATABASE_DOOR_URL.",
    );
  }
  await mustBeItsKey(doors.door, keyMark(key));
  await checkProduct(doors.door, settings.TENANTRY_PRODUCT, log);
  const onBarred = (database: string, why: unknown) =>
    log.error(
      { database, ...(why instanceof Error ? { error: why.message } : { findings: why }) },
      "a database is closed to its tenants",
    );
  await guardDatabases(doors.serve, onBarred, unchanged);
  const walls = watchWalls(
    doors,
    (found) => log.error({ findings: found }, "the database's walls are open"),
    onBarred,
    unchanged,
  );

  // The first to ask shall find a connection. Of a replica that is away, the gateway tells whenever it is needed.
  for (const name of doors.serve.databases.filter(isReplica))
    void doors.serve.acquire("", undefined, name).then(
      (lease) => lease.release(),
      () => {},
    );

  const development = settings.TENANTRY_DEVELOPMENT ? await loadDevelopmentIssuer(settings.TENANTRY_DATA_DIR) : null;
  const sealer = new Sealer({ ...doors, key, log });
  const gateway = createGateway({
    ...doors,
    onChange: ({ id }) => sealer.changed(id),
    catalogue: settings.TENANTRY_PRODUCT,
    key,
    log,
    verifier: createVerifier({ issuers: settings.TENANTRY_ISSUERS, development }),
    limits: settings.limits,
    maxBodyBytes: settings.TENANTRY_MAX_BODY_BYTES,
    requestTimeoutMs: settings.TENANTRY_REQUEST_TIMEOUT_MS,
    rememberBytes: settings.TENANTRY_REMEMBER_MB * MEGABYTE,
    replicaWaitMs: settings.TENANTRY_REPLICA_WAIT_MS,
    origins: settings.TENANTRY_ORIGINS,
    introspection: settings.TENANTRY_INTROSPECTION,
    tenantDomain: settings.TENANTRY_TENANT_DOMAIN ?? null,
    signUp: settings.TENANTRY_SIGNUP === "verified-email",
  });
  const server = new HttpServer(
    routes({
      gateway,
      sealer,
      isHealthy: () => walls.isSound(),
      development,
      mailbox: mailboxOf(doors, key, { invitationUrl: settings.TENANTRY_INVITATION_URL ?? null }),
      settings,
      log,
    }),
  );
  const url = await server.listen({ host: settings.HOST, port: settings.PORT, of: "" });
  const operators = await openOperatorsDoor(settings, doors, key, log).catch(async (error) => {
    await server.close();
    throw error;
  });
  sealer.start();

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    walls.stop();
    setTimeout(() => process.exit(EXIT.failed), GRACE_MS).unref();
    await Promise.all([server.close(), operators?.server.close()]);
    await sealer.stop();
    log.info(
      { homes: doors.serve.homes },
      "stopping: each connection to PostgreSQL kept statements for so many homes of tenants",
    );
    await gateway.close();
    process.exit(EXIT.done);
  };
  onStop(stop);
  // Without `tenantry start` there is no database either.
  if (isChild) process.on("disconnect", stop);

  const own = operators ? { operators: operators.url } : {};
  if (isChild) tellParent({ ready: url, ...own }, stop);
  else {
    if (operators) process.stdout.write(`tenantry for operators on ${operators.url}\n`);
    process.stdout.write(`tenantry ready on ${url}\n`);
  }
}

/** Listens for operators, at an address of their own; null where the settings name none. */
async function openOperatorsDoor(settings: Settings, { door, serve }: Doors, key: Buffer, log: Logger) {
  const { TENANTRY_OPERATORS, TENANTRY_OPERATORS_HOST: host, TENANTRY_OPERATORS_PORT: port } = settings;
  if (TENANTRY_OPERATORS.length === 0) return null;
  const { createOperatorsDoor } = await import("../operators/door.js");
  const yoga = createOperatorsDoor({
    door,
    key,
    log,
    findOperator: operatorsOf(TENANTRY_OPERATORS),
    databases: serve.databases,
    issuers: settings.TENANTRY_ISSUERS,
    limits: settings.limits,
    maxBodyBytes: settings.TENANTRY_MAX_BODY_BYTES,
  });
  const server = new HttpServer(withHost((request, response) => void yoga(request, response)));
  return { server, url: await server.listen({ host, port, of: "TENANTRY_OPERATORS_" }) };
}

/** That of this process; and, started by `tenantry start`, the database that is told once it is there. */
async function environment(): Promise<NodeJS.ProcessEnv> {
  if (!isChild) return process.env;
  const orphaned = () => process.exit(EXIT.failed);
  process.once("disconnect", orphaned);
  const database = await new Promise<NodeJS.ProcessEnv>((resolve) => process.once("message", resolve as () => void));
  process.off("disconnect", orphaned);
  return { ...process.env, ...database };
}

const notLetIn = (cause: Error): Error =>
  new RefusedError(
    "The database does not let the serving logins in. Run `tenantry migrate` first: it makes them, with the passwords of DATABASE_URL and DATABASE_DOOR_URL.",
    { cause },
  );

/** Where tenants' homes are, and their replicas, by the name of each. */
function servingUrls(settings: Settings, main: string): Record<string, string> {
  const { DATABASE_REPLICA_URL, TENANTRY_DATABASES, TENANTRY_DATABASE_REPLICAS } = settings;
  const replicas = { ...TENANTRY_DATABASE_REPLICAS, ...(DATABASE_REPLICA_URL && { [MAIN]: DATABASE_REPLICA_URL }) };
  const named = Object.entries(replicas).map(([name, url]) => [replicaOf(name), url]);
  return { ...TENANTRY_DATABASES, [MAIN]: main, ...Object.fromEntries(named) };
}

const leases = (settings: Settings, databases: Record<string, string>, what: string): Leases =>
  new Leases({
    databases,
    applicationName: `tenantry ${what}`,
    prepare: settings.TENANTRY_PREPARE,
    connectTimeoutMs: 5000,
    silenceMs: silenceOf(settings.TENANTRY_STATEMENT_TIMEOUT_MS),
    size: settings.TENANTRY_LEASES,
    waitMs: settings.TENANTRY_LEASE_WAIT_MS,
    maxAgeMs: 12 * 60_000,
  });
