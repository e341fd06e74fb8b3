import { importJWK, SignJWT } from "jose";
import { type Person, readIssuerFile } from "./development.js";
import { normaliseEmail } from "./email.js";
import { IdentitySetupError, UnknownPersonError } from "./errors.js";
import { DEVELOPMENT_AUDIENCE, DEVELOPMENT_ISSUER } from "./issuers.js";

export const DEFAULT_TOKEN_TTL_SECONDS = 8 * 60 * 60;
const NAMED_AT_MOST = 5;

/** Whom a development token is for. */
export type TokenRequest = {
  readonly email: string;
  /** Only checked: the person must be in it. The token is good for all of the person's tenants. */
  readonly tenant?: string;
  readonly ttlSeconds?: number;
  /** Epoch milliseconds. */
  readonly now?: number;
};

/**
 * A token of the data folder's development issuer, for a person it knows. Needs the file only, no running server.
 * @throws UnknownPersonError  nobody of that address is registered (in that tenant)
 * @throws IdentitySetupError  the data folder has no development issuer, or `ttlSeconds` is no positive whole number
 */
export async function mintToken(
  dataDir: string,
  { email, tenant, ttlSeconds = DEFAULT_TOKEN_TTL_SECONDS, now = Date.now() }: TokenRequest,
): Promise<string> {
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds <= 0) {
    throw new IdentitySetupError("A token must live for a positive whole number of seconds.");
  }
  const file = await readIssuerFile(dataDir);
  if (!file) throw new IdentitySetupError(`${dataDir} has no development issuer. Run \`npm start\` once to make one.`);

  const person = findPerson(file.people, email, tenant);
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT({ email: person.email, email_verified: true })
    .setProtectedHeader({ alg: file.key.alg, kid: file.key.kid, typ: "JWT" })
    .setIssuer(DEVELOPMENT_ISSUER)
    .setSubject(person.subject)
    .setAudience(DEVELOPMENT_AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
    .sign(await importJWK(file.key));
}

function findPerson(people: readonly Person[], email: string, tenant: string | undefined): Person {
  const candidates = tenant === undefined ? people : people.filter(({ tenants }) => tenants.includes(tenant));
  if (tenant !== undefined && candidates.length === 0) {
    const tenants = [...new Set(people.flatMap((person) => person.tenants))].sort();
    throw new UnknownPersonError(
      `The development issuer knows nobody in ${tenant}. ${knownAre("Tenants with people", tenants)}`,
    );
  }
  const address = normaliseEmail(email);
  const person = candidates.find((candidate) => candidate.email === address);
  if (person) return person;

  const where = tenant === undefined ? "" : ` in ${tenant}`;
  const emails = candidates.map((candidate) => candidate.email);
  throw new UnknownPersonError(
    `The development issuer does not know ${email}${where}. ${knownAre("It knows", emails)}`,
  );
}

function knownAre(words: string, all: readonly string[]): string {
  if (all.length === 0) return "Nobody is registered yet: run `tenantry seed`.";
  const rest = all.length - NAMED_AT_MOST;
  return `${words}: ${all.slice(0, NAMED_AT_MOST).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}.`;
}
