import { basename, resolve } from "node:path";
import { z } from "zod";
import { databaseNames, databaseUrl, databaseUrls } from "./database/settings.js";
import { DEFAULT_LIMITS, type DocumentLimits, LIMITS } from "./graphql/limits/defaults.js";
import { issuerSettings } from "./identity/issuers.js";
import { keySetting } from "./identity/key.js";
import { PRODUCT_FILE, readProduct } from "./product.js";

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
const list = z.string().transform((value) =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean),
);

/** Every setting but the limits of documents, by the name of its environment variable. */
const SETTINGS = {
  DATABASE_URL: databaseUrl
    .optional()
    .describe(
      "Serving login of a real PostgreSQL, which reaches tenants' homes only: `postgres://login:password@host:port/database`. Unset: the embedded one",
    ),
  DATABASE_DOOR_URL: databaseUrl.optional().describe("Login of the same database that reads the directory only"),
  DATABASE_OWNER_URL: databaseUrl
    .optional()
    .describe(
      "Login that owns the tables: for `migrate`, `seed` and other commands of the owner. A process that answers requests refuses it",
    ),
  TENANTRY_DATABASES: databaseUrls
    .prefault("{}")
    .describe(
      'More databases for tenants\' homes, each with the serving login of its own: JSON `{"eu": "postgres://login:password@host:port/database"}`. That of DATABASE_URL is called `main`',
    ),
  TENANTRY_DATABASE_OWNERS: databaseUrls
    .prefault("{}")
    .describe("The owner's logins of those databases, under the same names, for commands of the owner"),
  TENANTRY_EMBEDDED_DATABASES: databaseNames
    .prefault("lumen,spare")
    .describe("The databases that the embedded PostgreSQL has beside `main`, separated by commas"),
  HOST: z.string().min(1).prefault("127.0.0.1").describe("The address to listen on"),
  PORT: whole(0, 65_535).prefault("4000").describe("The port to listen on; `0` takes a free one"),
  TENANTRY_DATA_DIR: z
    .string()
    .min(1)
    .prefault(".tenantry")
    .transform((path) => resolve(path))
    .describe("Folder of the embedded database, its keys and the development issuer"),
  TENANTRY_KEY: keySetting
    .optional()
    .describe(
      "32 random bytes in base64url, from which digests of identities and seals of cursors are made. Required with a real database, the same for every process; lost, nobody is recognised any more. The embedded database keeps one in its folder",
    ),
  TENANTRY_ISSUERS: issuerSettings
    .prefault("[]")
    .describe(
      "Whose tokens are taken: JSON list of `{issuer, audience, tenants, emailDomains, algorithms?, tenantClaim?, jwksUri?}`",
    ),
  TENANTRY_PRODUCT: z
    .string()
    .min(1)
    .prefault(PRODUCT_FILE)
    .transform((path, context) => {
      try {
        return readProduct(resolve(path));
      } catch (error) {
        context.addIssue({ code: "custom", message: `names a file that will not do. ${(error as Error).message}` });
        return z.NEVER;
      }
    })
    .describe("File with the product's permissions and role templates"),
  TENANTRY_TENANT_DOMAIN: z
    .string()
    .regex(/^[a-z0-9.-]+$/, "must be a domain name in lower case")
    .optional()
    .describe("With `app.example.com`, the host `acme.app.example.com` names the tenant `acme`"),
  TENANTRY_ORIGINS: list
    .refine(
      (origins) => origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
      "must be origins, separated by commas: https://app.example.com",
    )
    .prefault("")
    .describe("Origins whose pages may ask, separated by commas: `https://app.example.com`"),
  TENANTRY_DEVELOPMENT: onOff
    .optional()
    .describe(
      "`on` or `off`: the development issuer, its people and the viewer picker, on loopback only. Unset: on with the embedded database, off with a real one",
    ),
  TENANTRY_GRAPHIQL: onOff.prefault("on").describe("`on` or `off`: whether a browser finds GraphiQL"),
  TENANTRY_INTROSPECTION: z
    .enum(["trimmed", "whole"], { error: "must be trimmed or whole" })
    .prefault("trimmed")
    .describe(
      "`trimmed` shows each viewer the part of the schema that is of use to them, `whole` shows everybody everything",
    ),
  TENANTRY_LEASES: whole(1, 1000)
    .prefault("10")
    .describe("Connections of each process, at most, to tenants' homes; and as many to the directory"),
  TENANTRY_LEASE_WAIT_MS: whole(1, 60_000)
    .prefault("2000")
    .describe("How long a request waits for a connection before it is told to come back"),
  TENANTRY_PREPARE: onOff
    .prefault("on")
    .describe(
      "`on` or `off`: prepared statements. Off behind a pooler in transaction mode that does not know them, such as PgBouncer before 1.21",
    ),
  TENANTRY_REQUEST_TIMEOUT_MS: whole(100, 600_000).prefault("15000").describe("How long a request may take"),
  TENANTRY_MAX_BODY_BYTES: whole(1000, 100_000_000).prefault("1000000").describe("Size of a request's body"),
  TENANTRY_LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "silent"])
    .prefault("info")
    .describe("What goes to stderr: `fatal`, `error`, `warn`, `info`, `debug` or `silent`"),
};

