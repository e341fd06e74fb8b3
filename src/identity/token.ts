import { z } from "zod";
import { UnauthenticatedError } from "./errors.js";
import { shows } from "./shows.js";

// RFC 7515 lets these bring a key, or the address of one, or change the rules along with the token. Who forges a token
// would bring his own.
const REFUSED_PARAMETERS = ["jwk", "jku", "x5u", "x5c", "crit", "b64"] as const;
// RFC 9068 for access tokens; many issuers still say JWT or nothing. A logout token or a proof is neither.
const ACCESS_TOKEN = "at+jwt";
const ACCEPTED_TYPES: readonly unknown[] = [undefined, "jwt", ACCESS_TOKEN];
// How far ahead the issuer's clock may be. Behind does not matter: `exp` is taken at its word.
const SKEW_MS = 30_000;
// The last second that a Date can hold.
const LAST_SECOND = 8_640_000_000_000;

/** A token taken apart. Nothing in it may be believed before its signature has been verified. */
export type UnverifiedToken = {
  readonly header: { readonly alg: string; readonly kid: string };
  /** Whether it says so, as RFC 9068 wants it; one that does not may be an ID token. */
  readonly isAccessToken: boolean;
  readonly claims: Claims;
  /** All members of the payload, for the claims that a setting names. */
  readonly payload: Readonly<Record<string, unknown>>;
};

// Control characters and lone surrogates cannot be stored, and would make one subject of two.
const plainText = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u);
// Becomes a display name, which has so many characters at most wherever else it comes from.
const shownName = plainText.refine((value) => [...value].length <= 200 && shows(value));
const second = z.number().min(0).max(LAST_SECOND);
const claimsSchema = z.object({
  iss: z.string(),
  sub: plainText,
  aud: z.union([z.string().transform((audience) => [audience]), z.array(z.string())]),
  exp: second,
  nbf: second.optional(),
  iat: second.optional(),
  // What follows only describes the person: unusable is as good as absent.
  email: z.string().nullish().catch(null),
  email_verified: z.unknown().optional(),
  name: shownName.nullish().catch(null),
});
export type Claims = z.infer<typeof claimsSchema>;

/**
 * The token of an Authorization header.
 * @throws UnauthenticatedError  another scheme, or anything but exactly one token
 */
export function bearerToken(authorization: string): string {
  const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(authorization)?.[1];
  if (!token)
    throw new UnauthenticatedError(
      "The Authorization header must be `Bearer` and one token as its issuer made it, three parts with dots between.",
    );
  return token;
}

/**
 * Takes a token apart and refuses what no issuer's token may be. Does no I/O and verifies nothing.
 * @throws UnauthenticatedError
 */
export function readToken(token: string): UnverifiedToken {
  const [header, payload] = token.split(".").map(decodeSegment);
  const parameters = parseObject(header);
  const members = parseObject(payload);

  if (REFUSED_PARAMETERS.some((name) => Object.hasOwn(parameters, name))) {
    throw new UnauthenticatedError("The token's header holds a parameter that is not accepted. Sign in again.");
  }
  const { alg, kid, typ } = parameters;
  const type = typeof typ === "string" ? typ.toLowerCase().replace(/^application\//, "") : typ;
  if (!ACCEPTED_TYPES.includes(type)) throw noAccessToken();
  if (typeof alg !== "string") throw malformed();
  // A token that does not say which key it means could only be tried against all of them.
  if (typeof kid !== "string" || kid === "") throw unknownKey();

  const claims = claimsSchema.safeParse(members);
  if (!claims.success) {
    const claim = claims.error.issues[0]?.path[0];
    throw new UnauthenticatedError(`The token's claim ${String(claim)} is missing or malformed. Sign in again.`);
  }
  return { header: { alg, kid }, isAccessToken: type === ACCESS_TOKEN, claims: claims.data, payload: members };
}

/**
 * Refuses a token outside its time: from `exp` on, and before `nbf` or `iat` by more than the skew.
 * @param now  epoch milliseconds
 * @throws UnauthenticatedError
 */
export function checkTime({ exp, nbf = 0, iat = 0 }: Pick<Claims, "exp" | "nbf" | "iat">, now: number): void {
  refuseExpired(exp * 1000, now);
  if (now < Math.max(nbf, iat) * 1000 - SKEW_MS) {
    throw new UnauthenticatedError("The token is not valid yet. Try again when it is.");
  }
}

/** Both in epoch milliseconds. */
export function refuseExpired(expiresAt: number, now: number): void {
  if (now >= expiresAt) throw new UnauthenticatedError("The token has expired. Sign in again.");
}

/** Base64url in its one spelling: no padding, no spaces, no stray bits at the end. jose accepts all of these. */
function decodeSegment(segment: string): Buffer {
  const bytes = Buffer.from(segment, "base64url");
  if (bytes.toString("base64url") !== segment) throw malformed();
  return bytes;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parseObject(bytes: Buffer | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Not JSON: refused like JSON that is no object.
  }
  throw malformed();
}

/** It is of a kind that does not say what somebody may ask for. */
export const noAccessToken = () =>
  new UnauthenticatedError("This kind of token is not accepted. Send an access token.");

/** The token names no key, one that its issuer does not have, or one that nobody should use. */
export const unknownKey = () => new UnauthenticatedError("The token was signed with an unknown key. Sign in again.");

const malformed = () => new UnauthenticatedError("The token is malformed. Sign in again.");
