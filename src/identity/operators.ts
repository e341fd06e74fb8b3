import { z } from "zod";
import { domainOf, normaliseEmail } from "./email.js";
import { IdentityError, UnauthenticatedError } from "./errors.js";
import type { Identity } from "./identity.js";
import { type IssuerSettings, issuerEntry, issuerFields, issuerList, text } from "./issuers.js";
import type { RequestOrigin } from "./local.js";
import { createVerifier } from "./verifier.js";

/** An issuer that vouches for operators, and those whom it means. */
export interface OperatorSettings extends Pick<IssuerSettings, keyof typeof issuerFields> {
  /** What the issuer calls them. */
  readonly subjects: readonly string[];
  /** Their addresses, normalised; the issuer must call them verified. */
  readonly emails: readonly string[];
}

const email = text("an e-mail address").transform((value, context): string => {
  const address = normaliseEmail(value);
  if (address) return address;
  context.addIssue({ code: "custom", message: "must be an e-mail address such as ada@example.com" });
  return z.NEVER;
});

const entry = issuerEntry({
  ...issuerFields,
  subjects: z.array(text("a subject"), { error: "must be a list of subjects" }).default([]),
  emails: z.array(email, { error: "must be a list of e-mail addresses" }).default([]),
}).refine(
  ({ subjects, emails }) => subjects.length + emails.length > 0,
  "must name somebody: subjects, emails or both",
);

/** `TENANTRY_OPERATORS`: the JSON text of a list of issuers and, of each, the operators by name. */
export const operatorSettings = issuerList<OperatorSettings>("TENANTRY_OPERATORS", entry);

/** Somebody who may handle tenants, by the name that the settings have. */
export interface Operator {
  readonly name: string;
  readonly identity: Pick<Identity, "issuer" | "subject">;
}

/** The token is good, and of somebody whom the settings do not list. */
export class NotAnOperatorError extends IdentityError {
  readonly code = "NOT_AN_OPERATOR";
  readonly status = 403;
  constructor() {
    super("You are not listed as an operator of this installation.");
  }
}

/** Says who sent a request; never null, for nobody else is answered. */
export type FindOperator = (authorization: string | null, request: RequestOrigin) => Promise<Operator>;

/**
 * Knows the operators of the settings by their tokens. Tokens of the product's own issuers, and those of the development
 * issuer, are nobody's here.
 * @param options what else a verifier takes
 */
export function operatorsOf(
  settings: readonly OperatorSettings[],
  options: Pick<Parameters<typeof createVerifier>[0], "fetch" | "clock"> = {},
): FindOperator {
  const issuers = settings.map(({ subjects: _, emails, ...issuer }) => ({
    ...issuer,
    tenants: "any" as const,
    // It is asked about the listed addresses alone.
    emailDomains: emails.map(domainOf),
    tenantClaim: null,
  }));
  const verifier = createVerifier({ issuers, ...options });
  return async (authorization, request) => {
    const identity = await verifier.verify(authorization, request);
    if (!identity)
      throw new UnauthenticatedError("Send an operator's token in the header Authorization: Bearer <token>.");
    const { subjects, emails } = settings.find(({ issuer }) => issuer === identity.issuer)!;
    if (identity.emailVerified && emails.includes(identity.email!)) return { name: identity.email!, identity };
    if (subjects.includes(identity.subject)) return { name: identity.subject, identity };
    throw new NotAnOperatorError();
  };
}
