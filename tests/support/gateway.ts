import { setTimeout as pause } from "node:timers/promises";
import pino from "pino";
import { EXECUTORS } from "../../bench/executors.mjs";
import type { Leases } from "../../src/database/leases.js";
import { replicaOf } from "../../src/database/names.js";
import type { LeaseSettings } from "../../src/database/pooled.js";
import { DEFAULT_LIMITS, type DocumentLimits } from "../../src/graphql/limits.js";
import { loadDevelopmentIssuer } from "../../src/identity/development.js";
import { mintToken } from "../../src/identity/developmentToken.js";
import { loadKey } from "../../src/identity/key.js";
import { createVerifier } from "../../src/identity/verifier.js";
import { PRODUCT_FILE, readProduct } from "../../src/product.js";
import { createGateway, type Gateway, type ServerOptions } from "../../src/server.js";
import { cloneDatabase, FOLDER, type TestDatabase } from "./database.js";
import { openLeases } from "./sessions.js";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever its own document asked for
  readonly data: any;
  readonly errors?: readonly { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

/** Somebody who asks: a token, or none, and the tenant they name. */
export interface Caller {
  ask(document: string, variables?: Record<string, unknown>): Promise<Answer>;
  /** The same, for a test that wants the data and nothing else. Throws when there are errors. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever its own document asked for
  get(document: string, variables?: Record<string, unknown>): Promise<any>;
}

/** A gateway in this process, on a database of the test file's own. */
export interface TestGateway {
  readonly database: TestDatabase;
  readonly serve: Leases;
  readonly door: Leases;
  /** Everything the gateway logged, as text. */
  readonly log: () => string;
  /** The request listener, for a test that needs a socket. */
  readonly yoga: Gateway["yoga"];
  /** The same as a server of Node.js has it. */
  readonly answer: Gateway["answer"];
  readonly counts: Gateway["counts"];
  /** Any request at all. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A person of the demo, in a tenant; no tenant named where it is null. */
  as(email: string, tenant: string | null, headers?: Record<string, string>): Caller;
  readonly anonymous: Caller;
  withToken(token: string, tenant: string | null): Caller;
  /** Waits until every session has ended: an answer does not, and a test that looks at the server has to. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** For documents that a test makes larger than any client would. */
export const UNLIMITED = Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((limit) => [limit, 1e9])) as DocumentLimits;

/** Another executor than the gateway's own, for a run of all tests on it: `TENANTRY_TEST_EXECUTOR=jit npm test`. */
const wanted = process.env.TENANTRY_TEST_EXECUTOR;
const executor = wanted ? EXECUTORS[wanted] : undefined;
if (wanted && !executor) throw new Error(`There is no executor ${wanted}: ${Object.keys(EXECUTORS).join(", ")}.`);

/** From where everybody asks. */
export const ADDRESS = "192.0.2.7";

export async function openGateway(
  // On a database that is given, which stays when the gateway is closed, or on one of its own.
  options: Partial<ServerOptions> & {
    readonly leases?: number;
    readonly database?: TestDatabase;
    /** How connections to homes are kept, where it is not as usual. */
    readonly pool?: Partial<LeaseSettings>;
    /** Where the replicas of databases are, by the names of those. */
    readonly replicas?: Readonly<Record<string, string>>;
  } = {},
): Promise<TestGateway> {
  const database = options.database ?? (await cloneDatabase());
  const lines: string[] = [];
  const replicas = Object.entries(options.replicas ?? {}).map(([name, url]) => [replicaOf(name), url]);
  const serve = openLeases(
    { ...database.databases, ...Object.fromEntries(replicas) },
    { size: options.leases ?? 4, applicationName: "tenantry serve", ...options.pool },
  );
  const door = openLeases(database.url("tenantry_door"), {
    size: options.leases ?? 4,
    applicationName: "tenantry door",
  });
  const gateway = createGateway({
    serve,
    door,
    catalogue: readProduct(PRODUCT_FILE),
    key: await loadKey({ dataDir: FOLDER }),
    verifier: createVerifier({ issuers: [], development: await loadDevelopmentIssuer(FOLDER) }),
    limits: DEFAULT_LIMITS,
    maxBodyBytes: 1_000_000,
    requestTimeoutMs: 15_000,
    rememberBytes: 64_000_000,
    replicaWaitMs: 20,
    origins: [],
    introspection: "trimmed",
    tenantDomain: null,
    signUp: false,
    // What a sketch claims can be proven.
    resolveTxt: async (name) => [[`tenantry-verification=proof-of-${name.replace("_tenantry.", "")}`]],
    log: pino({ base: null }, { write: (line: string) => void lines.push(line) }),
    ...(executor && { execute: executor }),
    ...options,
  });
  const fetch = async (path: string, init: RequestInit = {}) =>
    gateway.yoga.fetch(
      `http://localhost${path}`,
      { ...init, headers: { host: "localhost", ...(init.headers as Record<string, string>) } },
      { address: ADDRESS },
    );

  const settled = async () => {
    // Most have ended by now. To look again and again would keep the server from ending the others.
    while (serve.counts.open > serve.counts.idle) await pause(1);
  };
  const caller = (
    token: () => Promise<string | null>,
    tenant: string | null,
    headers: Record<string, string> = {},
  ): Caller => {
    const ask = async (query: string, variables?: Record<string, unknown>): Promise<Answer> => {
      const jwt = await token();
      const response = await fetch("/graphql", {
        method: "POST",
        headers: {
          ...headers,
          "content-type": "application/json",
          ...(jwt && { authorization: `Bearer ${jwt}` }),
          ...(tenant && { "x-tenant": tenant }),
        },
        body: JSON.stringify({ query, variables }),
      });
      await settled();
      const body = (await response.json()) as Pick<Answer, "data" | "errors">;
      return { status: response.status, headers: response.headers, ...body };
    };
    const get = async (document: string, variables?: Record<string, unknown>) => {
      const { data, errors } = await ask(document, variables);
      if (errors) throw new Error(`The answer has errors: ${JSON.stringify(errors)}`);
      return data;
    };
    return { ask, get };
  };

  const tokens = new Map<string, Promise<string>>();
  return {
    database,
    serve,
    door,
    yoga: gateway.yoga,
    answer: gateway.answer,
    counts: gateway.counts,
    log: () => lines.join(""),
    fetch,
    as: (email, tenant, headers) =>
      caller(
        () => {
          if (!tokens.has(email)) tokens.set(email, mintToken(FOLDER, { email }));
          return tokens.get(email)!;
        },
        tenant,
        headers,
      ),
    anonymous: caller(async () => null, null),
    withToken: (token, tenant) => caller(async () => token, tenant),
    settled,
    async close() {
      await gateway.close();
      if (!options.database) await database.drop();
    },
  };
}
