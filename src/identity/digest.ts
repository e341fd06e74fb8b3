import { createHmac } from "node:crypto";
import type { Identity } from "./identity.js";
import { deriveKey } from "./key.js";

const PURPOSE = "tenantry identity v1";

/** What is worked out once for an installation key, and with it once for each identity that a verifier keeps. */
interface Known {
  readonly key: Buffer;
  readonly digests: WeakMap<object, Buffer>;
}
const knownOf = new WeakMap<Uint8Array, Known>();

/**
 * What the directory stores in place of an identity: 32 bytes, equal for equal issuer and subject, and without the
 * installation key neither readable nor guessable. Two identities never share the text that is digested.
 */
export function identityDigest(key: Uint8Array, identity: Pick<Identity, "issuer" | "subject">): Buffer {
  const known = knownOf.get(key) ?? { key: deriveKey(key, PURPOSE), digests: new WeakMap() };
  knownOf.set(key, known);
  // One that can still change is no key to anything.
  if (!Object.isFrozen(identity)) return digestOf(known.key, identity);
  const digest = known.digests.get(identity) ?? digestOf(known.key, identity);
  known.digests.set(identity, digest);
  return digest;
}

function digestOf(key: Buffer, { issuer, subject }: Pick<Identity, "issuer" | "subject">): Buffer {
  const mac = createHmac("sha256", key);
  for (const part of [issuer, subject]) {
    // UTF-16, because UTF-8 would spell every lone surrogate alike; the length first, so that no border can shift.
    const bytes = Buffer.from(part, "utf16le");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    mac.update(length).update(bytes);
  }
  return mac.digest();
}