const schema = z.object(SETTINGS);
export type Settings = Omit<z.output<typeof schema>, "TENANTRY_DEVELOPMENT"> & {
  readonly TENANTRY_DEVELOPMENT: boolean;
  readonly limits: DocumentLimits;
};

type Environment = Readonly<Record<string, string | undefined>>;

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
  const own: Environment = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ""),
  );

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

  problems.push(...contradictions(own, serving));
  if (!parsed.success || problems.length > 0) throw new SettingsError(problems);
  return { ...parsed.data, TENANTRY_DEVELOPMENT: developmentOf(own), limits };
}

const developmentOf = ({ TENANTRY_DEVELOPMENT, DATABASE_URL }: Environment): boolean =>
  TENANTRY_DEVELOPMENT === undefined ? DATABASE_URL === undefined : TENANTRY_DEVELOPMENT === "on";

/** Settings that are each well-formed and do not go together. */
function contradictions(own: Environment, serving: boolean): string[] {
  const problems: string[] = [];
  const { DATABASE_URL, DATABASE_DOOR_URL, DATABASE_OWNER_URL, HOST } = own;
  if ((DATABASE_URL === undefined) !== (DATABASE_DOOR_URL === undefined)) {
    problems.push("DATABASE_URL and DATABASE_DOOR_URL belong together: set both, or neither for the embedded database");
  }
  if (DATABASE_URL !== undefined && own.TENANTRY_KEY === undefined) {
    problems.push(
      "TENANTRY_KEY is required with a real database: 32 random bytes in base64url, the same for every process",
    );
  }
  if (DATABASE_OWNER_URL !== undefined && serving) {
    problems.push(
      "DATABASE_OWNER_URL must not be set where requests are answered: unset it, and keep it for `tenantry migrate`",
    );
  } else if (DATABASE_OWNER_URL !== undefined && DATABASE_URL === undefined) {
    problems.push(
      "DATABASE_OWNER_URL goes with DATABASE_URL and DATABASE_DOOR_URL: set all three, or none for the embedded database",
    );
  }
  const [more, owners] = [own.TENANTRY_DATABASES, own.TENANTRY_DATABASE_OWNERS].map(namesIn);
  if (more!.length > 0 && DATABASE_URL === undefined) {
    problems.push(
      "TENANTRY_DATABASES goes with DATABASE_URL; the embedded database takes names from TENANTRY_EMBEDDED_DATABASES",
    );
  }
  if (owners!.length > 0 && serving) {
    problems.push(
      "TENANTRY_DATABASE_OWNERS must not be set where requests are answered: unset it, and keep it for the owner's commands",
    );
  }
  for (const name of owners!.filter((one) => !more!.includes(one)))
    problems.push(`TENANTRY_DATABASE_OWNERS names ${name}, which TENANTRY_DATABASES does not`);
  const logins = [DATABASE_URL, DATABASE_DOOR_URL, DATABASE_OWNER_URL].flatMap((url) => loginIn(url) ?? []);
  if (new Set(logins).size < logins.length) {
    problems.push("DATABASE_URL, DATABASE_DOOR_URL and DATABASE_OWNER_URL must name different logins");
  }
  if (serving && developmentOf(own) && HOST !== undefined && !LOOPBACK.has(HOST)) {
    problems.push(
      `HOST is ${HOST}, and the development issuer serves loopback only: set HOST=127.0.0.1, or TENANTRY_DEVELOPMENT=off`,
    );
  }
  return problems;
}

/** The names in a JSON object; none where there is no such object, which is told apart. */
function namesIn(text = "{}"): string[] {
  try {
    return Object.keys(JSON.parse(text) ?? {});
  } catch {
    return [];
  }
}

const loginIn = (url: string | undefined): string | null =>
  url !== undefined && URL.canParse(url) ? new URL(url).username : null;

/** A setting as a person reads of it. */
export interface Described {
  readonly name: string;
  readonly meaning: string;
  /** As it would be written; null where there is none. */
  readonly standard: string | null;
}

/** Every setting there is: those of the process, and those that limit a document. */
export function describeSettings(): { readonly process: Described[]; readonly document: Described[] } {
  const { properties } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return {
    process: Object.entries(properties ?? {}).map(([name, property]) => {
      const { description = "", default: standard } = property as { description?: string; default?: string };
      // The path of this very installation would be nobody else's.
      return {
        name,
        meaning: description,
        standard: standard === PRODUCT_FILE ? basename(PRODUCT_FILE) : standard || null,
      };
    }),
    document: Object.entries(LIMITS).map(([limit, { most, of }]) => ({
      name: limitSetting(limit),
      meaning: of,
      standard: String(most),
    })),
  };
}
