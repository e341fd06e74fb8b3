import { resolve } from "node:path";
import { z } from "zod";
import { DEFAULT_LIMITS, type DocumentLimits } from "./graphql/limits/defaults.js";
import { issuerSettings } from "./identity/issuers.js";
import { keySetting } from "./identity/key.js";
import { PRODUCT_FILE } from "./product.js";

/** Wrong settings, all of them: each line names one and says what would be right. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  constructor(readonly problems: readonly string[]) {
    super(
      `${problems.length === 1 ? "A setting is wrong" : `${problems.length} settings are wrong`}:\n- ${problems.join("\n- ")}`,
    );
  }
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be a whole number from ${least} to ${most}`);
const onOff = z.enum(["on", "off"], { error: "must be on or off" }).transform((value) => value === "on");
const databaseUrl = z.string().refine(
  (value) => {
    if (!URL.canParse(value)) return false;
    const { protocol, username, password, pathname } = new URL(value);
    return /^postgres(ql)?:$/.test(protocol) && username !== "" && password !== "" && pathname.length > 1;
  },
  { error: "must be postgres://login:password@host:port/database" },
);
const list = z.string().transform((value) =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean),
);

/** Every setting but the limits of documents, by the name of its environment variable. */
const SETTINGS = {
  DATABASE_URL: databaseUrl.optional().describe("Serving login of a real PostgreSQL; unset: an embedded one"),
  DATABASE_DOOR_URL: databaseUrl.optional().describe("The door's login, which reads the directory only"),
  DATABASE_OWNER_URL: databaseUrl.optional().describe("For migrate and other commands of the owner only"),
  HOST: z.string().min(1).default("127.0.0.1").describe("The address to listen on"),
  PORT: whole(0, 65_535).default(4000).describe("The port to listen on; 0 takes a free one"),
  TENANTRY_DATA_DIR: z
    .string()
    .min(1)
    .default(".tenantry")
    .transform((path) => resolve(path))
    .describe("Folder of the embedded database and its keys"),
  TENANTRY_KEY: keySetting.optional().describe("32 random bytes in base64url; required with a real database"),
  TENANTRY_ISSUERS: issuerSettings.default([]).describe("JSON list of the issuers whose tokens are taken"),
  TENANTRY_PRODUCT: z
    .string()
    .min(1)
    .default(PRODUCT_FILE)
    .transform((path) => resolve(path))
    .describe("The product's permissions and role templates"),
  TENANTRY_TENANT_DOMAIN: z
    .string()
    .regex(/^[a-z0-9.-]+$/, "must be a domain name in lower case")
    .optional()
    .describe("<slug>.<domain> is the host of a tenant"),
  TENANTRY_ORIGINS: list
    .refine(
      (origins) => origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
      "must be origins, separated by commas: https://app.example.com",
    )
    .default([])
    .describe("Pages of other origins that may ask"),
  TENANTRY_DEVELOPMENT: onOff
    .optional()
    .describe("Development issuer and viewer picker; on with the embedded database"),
  TENANTRY_GRAPHIQL: onOff.default(true).describe("Whether a browser finds GraphiQL"),
  TENANTRY_INTROSPECTION: z
    .enum(["trimmed", "whole"], { error: "must be trimmed or whole" })
    .default("trimmed")
    .describe("Whether introspection shows each viewer what is of use to them, or everybody everything"),
  TENANTRY_LEASES: whole(1, 1000).default(10).describe("Connections to tenants' homes, in each process"),
  TENANTRY_LEASE_WAIT_MS: whole(1, 60_000).default(2000).describe("How long a request waits for one"),
  TENANTRY_PREPARE: onOff.default(true).describe("Prepared statements; off behind a pooler that does not know them"),
  TENANTRY_REQUEST_TIMEOUT_MS: whole(100, 600_000).default(15_000).describe("How long a request may take"),
  TENANTRY_MAX_BODY_BYTES: whole(1000, 100_000_000).default(1_000_000).describe("Size of a request's body"),
  TENANTRY_LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "silent"])
    .default("info")
    .describe("What goes to stderr"),
};

const schema = z.object(SETTINGS);
export type Settings = Omit<z.output<typeof schema>, "TENANTRY_DEVELOPMENT"> & {
  readonly TENANTRY_DEVELOPMENT: boolean;
  readonly limits: DocumentLimits;
};

/** `inputList` is set by TENANTRY_MAX_INPUT_LIST. */
export const limitSetting = (limit: string): string =>
  `TENANTRY_MAX_${limit.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/**
 * The settings of the environment, complete and typed. Nothing is opened.
 * @param serving whether this process answers requests: then it must not hold the owner's login
 * @throws SettingsError that names every wrong setting at once, misspelt names of ours among them
 */
export function readSettings(env: NodeJS.ProcessEnv, serving = false): Settings {
  const problems: string[] = [];
  const own = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));

  const parsed = schema.safeParse(own);
  for (const { path, message } of parsed.error?.issues ?? []) {
    const name = String(path[0]);
    problems.push(message.startsWith(name) ? message : `${name} ${message}`);
  }
  const limits = { ...DEFAULT_LIMITS };
  for (const limit of Object.keys(DEFAULT_LIMITS) as (keyof DocumentLimits)[]) {
    const text = own[limitSetting(limit)];
    if (text === undefined) continue;
    const value = whole(1, 10_000_000).safeParse(text);
    if (value.success) limits[limit] = value.data;
    else problems.push(`${limitSetting(limit)} ${value.error.issues[0]!.message}`);
  }
  const known = new Set([...Object.keys(SETTINGS), ...Object.keys(DEFAULT_LIMITS).map(limitSetting)]);
  for (const name of Object.keys(own)) {
    if (name.startsWith("TENANTRY_") && !known.has(name))
      problems.push(`${name} is not a setting. Check its spelling.`);
  }

  if ((own.DATABASE_URL === undefined) !== (own.DATABASE_DOOR_URL === undefined)) {
    problems.push("DATABASE_URL and DATABASE_DOOR_URL belong together: set both, or neither for the embedded database");
  }
  if (own.DATABASE_URL !== undefined && own.TENANTRY_KEY === undefined) {
    problems.push(
      "TENANTRY_KEY is required with a real database: 32 random bytes in base64url, the same for every process",
    );
  }
  if (serving && own.DATABASE_OWNER_URL !== undefined) {
    problems.push(
      "DATABASE_OWNER_URL must not be set where requests are answered: unset it, and keep it for `tenantry migrate`",
    );
  }
  if (parsed.success) {
    const { HOST, DATABASE_URL } = parsed.data;
    const development = parsed.data.TENANTRY_DEVELOPMENT ?? DATABASE_URL === undefined;
    if (serving && development && !LOOPBACK.has(HOST)) {
      problems.push(
        `HOST is ${HOST}, and the development issuer serves loopback only: set HOST=127.0.0.1, or TENANTRY_DEVELOPMENT=off`,
      );
    }
    if (problems.length === 0) return { ...parsed.data, TENANTRY_DEVELOPMENT: development, limits };
  }
  throw new SettingsError(problems);
}
