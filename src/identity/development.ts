import { generateKeyPairSync } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { calculateJwkThumbprint } from "jose";
import { z } from "zod";
import { normaliseEmail } from "./email.js";
import { IdentitySetupError } from "./errors.js";
import { createPrivateFile, replacePrivateFile, withFileLock } from "./privateFile.js";
import { isSlug } from "./tenant.js";

const privateKey = z.strictObject({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  alg: z.literal("EdDSA"),
  use: z.literal("sig"),
  kid: z.string().min(1),
  x: z.string(),
  d: z.string(),
});
const person = z.strictObject({
  email: z.string().refine((email) => normaliseEmail(email) === email, "must be a normalised address"),
  name: z.string(),
  subject: z.string().min(1),
  tenants: z.array(z.string().refine(isSlug, "must be a slug")).readonly(),
});
const issuerFile = z.strictObject({ key: privateKey, people: z.array(person).readonly() });

/** Somebody for whom the development issuer makes tokens: one subject, whatever the number of tenants. */
export type Person = Readonly<z.infer<typeof person>>;
/** What the file holds. `key` signs tokens: it stays between the file and `mintToken`. */
export type IssuerFile = Readonly<z.infer<typeof issuerFile>>;

/** The development issuer as the verifying side sees it: no private key. */
export type DevelopmentIssuer = {
  readonly publicKey: Omit<IssuerFile["key"], "d">;
  /** Everybody registered by now, by any process; `[]` before the first. */
  people(): Promise<readonly Person[]>;
};

/** The development issuer of a data folder; null when it has none. */
export async function loadDevelopmentIssuer(dataDir: string): Promise<DevelopmentIssuer | null> {
  const first = await readIssuerFile(dataDir);
  if (!first) return null;

  const { d: _, ...publicKey } = first.key;
  let known = { version: "", people: first.people };
  return {
    publicKey,
    async people() {
      const version = await versionOf(pathIn(dataDir));
      if (version !== known.version) known = { version, people: (await readIssuerFile(dataDir))?.people ?? [] };
      return known.people;
    },
  };
}

/**
 * The development issuer of a data folder, made if there is none: `<dataDir>/development-issuer.json`, mode 0600, with
 * a key of its own. The key never changes, also when several processes are first.
 */
export async function ensureDevelopmentIssuer(dataDir: string): Promise<DevelopmentIssuer> {
  const present = await loadDevelopmentIssuer(dataDir);
  if (present) return present;

  await createPrivateFile(pathIn(dataDir), format({ key: await newKey(), people: [] }));
  return (await loadDevelopmentIssuer(dataDir))!;
}

/**
 * Adds people to the development issuer (made if there is none), or tenants to people it knows by their address. Doing it
 * again changes nothing. The name last given counts.
 * @throws IdentitySetupError  an address or slug that is none; a person given another subject, or another's subject
 */
export async function registerPeople(dataDir: string, people: readonly Person[]): Promise<void> {
  await ensureDevelopmentIssuer(dataDir);
  const path = pathIn(dataDir);
  await withFileLock(path, async () => {
    const file = (await readIssuerFile(dataDir))!;
    const merged = format({ key: file.key, people: merge(file.people, people) });
    if (merged !== format(file)) await replacePrivateFile(path, merged);
  });
}

/**
 * Has everybody of a tenant be in it under another slug, or for null in it no longer; who is in no other is then unknown.
 * Nothing happens where there is no development issuer.
 */
export async function renameTenantOfPeople(dataDir: string, slug: string, to: string | null): Promise<void> {
  if (!(await readIssuerFile(dataDir))) return;
  const path = pathIn(dataDir);
  await withFileLock(path, async () => {
    const file = (await readIssuerFile(dataDir))!;
    const people = file.people.flatMap((one) => {
      if (!one.tenants.includes(slug)) return one;
      const tenants = one.tenants.flatMap((other) => (other === slug ? (to ?? []) : other)).sort();
      return tenants.length > 0 ? { ...one, tenants } : [];
    });
    await replacePrivateFile(path, format({ key: file.key, people }));
  });
}

/**
 * What the development issuer's file holds, private key included; null when there is no file.
 * @throws IdentitySetupError  the file is damaged
 */
export async function readIssuerFile(dataDir: string): Promise<IssuerFile | null> {
  const path = pathIn(dataDir);
  try {
    return issuerFile.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw new IdentitySetupError(
      `${path} is damaged. Delete it, run \`tenantry seed\`, which makes a new one, and start again; tokens made before then stop working.`,
    );
  }
}

function merge(known: readonly Person[], added: readonly Person[]): Person[] {
  const byEmail = new Map(known.map((one) => [one.email, one]));
  const bySubject = new Map(known.map((one) => [one.subject, one]));
  for (const { email: written, name, subject, tenants } of added) {
    const email = normaliseEmail(written);
    if (!email || !tenants.every(isSlug))
      throw new IdentitySetupError(`${written} has an address or a tenant that is none.`);

    const before = byEmail.get(email);
    const owner = bySubject.get(subject);
    if ((before && before.subject !== subject) || (owner && owner.email !== email)) {
      throw new IdentitySetupError(`${email} cannot be registered: a person and a subject belong together for good.`);
    }
    const merged = { email, name, subject, tenants: [...new Set([...(before?.tenants ?? []), ...tenants])].sort() };
    byEmail.set(email, merged);
    bySubject.set(subject, merged);
  }
  return [...byEmail.values()];
}

async function newKey(): Promise<IssuerFile["key"]> {
  const { x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const jwk = { kty: "OKP" as const, crv: "Ed25519" as const, x: x!, d: d! };
  return { ...jwk, alg: "EdDSA", use: "sig", kid: await calculateJwkThumbprint(jwk) };
}

// The file is replaced as a whole, so another content is another inode; the rest guards against an inode used again.
async function versionOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found ? `${found.ino} ${found.mtimeNs} ${found.size}` : "none";
}

const pathIn = (dataDir: string): string => join(dataDir, "development-issuer.json");

const format = (file: IssuerFile): string => `${JSON.stringify(file, null, 2)}\n`;
