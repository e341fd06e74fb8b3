import { z } from "zod";
import { type KeySet, keySet } from "./keySet.js";
import { isLoopbackHttp, isTrustworthyUrl } from "./local.js";

export const KEY_SERVER_TIMEOUT_MS = 5_000;
export const KEY_SERVER_MAX_BYTES = 1_000_000;

/** Where an issuer's keys are, and how to get there. */
export type KeyServer = {
  readonly issuer: string;
  /** Null: the issuer's discovery document says. */
  readonly jwksUri: string | null;
  readonly fetch: typeof globalThis.fetch;
  /** For the whole lookup, discovery included. */
  readonly timeoutMs?: number;
};

const discoveryDocument = z.object({ issuer: z.string(), jwks_uri: z.string() });

/**
 * Asks an issuer for its keys: one request, or two with discovery. Follows no redirect, reads at most 1 MB of an answer.
 * @throws Error  no usable answer within the time; the message names hosts, so it is for the log
 */
export async function fetchKeySet({
  issuer,
  jwksUri,
  fetch,
  timeoutMs = KEY_SERVER_TIMEOUT_MS,
}: KeyServer): Promise<KeySet> {
  const getJson = jsonGetter(fetch, AbortSignal.timeout(timeoutMs));
  return keySet(await getJson(jwksUri ?? (await discover(issuer, getJson))));
}

async function discover(issuer: string, getJson: (url: string) => Promise<unknown>): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const document = discoveryDocument.parse(await getJson(url));
  // OpenID Connect Discovery 4.3; else whoever serves this document could speak for another issuer.
  if (document.issuer !== issuer) throw new Error(`${url} is the document of another issuer`);

  const keys = new URL(document.jwks_uri);
  // A document from elsewhere must not send us to this machine.
  if (!isTrustworthyUrl(keys) || (isLoopbackHttp(keys) && !isLoopbackHttp(new URL(issuer)))) {
    throw new Error(`${url} names a jwks_uri that is not https`);
  }
  return keys.href;
}

const jsonGetter = (fetch: typeof globalThis.fetch, signal: AbortSignal) => async (url: string) => {
  const response = await fetch(url, { redirect: "manual", signal, headers: { accept: "application/json" } });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status} instead of 200`);
  }
  return JSON.parse(await readText(url, response)) as unknown;
};

async function readText(url: string, response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the rest. What counts is the size after decompression.
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > KEY_SERVER_MAX_BYTES) throw new Error(`${url} answered with more than ${KEY_SERVER_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
