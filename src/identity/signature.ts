import { type CryptoKey, compactVerify } from "jose";
import { UnauthenticatedError } from "./errors.js";
import type { UnverifiedToken } from "./token.js";

/** What of a token's header finds its key. */
export type KeyQuery = UnverifiedToken["header"];

/**
 * The public key for a token.
 * @throws UnauthenticatedError      the issuer has no such key
 * @throws IdentityUnavailableError  the issuer could not be asked
 */
export type KeySource = (query: KeyQuery) => Promise<CryptoKey>;

/**
 * Returns only if `token` was signed with `alg` by the key that `keys` has for it. What `readToken` makes of the same
 * text is then the issuer's word, because it accepts each part in its one spelling only.
 * @throws UnauthenticatedError      the signature does not hold, or `keys` has no key for it
 * @throws IdentityUnavailableError  `keys` could not say
 */
export async function verifySignature(token: string, query: KeyQuery, keys: KeySource): Promise<void> {
  const key = await keys(query);
  try {
    await compactVerify(token, key, { algorithms: [query.alg] });
  } catch {
    throw new UnauthenticatedError("The token's signature does not hold. Sign in again.");
  }
}
