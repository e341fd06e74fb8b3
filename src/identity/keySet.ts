import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet } from "jose";
import { z } from "zod";
import type { KeyQuery } from "./signature.js";
import { unknownKey } from "./token.js";
import { isWeakKey } from "./weakKey.js";

const keyList = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });

/** Keys that an issuer has published. Answers null when the one asked for is not among them. */
export type KeySet = (query: KeyQuery) => Promise<CryptoKey | null>;

/**
 * Keys as published (RFC 7517). A key serves a token only when `kid`, `kty`, `crv`, `use`, `key_ops` and `alg` all allow
 * it; private, symmetric and weak keys serve none.
 * @throws Error  `published` is no set of keys
 */
export function keySet(published: unknown): KeySet {
  const { keys } = keyList.parse(published);
  const find = createLocalJWKSet({ keys: keys.filter((key) => !isWeakKey(key)) as JSONWebKeySet["keys"] });
  return async ({ alg, kid }) => {
    try {
      return await find({ alg, kid });
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return null;
      throw unknownKey();
    }
  };
}
