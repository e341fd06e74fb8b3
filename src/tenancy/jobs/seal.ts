import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { JobHead, Sealed } from "./job.js";

/** The purpose for which the key of jobs is derived from the installation's. */
export const JOBS_KEY = "tenantry jobs v1";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The row was not written by somebody with the installation's key, or was changed since. */
export class JobForgedError extends Error {
  override readonly name = "JobForgedError";
  constructor() {
    super("It was not asked for with this installation's TENANTRY_KEY, or was changed afterwards. Nothing was done.");
  }
}

/**
 * Seals what is to be done: readable and writable with the key alone, and good only in the row that it was made for. Who
 * can write to the directory, and no more, can have nothing done by it.
 * @param key derived for this purpose, 32 bytes
 */
export function seal(key: Buffer, head: JobHead, sealed: Sealed): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound(head));
  const body = Buffer.concat([cipher.update(JSON.stringify(sealed), "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** @throws JobForgedError */
export function open(key: Buffer, head: JobHead, bytes: Buffer): Sealed {
  const [nonce, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)];
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(bound(head))
      .setAuthTag(tag);
    const body = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    const sealed: Sealed = JSON.parse(body.toString("utf8"));
    if (sealed.order.kind === head.kind) return sealed;
  } catch {
    // Whatever is wrong with it, it is not what was asked for.
  }
  throw new JobForgedError();
}

/** What stands beside the seal in the row, and is believed because the seal was made for it. */
function bound({ id, kind, slug, askedBy, operator, slot, askedAt }: JobHead): Buffer {
  return Buffer.from(JSON.stringify([1, id, kind, slug, askedBy.toString("hex"), operator, slot, askedAt.getTime()]));
}
