import { hkdfSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { IdentitySetupError } from "./errors.js";
import { createPrivateFile } from "./privateFile.js";

const KEY_BYTES = 32;
const HOW_TO_MAKE_ONE = `node -e "console.log(require('crypto').randomBytes(32).toString('base64url'))"`;

/** `TENANTRY_KEY`: 32 random bytes in base64url, 43 characters. Becomes the bytes. */
export const keySetting = z.string().transform((text, context): Buffer => {
  const key = decodeKey(text);
  if (key) return key;
  // The text itself is never repeated: it may be a real key with a typing error.
  context.addIssue({
    code: "custom",
    message: `TENANTRY_KEY must be 32 random bytes in base64url (43 characters). Make one with: ${HOW_TO_MAKE_ONE}`,
  });
  return z.NEVER;
});

/**
 * The installation key, 32 bytes. Every digest of an identity and every seal is derived from it: lost, they are orphans.
 * From the setting where there is one, else from `<dataDir>/key`, which is made once (mode 0600) and never replaced.
 * @throws IdentitySetupError  the setting or the file is no key, or there is neither a setting nor a data folder
 */
export async function loadKey({ setting, dataDir }: { setting?: string; dataDir: string | null }): Promise<Buffer> {
  if (setting !== undefined) {
    const parsed = keySetting.safeParse(setting);
    if (!parsed.success) throw new IdentitySetupError(parsed.error.issues[0]!.message);
    return parsed.data;
  }
  if (dataDir === null) {
    throw new IdentitySetupError(`TENANTRY_KEY is required with a real database. Make one with: ${HOW_TO_MAKE_ONE}`);
  }

  const path = join(dataDir, "key");
  const text = (await readOrNull(path)) ?? (await makeKey(path));
  const key = decodeKey(text.trimEnd());
  if (!key) {
    throw new IdentitySetupError(`${path} does not hold a key of 32 bytes in base64url. Restore it from a backup.`);
  }
  return key;
}

/** A key of 32 bytes for one purpose; keys for different purposes tell nothing about one another or about `key`. */
export function deriveKey(key: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", key, new Uint8Array(0), purpose, KEY_BYTES));
}

/** What an installation key is told by; nothing can be learnt from it. */
export const keyMark = (key: Uint8Array): string =>
  deriveKey(key, "tenantry key mark v1").subarray(0, 9).toString("base64url");

async function makeKey(path: string): Promise<string> {
  await createPrivateFile(path, `${randomBytes(KEY_BYTES).toString("base64url")}\n`);
  // Another process may have been first: what is in the file counts.
  return readFile(path, "utf8");
}

async function readOrNull(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
}

function decodeKey(text: string): Buffer | null {
  const key = Buffer.from(text, "base64url");
  return key.length === KEY_BYTES && key.toString("base64url") === text ? key : null;
}
