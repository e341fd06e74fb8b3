import { basename } from "node:path";
import { z } from "zod";
import { DEFAULT_LIMITS, type DocumentLimits, LIMITS } from "./graphql/limits/defaults.js";
import { PRODUCT_FILE } from "./product.js";
import { SETTINGS, whole } from "./settings.js";

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

  problems.push(...contradictions(own, serving), ...(parsed.success ? sharedAudiences(parsed.data) : []));
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
  if (own.TENANTRY_SMTP_URL !== undefined && own.TENANTRY_MAIL_FROM === undefined) {
    problems.push("TENANTRY_MAIL_FROM is required with TENANTRY_SMTP_URL: the address that mail comes from");
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
  problems.push(...replicaProblems(own));
  const logins = [DATABASE_URL, DATABASE_DOOR_URL, DATABASE_OWNER_URL].flatMap((url) => loginIn(url) ?? []);
  if (new Set(logins).size < logins.length) {
    problems.push("DATABASE_URL, DATABASE_DOOR_URL and DATABASE_OWNER_URL must name different logins");
  }
  if (serving && developmentOf(own) && HOST !== undefined && !LOOPBACK.has(HOST)) {
    problems.push(
      `HOST is ${HOST}, and the development issuer serves loopback only: set HOST=127.0.0.1, or TENANTRY_DEVELOPMENT=off`,
    );
  }
  if (serving && developmentOf(own) && Number(own.TENANTRY_PROXIES) > 0) {
    problems.push(
      `TENANTRY_PROXIES is ${own.TENANTRY_PROXIES}, and the development issuer serves this machine only: set TENANTRY_DEVELOPMENT=off`,
    );
  }
  return problems;
}

/** A token that an application holds for somebody must not do for what operators alone may do. */
const sharedAudiences = ({ TENANTRY_ISSUERS, TENANTRY_OPERATORS }: z.output<typeof schema>): string[] =>
  TENANTRY_OPERATORS.flatMap(({ issuer, audience }) =>
    TENANTRY_ISSUERS.filter((one) => one.issuer === issuer)
      .flatMap((one) => one.audience.filter((name) => audience.includes(name)))
      .map(
        (name) =>
          `TENANTRY_OPERATORS has the audience ${name} of ${issuer}, as TENANTRY_ISSUERS has: let operators' tokens be made for another one`,
      ),
  );

/** Replicas of nothing, and those that would be read by a login whose walls nobody verifies. */
function replicaProblems(own: Environment): string[] {
  const pairs: (readonly [string, string | undefined, string, string | undefined])[] = [];
  if (own.DATABASE_REPLICA_URL !== undefined)
    pairs.push(["DATABASE_REPLICA_URL", own.DATABASE_REPLICA_URL, "DATABASE_URL", own.DATABASE_URL]);
  const [urls, replicas] = [own.TENANTRY_DATABASES, own.TENANTRY_DATABASE_REPLICAS].map(urlsIn);
  for (const [name, url] of Object.entries(replicas!))
    pairs.push([`TENANTRY_DATABASE_REPLICAS ${name}`, url, `TENANTRY_DATABASES ${name}`, urls![name]]);
  return pairs.flatMap(([replica, url, database, of]) => {
    if (of === undefined) return [`${replica} goes with ${database}, which is not set`];
    return loginIn(url) === loginIn(of) ? [] : [`${replica} must name the login of ${database}`];
  });
}

/** The names in a JSON object; none where there is no such object, which is told apart. */
const namesIn = (text?: string): string[] => Object.keys(urlsIn(text));

function urlsIn(text = "{}"): Readonly<Record<string, string>> {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
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
