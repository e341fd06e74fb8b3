import { z } from "zod";
import { normaliseDomain } from "./domain.js";
import { isTrustworthyUrl } from "./local.js";
import { isSlug } from "./tenant.js";

/** The issuer of development tokens. Reserved: no setting can speak in its name. */
export const DEVELOPMENT_ISSUER = "http://localhost/tenantry-development";
/** The audience of development tokens. */
export const DEVELOPMENT_AUDIENCE = "tenantry";

// Asymmetric only: with HS* whoever can check a token could make one.
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;
const DEFAULT_ALGORITHMS: readonly string[] = ["RS256", "PS256", "ES256", "EdDSA"];

/** An issuer whose tokens are accepted. */
export type IssuerSettings = {
  /** Compared with the claim `iss` character by character. */
  readonly issuer: string;
  /** At least one; a token is for us when its `aud` holds one of them. */
  readonly audience: readonly string[];
  readonly tenants: "any" | readonly string[];
  /** The domains, normalised, whose addresses the issuer may call verified. */
  readonly emailDomains: readonly string[];
  readonly algorithms: readonly string[];
  /** Whether a token must say that it is an access token. Else an ID token does as well, where its audience is one of these. */
  readonly accessTokensOnly: boolean;
  /** The claim that binds a token to one tenant. */
  readonly tenantClaim: string | null;
  /** Where its keys are; null: where its discovery document says. */
  readonly jwksUri: string | null;
};

export const text = (what: string) => z.string({ error: `must be ${what}` }).min(1, `must be ${what}`);
export const oneOrMore = (what: string, item: z.ZodType<string, string>) =>
  z.array(item, { error: `must be ${what}` }).min(1, `must be ${what}`);

const httpsUrl = text("an https address").superRefine((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (!url || !isTrustworthyUrl(url)) {
    context.addIssue({ code: "custom", message: "must be an https address (http only for localhost)" });
  } else if (url.username || url.password || url.hash) {
    context.addIssue({ code: "custom", message: "must not contain a user, a password or a fragment" });
  }
});

const issuerAddress = httpsUrl
  .refine((value) => !value.includes("?"), "must not contain a query")
  .refine((value) => value !== DEVELOPMENT_ISSUER, "is reserved for development tokens");

const TENANTS = '"*" or a list of slugs';
const slugs = oneOrMore(TENANTS, text("a slug").refine(isSlug, "must be a slug such as acme-corp"));

const emailDomain = text("a domain name").transform((value, context): string => {
  const domain = normaliseDomain(value);
  if (domain) return domain;
  context.addIssue({ code: "custom", message: "must be a domain name such as example.com" });
  return z.NEVER;
});

/** What says whose tokens are good, and which of them. */
export const issuerFields = {
  issuer: issuerAddress,
  audience: z.preprocess(
    (value) => (typeof value === "string" ? [value] : value),
    oneOrMore("an audience or a list of them", text("an audience")),
  ),
  algorithms: oneOrMore(
    `a list of ${ALGORITHMS.join(", ")}`,
    z.enum(ALGORITHMS, { error: `must be one of ${ALGORITHMS.join(", ")}` }),
  ).default([...DEFAULT_ALGORITHMS]),
  accessTokensOnly: z.boolean({ error: "must be true or false" }).default(false),
  jwksUri: httpsUrl.nullable().default(null),
};

/** An entry of such a list; what is no object, or has a field too many, is said in words. */
export const issuerEntry = <Fields extends z.ZodRawShape>(fields: Fields) =>
  z.strictObject(fields, { error: (issue) => (issue.code === "unrecognized_keys" ? undefined : "must be an object") });

const entry = issuerEntry({
  ...issuerFields,
  tenants: z.preprocess(
    (value) => (value === "*" ? "any" : value),
    z.union([z.literal("any"), slugs], { error: `must be ${TENANTS}` }),
  ),
  emailDomains: z.array(emailDomain, { error: "must be a list of domain names, possibly empty" }),
  tenantClaim: text("the name of a claim").nullable().default(null),
});

/**
 * A setting that is the JSON text of a list of issuers, each once. Every message names the entry, counted from 1, and its
 * field.
 */
export function issuerList<Entry extends { readonly issuer: string }>(setting: string, one: z.ZodType<Entry>) {
  const list = z.array(one, { error: "must be a JSON list" }).superRefine((issuers, context) => {
    for (const [index, { issuer }] of issuers.entries()) {
      if (issuers.findIndex((other) => other.issuer === issuer) < index) {
        context.addIssue({ code: "custom", path: [index, "issuer"], message: "is listed twice" });
      }
    }
  });
  return z.string().transform((json, context): Entry[] => {
    const parsed = list.safeParse(parseJson(json));
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      context.addIssue({ code: "custom", path: [...issue.path], message: `${setting}: ${describe(issue)}` });
    }
    return z.NEVER;
  });
}

/** `TENANTRY_ISSUERS`. */
export const issuerSettings = issuerList<IssuerSettings>("TENANTRY_ISSUERS", entry);

function describe({ path, message }: z.core.$ZodIssue): string {
  const [index, ...field] = path;
  return [index === undefined ? null : `entry ${Number(index) + 1}`, field.join("."), message]
    .filter(Boolean)
    .join(" ");
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
