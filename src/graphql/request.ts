import { Readable } from "node:stream";
import type { GraphQLError } from "graphql";
import { BadInputError, refusal } from "./errors.js";

/** What a GraphQL request asks for. An absent key was absent or null, or empty in the URL. */
export type RequestParams = {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
  extensions?: Record<string, unknown>;
};

/**
 * Reads a GraphQL-over-HTTP request: GET from the URL, anything else from a JSON body in UTF-8. Other media types are not
 * read, so no form of another site can send a request. Keys that are not GraphQL's are dropped, `__proto__` among them.
 * @param limits.bodyBytes size of the body, compared with what is announced and counted while it comes in
 * @param incoming the body as it comes over a socket, where it does
 * @param read the body, where it was read before: of no more than the limit
 * @throws GraphQLError status 415 `UNSUPPORTED_MEDIA_TYPE`: before the body is read
 * @throws GraphQLError status 413 `PAYLOAD_TOO_LARGE`: before the body is read, or where it passes the limit
 * @throws GraphQLError status 400 `BAD_USER_INPUT`: not UTF-8, not JSON, or not a request
 */
export async function readRequest(
  request: Request,
  limits: { bodyBytes: number },
  incoming?: Readable,
  read?: Buffer,
): Promise<RequestParams> {
  if (request.method === "GET") return fromUrl(new URL(request.url, "http://localhost").searchParams);
  refuseMediaType(request);
  return fromJson(decode(read ?? (await readBytes(request, incoming, limits.bodyBytes))));
}

function refuseMediaType({ headers }: Request): void {
  const [type, ...parameters] = (headers.get("content-type") ?? "").split(";").map((part) => part.trim().toLowerCase());
  const isUtf8 = parameters.every((parameter) => parameter === "" || /^charset=("?)utf-8\1$/.test(parameter));
  if (type !== "application/json" || !isUtf8) {
    throw refusal("UNSUPPORTED_MEDIA_TYPE", "Send JSON in UTF-8, with the header Content-Type: application/json.", 415);
  }
  if ((headers.get("content-encoding") ?? "identity").trim().toLowerCase() !== "identity") {
    throw refusal("UNSUPPORTED_MEDIA_TYPE", "Send the body as it is, without a Content-Encoding.", 415);
  }
}

/** From the socket where there is one, for to read it as a web stream costs more than all that is done with it. */
function readBytes(request: Request, incoming: Readable | undefined, bodyBytes: number): Promise<Buffer> {
  if (Number(request.headers.get("content-length")) > bodyBytes) throw tooLarge(bodyBytes);
  return readAll(incoming ?? Readable.from(request.body ?? []), bodyBytes);
}

/**
 * A body in pieces, as they come. Rejects with what its sender is told: where it has more than so many bytes, and where it ended
 * before it was complete.
 */
export function readAll(body: Readable, bodyBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= bodyBytes) return void chunks.push(chunk);
      // Nobody reads what still comes in, so the connection is of no further use; but it has to carry the answer first.
      body.off("data", take).pause();
      reject(tooLarge(bodyBytes, { connection: "close" }));
    };
    // A client that goes away in the middle is no fault of ours.
    const endEarly = () => reject(new BadInputError("The body ended before it was complete."));
    // Nothing is heard any more of what ended before it was listened to.
    if (body.destroyed) return endEarly();
    body
      .on("data", take)
      .once("end", () => {
        body.off("close", endEarly);
        resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      })
      .once("error", endEarly)
      .once("close", endEarly);
  });
}

const tooLarge = (bodyBytes: number, headers: Record<string, string> = {}): GraphQLError =>
  refusal("PAYLOAD_TOO_LARGE", `The body is larger than ${bodyBytes} bytes, the most that is accepted.`, 413, {
    headers,
  });

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BadInputError("The body is not valid UTF-8.");
  }
}

function fromJson(text: string): RequestParams {
  if (text.trim() === "") throw new BadInputError("The body is empty. Send a JSON object with a `query`.");
  const body = parseJson(text, "The body");
  if (Array.isArray(body)) throw new BadInputError("Batches are not accepted. Send one request as one JSON object.");
  if (!isObject(body)) throw new BadInputError("The body is not a JSON object. Send one with a `query`.");
  return toParams((key) => (Object.hasOwn(body, key) ? body[key] : undefined));
}

function fromUrl(search: URLSearchParams): RequestParams {
  return toParams((key) => {
    const [value, ...others] = search.getAll(key);
    // Whoever stands between would be free to look at another one than we do.
    if (others.length > 0) throw new BadInputError(`\`${key}\` is in the URL more than once.`);
    if (!value) return undefined;
    return key === "variables" || key === "extensions" ? parseJson(value, `\`${key}\` in the URL`) : value;
  });
}

function parseJson(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without the parser's own words, which repeat parts of the text.
    throw new BadInputError(`${subject} is not valid JSON.`);
  }
}

