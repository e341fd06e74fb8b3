import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { DEMO_EXAMPLES, EXAMPLES } from "./operations.js";

export interface PageOptions {
  /** Whether the page lets one choose a viewer of the demo, from `/dev/viewers`; otherwise it asks for a token and a tenant. */
  readonly hasViewers: boolean;
}

/** Whether a request is a browser's that wants to show something: clients of the API accept or name JSON. */
export function wantsPage({ method, headers }: IncomingMessage): boolean {
  const accept = headers.accept ?? "";
  return (method === "GET" || method === "HEAD") && accept.includes("text/html") && !/[/+]json\b/.test(accept);
}

/** Answers with GraphiQL, whole in one page: nothing is loaded from anywhere else, and no other page may frame it. */
export async function sendPage(request: IncomingMessage, response: ServerResponse, options: PageOptions) {
  const nonce = randomBytes(16).toString("base64url");
  const tabs = options.hasViewers ? [...EXAMPLES, ...DEMO_EXAMPLES] : EXAMPLES;
  const fill: Record<Slot, string> = { nonce, options: inline({ ...options, tabs }) };
  parts ??= readParts();
  const pieces = (await parts).map((part) => (typeof part === "string" ? Buffer.from(fill[part]) : part));
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "content-length": pieces.reduce((bytes, { length }) => bytes + length, 0),
    "content-security-policy": policy(nonce),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    vary: "Accept, Host",
  });
  if (request.method !== "HEAD") for (const piece of pieces) response.write(piece);
  response.end();
}

/** The editor sets styles and starts workers from its own text; everything else that could reach out is closed. */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'unsafe-inline'",
    "worker-src blob:",
    "img-src 'self' data:",
    "font-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

/** JSON that is safe inside a script element: no text in it can end the element or open a comment. */
export const inline = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

// 9 MB: read at the first visit, and the same bytes for every later one.
let parts: Promise<readonly (Buffer | Slot)[]> | undefined;

/** What is of one answer only. */
type Slot = "nonce" | "options";

async function readParts(): Promise<readonly (Buffer | Slot)[]> {
  const asset = (name: string) => readFile(new URL(`web/${name}`, import.meta.url), "utf8");
  const [{ js, css, editorWorkerService, jsonWorker, graphqlWorker }, template, style, picker] = await Promise.all([
    import("@graphql-yoga/render-graphiql/graphiql"),
    asset("page.html"),
    asset("page.css"),
    asset("page.js"),
  ]);
  const workers = inline({ editorWorkerService, json: jsonWorker, graphql: graphqlWorker });
  const fixed = new Map([
    ["styles", css + style],
    ["workers", workers],
    ["graphiql", js],
    ["page", picker],
  ]);
  return template.split(/\{\{(\w+)\}\}/).map((piece, index) => {
    if (index % 2 === 0) return Buffer.from(piece);
    const text = fixed.get(piece);
    return text === undefined ? (piece as Slot) : Buffer.from(text);
  });
}
