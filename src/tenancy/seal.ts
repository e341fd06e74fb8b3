import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** The purpose for which the key of mail that waits is derived from the installation's. */
export const MAIL_KEY = "tenantry mail v1";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps a text from whoever can read the database, and from whoever can write to it: AES-256-GCM under one key. */
export class Seal {
  /** @param key derived for one purpose, 32 bytes */
  constructor(private readonly key: Buffer) {}

  /** @param bound what stands beside it in its row: the seal opens there and nowhere else */
  close(bound: string, text: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(bound));
    const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  /** The text; null when it was not sealed with this key, for this row, or was changed since. */
  open(bound: string, bytes: Buffer): string | null {
    const [nonce, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)];
    try {
      const decipher = createDecipheriv(CIPHER, this.key, nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(bound))
        .setAuthTag(tag);
      const body = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      return body.toString("utf8");
    } catch {
      return null;
    }
  }
}