function toParams(read: (key: keyof RequestParams) => unknown): RequestParams {
  // Read one by one: what else is sent, whatever its name, goes nowhere.
  const query = read("query") ?? undefined;
  const variables = read("variables") ?? undefined;
  const operationName = read("operationName") ?? undefined;
  const extensions = read("extensions") ?? undefined;
  if (query === undefined) throw new BadInputError("`query` is missing. Send the GraphQL document in it, as a string.");
  if (typeof query !== "string") throw new BadInputError("`query` must be a string.");
  if (variables !== undefined && !isObject(variables)) throw new BadInputError("`variables` must be an object.");
  if (operationName !== undefined && typeof operationName !== "string") {
    throw new BadInputError("`operationName` must be a string.");
  }
  if (extensions !== undefined && !isObject(extensions)) throw new BadInputError("`extensions` must be an object.");
  return {
    query,
    ...(variables && { variables }),
    ...(operationName && { operationName }),
    ...(extensions && { extensions }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What of a request is looked at before its body. */
export type Sent = { readonly method: string; readonly headers: Pick<Headers, "get"> };

/** A whole answer: a `ResponseInit` and its body. */
export type Answer = { status: number; headers: Record<string, string>; body: string | null };

const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Status 403 `FORBIDDEN_ORIGIN` for what a page of a foreign origin sends, or null. Foreign is every origin that is neither
 * this host's nor one of `origins`, and always `null` (sandboxed frames, files). Other clients than browsers send none.
 * Reading is not refused: without CORS headers the page does not see the answer.
 */
export function refuseOrigin(request: Sent, origins: readonly string[]): Answer | null {
  if (READING.has(request.method) || standing(request, origins) !== "foreign") return null;
  return refuse(
    403,
    "FORBIDDEN_ORIGIN",
    "Pages of this origin may not send requests here. Whoever runs the service can allow it.",
  );
}

/** Status 405 `METHOD_NOT_ALLOWED` for what neither asks nor changes anything here, or null. */
export function refuseMethod({ method }: Sent, allowed: readonly string[] = ["GET", "POST"]): Answer | null {
  if (allowed.includes(method)) return null;
  const [posts, gets] = [allowed.includes("POST"), allowed.includes("GET")];
  const how = posts && gets ? "with POST, or with GET for a query" : posts ? "with POST" : "with GET";
  return refuse(405, "METHOD_NOT_ALLOWED", `This is asked ${how}.`, { allow: allowed.join(", ") });
}

const ANSWERS = new Set(["*/*", "application/*", "application/json", "application/graphql-response+json"]);

/**
 * Status 406 `NOT_ACCEPTABLE` for a client that would not take the answer, or null. Refused before anything runs: a change
 * whose answer cannot be told would still be made.
 */
export function refuseAccept({ headers }: Sent): Answer | null {
  const accept = headers.get("accept")?.replaceAll(/\s/g, "").toLowerCase();
  if (!accept || accept.split(",").some(isAnswer)) return null;
  return refuse(406, "NOT_ACCEPTABLE", "Accept application/graphql-response+json or application/json, in UTF-8.");
}

function isAnswer(range: string): boolean {
  const [type = "", ...parameters] = range.split(";");
  return ANSWERS.has(type) && parameters.every((one) => !one.startsWith("charset=") || one === "charset=utf-8");
}

/** A refusal outside of GraphQL's own answers, as the error says it. */
export function refuseWith({ message, extensions: { http, ...extensions } }: GraphQLError): Answer {
  const { status = 500, headers = {} } = (http ?? {}) as { status?: number; headers?: Record<string, string> };
  return {
    status,
    headers: { ...headers, "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify({ errors: [{ message, extensions }] }),
  };
}

const refuse = (status: number, code: string, message: string, headers: Record<string, string> = {}): Answer =>
  refuseWith(refusal(code, message, status, { headers }));

/** The answer to a browser that asks whether a page may send something; null for any other request. */
export function answerPreflight(request: Sent, origins: readonly string[]): Answer | null {
  if (request.method !== "OPTIONS" || request.headers.get("access-control-request-method") === null) return null;
  return { status: 204, headers: corsHeaders(request, origins), body: null };
}

/**
 * What lets a page of one of `origins` read the answer; for any other, nothing but `vary`. Never credentials: tokens are sent
 * by the page itself, and there are no cookies to lend.
 */
export function corsHeaders(request: Sent, origins: readonly string[]): Record<string, string> {
  // Also where nothing else is said: a cache must not show one origin the answer to another.
  const vary: Record<string, string> = origins.length > 0 ? { vary: "Origin" } : {};
  if (standing(request, origins) !== "listed") return vary;
  const allowed = { ...vary, "access-control-allow-origin": request.headers.get("origin")! };
  if (request.method !== "OPTIONS") {
    return { ...allowed, "access-control-expose-headers": "retry-after, www-authenticate, x-request-id" };
  }
  return {
    ...allowed,
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "authorization, content-type, x-tenant, x-tenantry-explain",
    "access-control-max-age": "600",
  };
}

function standing({ headers }: Sent, origins: readonly string[]): "none" | "own" | "listed" | "foreign" {
  const origin = headers.get("origin");
  if (origin === null) return "none";
  if (origin === "null") return "foreign";
  if (origins.includes(origin)) return "listed";
  return isOfHost(origin, headers.get("host")) ? "own" : "foreign";
}

/** The scheme is not compared: behind a proxy that ends TLS, it is not known here. */
function isOfHost(origin: string, host: string | null): boolean {
  if (host === null || !/^https?:\/\/[^/]+$/.test(origin) || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const here = `${page.protocol}//${host}`;
  // Compared as URLs: an origin leaves out the port that its scheme implies, a host may say it.
  return page.origin === origin && URL.canParse(here) && new URL(here).origin === origin;
}
