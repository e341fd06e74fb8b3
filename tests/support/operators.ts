import pino from "pino";
import { Worker, type WorkerOptions } from "../../src/commands/work/worker.js";
import { readSettings } from "../../src/config.js";
import { DEFAULT_LIMITS } from "../../src/graphql/limits.js";
import { deriveKey, loadKey } from "../../src/identity/key.js";
import { operatorsOf } from "../../src/identity/operators.js";
import { createOperatorsDoor } from "../../src/operators/door.js";
import { JOBS_KEY } from "../../src/tenancy/jobs/seal.js";
import { Owners } from "../../src/tenancy/owners.js";
import { sign, signingKey, testIssuer } from "../identity/testIssuer.js";
import { FOLDER, type TestDatabase } from "./database.js";
import type { Answer } from "./gateway.js";
import { openLeases } from "./sessions.js";
import { owningSettings } from "./settings.js";

export const OPERATORS_ISSUER = "https://staff.example";
const AUDIENCE = "tenantry-operators";

/** Somebody's token for the operators' door, unless it is changed into one that will not do. */
export const operatorClaims = (changes: Record<string, unknown> = {}) => ({
  iss: OPERATORS_ISSUER,
  aud: AUDIENCE,
  sub: "olga",
  exp: Math.floor(Date.now() / 1000) + 600,
  ...changes,
});

/** The operators' door of a database, with an issuer of its own: `olga` and `oscar@staff.example` are listed. */
export async function openOperators(database: TestDatabase) {
  const key = await signingKey("staff");
  const issuer = await testIssuer([key]);
  const door = openLeases(database.url("tenantry_door"));
  const settings = [
    {
      issuer: OPERATORS_ISSUER,
      audience: [AUDIENCE],
      algorithms: ["ES256"],
      accessTokensOnly: false,
      jwksUri: issuer.settings.jwksUri,
      subjects: ["olga"],
      emails: ["oscar@staff.example"],
    },
  ];
  const lines: string[] = [];
  const yoga = createOperatorsDoor({
    door,
    key: await loadKey({ dataDir: FOLDER }),
    findOperator: operatorsOf(settings),
    databases: database.made(),
    issuers: [],
    limits: DEFAULT_LIMITS,
    maxBodyBytes: 100_000,
    log: pino({ base: null }, { write: (line: string) => void lines.push(line) }),
  });
  const token = (changes?: Record<string, unknown>) => sign(key, operatorClaims(changes));
  const fetch = async (path: string, init: RequestInit) =>
    yoga.fetch(`http://localhost${path}`, {
      ...init,
      headers: { host: "localhost", ...(init.headers as Record<string, string>) },
    });
  const ask = async (query: string, variables?: object, authorization?: string | null): Promise<Answer> => {
    const sent = authorization === undefined ? `Bearer ${await token()}` : authorization;
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", ...(sent !== null && { authorization: sent }) },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, headers: response.headers, ...((await response.json()) as Pick<Answer, "data">) };
  };
  /** What a mutation answers to an input. */
  const change = async (name: string, input: object) => {
    const type = `${name[0]!.toUpperCase()}${name.slice(1)}Input`;
    const { data, errors } = await ask(
      `mutation($input: ${type}!) { ${name}(input: $input) { __typename ... on JobPayload { job { id } } ... on Failure { code message field } } }`,
      { input },
    );
    if (errors) throw new Error(`The answer has errors: ${JSON.stringify(errors)}`);
    return data[name];
  };
  const jobOf = async (id: string) =>
    (
      await ask(
        `{ job(id: "${id}") { kind slug operator cancelledBy state phase done total outcome startedAt endedAt } }`,
      )
    ).data.job;
  return {
    issuer,
    key,
    fetch,
    ask,
    token,
    change,
    jobOf,
    log: () => lines.join(""),
    async close() {
      await door.close();
      await issuer.close();
    },
  };
}

/** A worker on a test file's databases, in this process. */
export async function openWorker(database: TestDatabase, told: Partial<WorkerOptions> = {}) {
  const made = database.made();
  const databases = Object.fromEntries(made.map((name) => [name, database.owning.databases[name]!]));
  const owners = new Owners({ ...database.owning, databases });
  const worker = new Worker({
    owners,
    settings: readSettings(await owningSettings(database, ...made.filter((name) => name !== "main"))),
    key: deriveKey(await loadKey({ dataDir: FOLDER }), JOBS_KEY),
    onBegin: () => {},
    onTold: () => {},
    onEnd: () => {},
    onRecovered: () => {},
    ...told,
  });
  return {
    /** Does what there is to do, and says what became of each. */
    async all(): Promise<string[]> {
      const ends: string[] = [];
      for (;;) {
        const ended = await worker.next();
        if (ended === null) return ends;
        ends.push(ended);
      }
    },
    next: () => worker.next(),
    async close() {
      await worker.close();
      await owners.close();
    },
  };
}
