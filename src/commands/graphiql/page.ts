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
  const { head, graphiql, picker } = await (parts ??= readParts());
  const tabs = options.hasViewers ? [...EXAMPLES, ...DEMO_EXAMPLES] : EXAMPLES;
  const pieces = [
    head,
    Buffer.from(`<script type="application/json" id="options">${inline({ ...options, tabs })}</script>\n`),
    Buffer.from(`<script nonce="${nonce}">`),
    graphiql,
    Buffer.from(`</script>\n<script type="module" nonce="${nonce}">`),
    picker,
    Buffer.from("</script>\n</body>\n</html>\n"),
  ];
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

interface Parts {
  readonly head: Buffer;
  readonly graphiql: Buffer;
  readonly picker: Buffer;
}

// 9 MB: read at the first visit, and the same bytes for every later one.
let parts: Promise<Parts> | undefined;

async function readParts(): Promise<Parts> {
  const asset = (name: string) => readFile(new URL(`../../../graphiql/${name}`, import.meta.url), "utf8");
  const [{ js, css, editorWorkerService, jsonWorker, graphqlWorker }, head, style, picker] = await Promise.all([
    import("@graphql-yoga/render-graphiql/graphiql"),
    asset("head.html"),
    asset("page.css"),
    asset("page.js"),
  ]);
  const workers = inline({ editorWorkerService, json: jsonWorker, graphql: graphqlWorker });
  return {
    head: Buffer.from(head.replace("/* styles */", () => `${css}\n${style}`)),
    graphiql: Buffer.from(`{
  const workers = ${workers};
  const address = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const addresses = Object.fromEntries(Object.entries(workers).map(([label, text]) => [label, address(text)]));
  self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_, label) => addresses[label] };
}
${js}`),
    picker: Buffer.from(picker),
  };
}
