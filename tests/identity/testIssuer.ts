import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { Clock } from "../../src/identity/verifier.js";

export const LOCAL = { host: "localhost:4000", origin: null, isForwarded: false };
export const NOW = Date.parse("2030-01-02T03:04:05Z");
export const second = (ms: number): number => Math.floor(ms / 1000);

/** A server on loopback that counts who came. */
export async function listen(answer: RequestListener) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, paths, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** A clock that stands still until it is moved. */
export function testClock(now = NOW): Clock & { advance(ms: number): void; jump(ms: number): void } {
  let wall = now;
  let monotonic = 1_000_000;
  return {
    now: () => wall,
    monotonicMs: () => monotonic,
    advance(ms) {
      wall += ms;
      monotonic += ms;
    },
    jump(ms) {
      wall += ms;
    },
  };
}

export type SigningKey = { kid: string; alg: string; privateKey: CryptoKey; publicJwk: JWK };

export async function signingKey(kid: string, alg = "ES256"): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** A number as a JSON Web Key holds it. */
export const encoded = (value: bigint): string => {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex").toString("base64url");
};

const product = [...Array(168).keys()]
  .filter((n) => n > 2 && ![...Array(n).keys()].some((divisor) => divisor > 1 && n % divisor === 0))
  .reduce((all, prime) => all * BigInt(prime), 1n);
/** A power of 65537 modulo every small prime, as the chips of CVE-2017-15361 made them. */
export const rocaModulus = (65537n ** 100n % product) + product * 2n ** 1800n;

/** An issuer on loopback that publishes `keys`; the list may be changed while it runs. */
export async function testIssuer(keys: SigningKey[]) {
  const server = await listen((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ keys: keys.map((key) => key.publicJwk) }));
  });
  const settings = {
    issuer: "https://issuer.example",
    audience: ["product"],
    tenants: ["northwind", "lumen"],
    emailDomains: ["northwind.test"],
    algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
    accessTokensOnly: false,
    tenantClaim: null,
    jwksUri: `${server.url}/keys`,
  };
  return { ...server, settings };
}

export const claims = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: "https://issuer.example",
  sub: "ada",
  aud: "product",
  exp: second(NOW) + 300,
  ...changes,
});

/** A token with exactly these claims. */
export function sign(
  key: SigningKey,
  payload: Record<string, unknown> = claims(),
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey);
}

export const bearer = async (token: string | Promise<string>): Promise<string> => `Bearer ${await token}`;
