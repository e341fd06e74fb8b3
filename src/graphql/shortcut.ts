import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";
import type { Context } from "./context.js";
import { corsHeaders, readAll, type Sent } from "./request.js";

/** What makes the context of a request. */
type ContextOf = (
  request: Sent & { readonly signal: null },
  requestId: string,
  address: string | null,
  onRemembered: (question: string) => void,
) => Promise<Context>;

/** What a request asked, as it was sent. */
interface Known {
  /** The digest of the question. */
  readonly question: string;
  /** Of its answer. */
  readonly contentType: string;
}

/** What was read and made of a request that is not answered yet. */
export interface Carried {
  readonly body?: Buffer;
  readonly context?: Context;
  readonly onRemembered?: (question: string) => void;
  /** Is told of the answer. */
  readonly onAnswered?: (answer: Pick<Response, "status" | "headers">) => void;
}

/** Longer ones are rare, and take the long way. */
const MOST_BODY = 16_384;
/** Requests, each of somebody. */
const MOST_REQUESTS = 20_000;
/** Of questions: many ask the same. */
const MOST_CHARACTERS = 4_000_000;
/** Stands for a header that is not there: none can hold it. */
const NONE = "\0";
/**
 * The headers that decide who asks where, and whether and how that is answered. What somebody asked is known of them alone: by what it
 * takes to find that out, others would learn what is asked elsewhere.
 */
const DECIDING = [
  "authorization",
  "x-tenant",
  "host",
  "origin",
  "accept",
  "content-type",
  "content-encoding",
  "transfer-encoding",
  "x-tenantry-explain",
] as const;

/**
 * The way of a request whose like was asked before, byte for byte, and whose answer is remembered: past all that was found out about
 * its text then. Who asks, in which tenant, whether they may still be there, and whether the answer is still the same is found out
 * as ever, by the same code. Anything else goes the long way, with what was read and made here.
 */
export class Shortcut {
  /** By the digest of all that was sent. */
  readonly #known = new LRUCache<string, Known>({ max: MOST_REQUESTS });
  /** By their digests. */
  readonly #questions = new LRUCache<string, string>({
    maxSize: MOST_CHARACTERS,
    sizeCalculation: ({ length }) => length,
  });

  /** How many requests were answered here. */
  taken = 0;

  /**
   * @param origins pages of other origins that may ask
   * @param mostBytes of a body
   */
  constructor(
    private readonly contextOf: ContextOf,
    private readonly origins: readonly string[],
    private readonly mostBytes: number,
  ) {}

  /** @returns what whoever answers in its place goes on with; null where it is answered */
  async take(request: IncomingMessage, response: ServerResponse, address: string | null): Promise<Carried | null> {
    const bytes = Number(request.headers["content-length"]);
    // Not so where nobody says how long it is.
    if (request.method !== "POST" || !(bytes <= Math.min(MOST_BODY, this.mostBytes))) return {};
    // Whoever reads it next says why it cannot be read.
    const body = await readAll(request, MOST_BODY).catch(() => null);
    if (!body) return {};
    const head = `${request.url} ${DECIDING.map((name) => request.headers[name] ?? NONE).join("\n")}\n`;
    const key = digestOf(head, body);
    const known = this.#known.get(key);
    const before = known && this.#questions.get(known.question);
    let question = before;
    const onRemembered = (asked: string) => {
      question = asked;
    };
    const onAnswered: Carried["onAnswered"] = ({ status, headers }) => {
      const contentType = headers.get("content-type");
      if (question && status === 200 && contentType) this.#keep(key, question, contentType);
    };
    const long = { body, onRemembered, onAnswered };
    if (!known || before === undefined) return long;

    const asking = { method: "POST", headers: { get: (name: string) => headerOf(request, name) }, signal: null };
    // Whoever may not ask is told so where everybody is.
    const context = await this.contextOf(asking, randomUUID(), address, onRemembered).catch(() => undefined);
    if (!context) return long;
    const { deadline, operation } = context;
    const close = () => {
      // It comes behind an answer, too.
      if (!response.writableFinished) deadline.leave();
      deadline.stop();
      void operation.end();
    };
    response.once("close", close);
    deadline.start();
    if (response.destroyed) deadline.leave();
    const text = await operation.repeat(before);
    if (text === null) return { ...long, context };
    deadline.stop();
    response.off("close", close);
    response.writeHead(200, {
      "content-type": known.contentType,
      "content-length": Buffer.byteLength(text),
      "cache-control": "no-store",
      "x-request-id": context.requestId,
      ...corsHeaders(asking, this.origins),
    });
    response.end(text);
    this.taken++;
    return null;
  }

  #keep(key: string, question: string, contentType: string): void {
    const digest = digestOf(question);
    this.#questions.set(digest, question);
    this.#known.set(key, { question: digest, contentType });
  }
}

/** Two that differ have none in common that anybody could find. */
function digestOf(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("base64");
}

function headerOf({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name];
  return value === undefined ? null : String(value);
}
