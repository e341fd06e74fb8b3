import { createHmac } from "node:crypto";
import type { Identity } from "./identity.js";
import { deriveKey } from "./key.js";

const PURPOSE = "tenantry identity v1";
// Deriving costs as much as the rest, and every request with an identity needs a digest.
const derived = new WeakMap<Uint8Array, Buffer>();

/**
 * What the directory stores in place of an identity: 32 bytes, equal for equal issuer and subject, and without the
 * installation key neither readable nor guessable. Two identities never share the text that is digested.
 */
export function identityDigest(key: Uint8Array, { issuer, subject }: Pick<Identity, "issuer" | "subject">): Buffer {
  const mac = createHmac("sha256", identityKey(key));
  for (const part of [issuer, subject]) {
    // UTF-16, because UTF-8 would spell every lone surrogate alike; the length first, so that no border can shift.
    const bytes = Buffer.from(part, "utf16le");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    mac.update(length).update(bytes);
  }
  return mac.digest();
}

function identityKey(key: Uint8Array): Buffer {
  let own = derived.get(key);
  if (!own) {
    own = deriveKey(key, PURPOSE);
    derived.set(key, own);
  }
  return own;
}
