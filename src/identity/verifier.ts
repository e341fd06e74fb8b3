import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { domainOf, normaliseEmail } from "./email.js";
import { UnauthenticatedError } from "./errors.js";
import type { Identity } from "./identity.js";
import { DEVELOPMENT_AUDIENCE, DEVELOPMENT_ISSUER, type IssuerSettings } from "./issuers.js";
import { keySet } from "./keySet.js";
import { isLocalRequest, type RequestOrigin } from "./local.js";
import { remoteKeys } from "./remoteKeys.js";
import { type KeySource, verifySignature } from "./signature.js";
import { isSlug } from "./tenant.js";
import {
  bearerToken,
  checkTime,
  noAccessToken,
  readToken,
  refuseExpired,
  type UnverifiedToken,
  unknownKey,
} from "./token.js";

// About 10 MB when full.
const MAX_CACHED_TOKENS = 10_000;
// How long a token may outlive the withdrawal of the key it was signed with, beyond the age of the keys.
const CACHED_FOR_MS = 300_000;

/** Time as the verifier reads it. */
export type Clock = {
  /** Epoch milliseconds: what tokens are dated in. */
  readonly now: () => number;
  /** Milliseconds that never jump: what waiting is measured in. */
  readonly monotonicMs: () => number;
};

export type Verifier = {
  /**
   * Who is asking; null without an Authorization header.
   * @throws UnauthenticatedError      there is a credential, and it is not good here
   * @throws IdentityUnavailableError  the issuer's keys are out of reach
   */
  verify(authorization: string | null, request: RequestOrigin): Promise<Identity | null>;
};

type TrustedIssuer = Omit<IssuerSettings, "emailDomains" | "jwksUri"> & {
  readonly emailDomains: "any" | readonly string[];
  readonly keys: KeySource;
  /** Accepted only in requests that come from this machine. */
  readonly localOnly: boolean;
};

type Verified = { readonly identity: Identity; readonly issuer: TrustedIssuer; readonly until: number };

/**
 * Accepts tokens of `issuers`, and of the development issuer where its public key is given. Keeps what it has verified: a
 * repeated token costs a hash. Opens no connection before a token names an issuer of the list and could be its.
 */
export function createVerifier({
  issuers,
  development = null,
  fetch = globalThis.fetch,
  clock = { now: Date.now, monotonicMs: () => performance.now() },
}: {
  issuers: readonly IssuerSettings[];
  development?: { readonly publicKey: object } | null;
  fetch?: typeof globalThis.fetch;
  clock?: Clock;
}): Verifier {
  const trusted = new Map<string, TrustedIssuer>();
  for (const { jwksUri, ...settings } of issuers) {
    const keys = remoteKeys({ issuer: settings.issuer, jwksUri, fetch }, clock.monotonicMs);
    trusted.set(settings.issuer, { ...settings, keys, localOnly: false });
  }
  if (development) trusted.set(DEVELOPMENT_ISSUER, developmentIssuer(development.publicKey));

  const verified = new LRUCache<string, Verified>({ max: MAX_CACHED_TOKENS });

  return {
    async verify(authorization, request) {
      if (authorization === null) return null;
      const token = bearerToken(authorization);
      const digest = createHash("sha256").update(token).digest("base64");

      const cached = verified.get(digest);
      if (cached && clock.monotonicMs() < cached.until) {
        refuseExpired(cached.identity.expiresAt, clock.now());
        checkPlace(cached.issuer, request);
        return cached.identity;
      }

      const unverified = readToken(token);
      const issuer = trusted.get(unverified.claims.iss);
      if (!issuer) throw new UnauthenticatedError("The token's issuer is not accepted here.");
      checkPlace(issuer, request);
      checkFor(issuer, unverified);
      checkTime(unverified.claims, clock.now());
      await verifySignature(token, unverified.header, issuer.keys);

      const identity = identityOf(issuer, unverified);
      verified.set(digest, { identity, issuer, until: clock.monotonicMs() + CACHED_FOR_MS });
      return identity;
    },
  };
}

function developmentIssuer(publicKey: object): TrustedIssuer {
  const find = keySet({ keys: [publicKey] });
  return {
    issuer: DEVELOPMENT_ISSUER,
    audience: [DEVELOPMENT_AUDIENCE],
    tenants: "any",
    emailDomains: "any",
    algorithms: ["EdDSA"],
    accessTokensOnly: false,
    tenantClaim: null,
    localOnly: true,
    keys: async (query) => {
      const key = await find(query);
      if (!key) throw unknownKey();
      return key;
    },
  };
}

function checkPlace({ localOnly }: TrustedIssuer, request: RequestOrigin): void {
  if (localOnly && !isLocalRequest(request)) {
    throw new UnauthenticatedError("Development tokens are accepted on localhost only.");
  }
}

function checkFor(
  { audience, algorithms, accessTokensOnly }: TrustedIssuer,
  { header, isAccessToken, claims }: UnverifiedToken,
): void {
  if (accessTokensOnly && !isAccessToken) throw noAccessToken();
  if (!claims.aud.some((name) => audience.includes(name))) {
    throw new UnauthenticatedError("The token was made for another audience. Ask its issuer for one for this product.");
  }
  if (!algorithms.includes(header.alg)) {
    throw new UnauthenticatedError("The token is not signed in an accepted way. Sign in again.");
  }
}

function identityOf(issuer: TrustedIssuer, { claims, payload }: UnverifiedToken): Identity {
  const email = normaliseEmail(claims.email ?? "");
  return Object.freeze({
    issuer: issuer.issuer,
    subject: claims.sub,
    email,
    emailVerified: email !== null && claims.email_verified === true && speaksFor(issuer, email),
    name: claims.name ?? null,
    tenants: issuer.tenants,
    tenant: tenantOf(issuer, payload),
    expiresAt: claims.exp * 1000,
  });
}

function speaksFor({ emailDomains }: TrustedIssuer, email: string): boolean {
  return emailDomains === "any" || emailDomains.includes(domainOf(email));
}

function tenantOf({ tenantClaim }: TrustedIssuer, payload: UnverifiedToken["payload"]): string | null {
  if (tenantClaim === null || !Object.hasOwn(payload, tenantClaim)) return null;
  const tenant = payload[tenantClaim];
  if (tenant === null) return null;
  if (typeof tenant === "string" && isSlug(tenant)) return tenant;
  // Never read as "bound to none", which would let it into every tenant of the issuer.
  throw new UnauthenticatedError("The token names its tenant in a way that is not understood. Sign in again.");
}
