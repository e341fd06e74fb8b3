import { resolve } from "node:path";
import { getHeapStatistics } from "node:v8";
import { z } from "zod";
import { databaseNames, databaseUrl, databaseUrls, urlWithLogin } from "./database/settings.js";
import { normaliseDomain } from "./identity/domain.js";
import { normaliseEmail } from "./identity/email.js";
import { issuerSettings } from "./identity/issuers.js";
import { keySetting } from "./identity/key.js";
import { isTrustworthyUrl } from "./identity/local.js";
import { operatorSettings } from "./identity/operators.js";
import { PRODUCT_FILE, readProduct } from "./product.js";

/** A whole number, as text. */
export const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be a whole number from ${least} to ${most}`);
/** What V8 lets the heap of this process have, by the machine's memory and by `--max-old-space-size`. */
const HEAP_MB = getHeapStatistics().heap_size_limit / 2 ** 20;
const REMEMBERED_SHARE = 1 / 16;
const REMEMBERED = "a whole number from 0 to 100000";
const onOff = z.enum(["on", "off"], { error: "must be on or off" }).transform((value) => value === "on");
const list = z.string().transform((value) =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean),
);

const smtpUrl = urlWithLogin(
  (value) => URL.canParse(value) && /^smtps?:$/.test(new URL(value).protocol) && new URL(value).hostname !== "",
  "smtps://login:password@host:port or smtp://login:password@host:port",
);
const invitationUrl = z
  .string()
  .refine(
    (value) => value.includes("{token}") && URL.canParse(value) && isTrustworthyUrl(new URL(value)),
    "must begin with https:// and hold {token} where the token goes",
  );

/** Every setting but the limits of documents, by the name of its environment variable. */
export const SETTINGS = {
  DATABASE_URL: databaseUrl
    .optional()
    .describe(
      "Serving login of a real PostgreSQL, which reaches tenants' homes only: `postgres://login:password@host:port/database`, with `?host=/folder` by the socket in that folder. Unset: the embedded one",
    ),
  DATABASE_REPLICA_URL: databaseUrl
    .optional()
    .describe(
      "A streaming replica of that database, for queries: one server, with the login of DATABASE_URL. See [Replicas](replicas.md)",
    ),
  DATABASE_DOOR_URL: databaseUrl
    .optional()
    .describe(
      "Login of the same database that reaches the directory only: it reads it, and adds who may knock, jobs, seals and mail that is due",
    ),
  DATABASE_OWNER_URL: databaseUrl
    .optional()
    .describe(
      "Login that owns the tables: for `migrate`, `seed` and other commands of the owner. A process that answers requests refuses it",
    ),
  TENANTRY_DATABASES: databaseUrls
    .prefault("{}")
    .describe(
      'More databases for tenants\' homes, each with a serving login of its own, beside which none that serves another may connect to it, nor PUBLIC: JSON `{"eu": "postgres://login:password@host:port/database"}`. That of DATABASE_URL is called `main`',
    ),
  TENANTRY_DATABASE_REPLICAS: databaseUrls
    .prefault("{}")
    .describe("Streaming replicas of those databases, under the same names and with the same logins"),
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
      "32 random bytes in base64url, from which digests of identities and seals of cursors are made. Required with a real database, the same for every process; another than the one it was made with is refused; lost, nobody is recognised any more and no audit can be verified. The embedded database keeps one in its folder",
    ),
  TENANTRY_ISSUERS: issuerSettings
    .prefault("[]")
    .describe(
      "Whose tokens are taken: JSON list of `{issuer, audience, tenants, emailDomains, algorithms?, accessTokensOnly?, tenantClaim?, jwksUri?}`. `audience` is what the issuer calls this API, and must not be a client id: ID tokens are made for those, and whoever has one could ask with it. With `accessTokensOnly: true` a token must say that it is an access token, by the type `at+jwt` (RFC 9068)",
    ),
  TENANTRY_SIGNUP: z
    .enum(["off", "verified-email"], { error: "must be off or verified-email" })
    .prefault("off")
    .describe(
      "Who may make a tenant of their own by `createTenant`: nobody (`off`), or whoever has a token with a verified address (`verified-email`). `tenantry work` makes it",
    ),
  TENANTRY_SMTP_URL: smtpUrl
    .optional()
    .describe(
      "The mail server by which `tenantry work` sends: `smtps://login:password@host:465`, or `smtp://…:587`, encrypted by STARTTLS. Unset: mail waits in the outbox; in development `/dev/mail` shows it",
    ),
  TENANTRY_MAIL_FROM: z
    .string()
    .refine((value) => normaliseEmail(value) !== null, "must be an e-mail address: no-reply@example.com")
    .optional()
    .describe("Whose address mail comes from; required with a mail server"),
  TENANTRY_INVITATION_URL: invitationUrl
    .optional()
    .describe(
      "Your page on which an invitation is accepted: `https://app.example.com/join#{token}`. Behind `#` the token stays out of logs. Unset: the mail holds the token alone",
    ),
  TENANTRY_OPERATORS: operatorSettings
    .prefault("[]")
    .describe(
      "Who handles tenants over GraphQL, at an address of its own: JSON list of `{issuer, audience, subjects?, emails?, algorithms?, accessTokensOnly?, jwksUri?}`. Unset: there is no such address",
    ),
  TENANTRY_OPERATORS_HOST: z.string().min(1).prefault("127.0.0.1").describe("The address to listen on for operators"),
  TENANTRY_OPERATORS_PORT: whole(0, 65_535)
    .prefault("4001")
    .describe("The port to listen on for operators; `0` takes a free one"),
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
    .refine((value) => normaliseDomain(value) === value, "must be a domain name in lower case: app.example.com")
    .optional()
    .describe("With `app.example.com`, the host `acme.app.example.com` names the tenant `acme`"),
  TENANTRY_ORIGINS: list
    .refine(
      (origins) => origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
      "must be origins, separated by commas: https://app.example.com",
    )
    .prefault("")
    .describe("Origins whose pages may ask, separated by commas: `https://app.example.com`"),
  TENANTRY_PROXIES: whole(0, 16)
    .prefault("0")
    .describe(
      "How many proxies of yours stand before the gateway, each of which adds to `X-Forwarded-For` whom it heard. The audit notes the address that the outermost one heard; with 0 that of whoever connects. Goes with `TENANTRY_DEVELOPMENT=off`",
    ),
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
  TENANTRY_REPLICA_WAIT_MS: whole(1, 1000)
    .prefault("20")
    .describe("How long a query waits until a replica has what it may have to show, before it goes to the primary"),
  TENANTRY_STOCK: whole(0, 1000)
    .prefault("0")
    .describe(
      "Empty homes that `migrate` keeps ready in the first database, so that a new tenant need not wait for its tables",
    ),
  TENANTRY_PREPARE: z
    .enum(["auto", "on", "off"], { error: "must be auto, on or off" })
    .transform((value) => (value === "auto" ? value : value === "on"))
    .prefault("auto")
    .describe(
      "`auto`, `on` or `off`: prepared statements. `auto` leaves them out where a pooler stands before the server; `on` is for one that knows them, such as PgBouncer from 1.21 with `max_prepared_statements`",
    ),
  TENANTRY_REMEMBER_MB: z
    .string()
    .regex(/^(auto|\d+)$/, `must be auto or ${REMEMBERED}`)
    .transform((value) => (value === "auto" ? Math.floor(HEAP_MB * REMEMBERED_SHARE) : Number(value)))
    .refine((value) => value <= 100_000, `must be auto or ${REMEMBERED}`)
    .prefault("auto")
    .describe(
      "Memory of each process, in megabytes, for questions that people asked before: they are read again each time, and answered sooner. `auto` is a sixteenth of what Node.js lets a process have, which is 256 where it has 4 GB. 0 turns it off",
    ),
  TENANTRY_STATEMENT_TIMEOUT_MS: whole(1000, 60_000)
    .prefault("5000")
    .describe(
      "How long one statement of a serving login may take; `migrate` sets it at the logins. The same for every process: one whose connection says nothing for three times as long takes it for lost. Less than a second is too short for the looks at the walls, and who waits behind a lock for longer than a minute has gone",
    ),
  TENANTRY_REQUEST_TIMEOUT_MS: whole(100, 600_000).prefault("15000").describe("How long a request may take"),
  TENANTRY_MAX_BODY_BYTES: whole(1000, 100_000_000).prefault("1000000").describe("Size of a request's body"),
  TENANTRY_LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "silent"])
    .prefault("info")
    .describe("What goes to stderr: `fatal`, `error`, `warn`, `info`, `debug` or `silent`"),
};
