import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { Settings } from "../config.js";
import type { Sealer } from "../features/audit/sealer.js";
import type { Shown } from "../features/mail/mailbox.js";
import type { DevelopmentIssuer } from "../identity/development.js";
import { mintToken } from "../identity/developmentToken.js";
import { isLocalRequest, originOf } from "../identity/local.js";
import type { Gateway } from "../server.js";
import { addressOf } from "./address.js";
import { MEMBERS_PATH, sendMembers } from "./csv/members.js";
import { DEMO_TENANTS } from "./demo/tenants.js";
import { sendPage, wantsPage } from "./graphiql/page.js";
import { withHost } from "./host.js";
import { sendMailbox } from "./mailbox.js";
import { GONE, Requests, sendMetrics } from "./metrics.js";

export interface Routes {
  readonly gateway: Gateway;
  readonly sealer: Pick<Sealer, "unsealedMs" | "made">;
  readonly isHealthy: () => boolean;
  readonly development: DevelopmentIssuer | null;
  /** Everybody's mail; asked for in development alone. */
  readonly mailbox: () => Promise<Shown[]>;
  readonly settings: Settings;
  readonly log: Logger;
}

/** Every address that the gateway answers at. Anything else is not found. */
export function routes(options: Routes): RequestListener {
  const own = { ...options, requests: new Requests() };
  return withHost(
    (request, response) =>
      void answer(own, request, response).catch((error) => {
        // Nobody else waits for this promise: left alone, it would end the process.
        options.log.error({ err: error }, "request failed");
        if (response.headersSent) response.destroy();
        else send(response, 500, { error: "Something went wrong here. The log of the gateway says what." });
      }),
  );
}

async function answer(
  { gateway, sealer, requests, isHealthy, development, mailbox, settings }: Routes & { readonly requests: Requests },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "/").split("?", 1)[0];
  if (path === "/graphql" && settings.TENANTRY_GRAPHIQL && wantsPage(request))
    return sendPage(request, response, { hasViewers: development !== null && isLocal(request) });
  const address = addressOf(request, settings.TENANTRY_PROXIES);
  if (path === "/graphql") {
    const began = performance.now();
    await gateway.answer(request, response, address);
    const isGone = response.destroyed && !response.writableFinished;
    return requests.count(isGone ? GONE : response.statusCode, performance.now() - began);
  }
  if (path === "/graphql/schema") return void gateway.yoga(request, response, { address });
  if (path === MEMBERS_PATH) return sendMembers(gateway, request, response);
  // Not from the root of the host: a proxy may have taken a path from before it.
  if (path === "/" && request.method === "GET") return send(response, 302, null, { location: "graphql" });
  if (path === "/health/live") return send(response, 200, { status: "live" });
  if (path === "/health/ready")
    return isHealthy() ? send(response, 200, { status: "ready" }) : send(response, 503, { status: "not ready" });
  if (path === "/metrics" && request.method === "GET") return sendMetrics(response, { gateway, sealer, requests });
  if (path === "/dev/viewers" && development && request.method === "GET" && isLocal(request)) {
    return send(response, 200, await viewers(development, settings.TENANTRY_DATA_DIR), {
      "cache-control": "no-store",
    });
  }
  if (path === "/dev/mail" && development && request.method === "GET" && isLocal(request))
    return sendMailbox(response, await mailbox());
  send(response, 404, { error: "There is nothing here. GraphQL is at /graphql." });
}

const isLocal = ({ headers }: IncomingMessage): boolean =>
  isLocalRequest(originOf((name) => headers[name]?.toString() ?? null));

/** The demo's viewers, one entry for each tenant they are in, with a token each. */
async function viewers(development: DevelopmentIssuer, dataDir: string) {
  const known = new Set((await development.people()).map(({ email }) => email));
  const shown = DEMO_TENANTS.flatMap(({ slug, people }) =>
    people
      .filter(({ as, email }) => as && known.has(email))
      .map(({ email, name, as }) => ({ tenant: slug, email, name, as })),
  );
  return Promise.all(
    shown.map(async (viewer) => ({ ...viewer, token: await mintToken(dataDir, { email: viewer.email }) })),
  );
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = body === null ? "" : JSON.stringify(body);
  response.writeHead(status, {
    ...(text && { "content-type": "application/json; charset=utf-8" }),
    "content-length": Buffer.byteLength(text),
    "x-content-type-options": "nosniff",
    ...headers,
  });
  response.end(text);
}
