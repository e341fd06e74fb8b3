import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Gateway } from "../../server.js";
import { csvLine } from "./line.js";

/** Where the members of an organization are downloaded. */
export const MEMBERS_PATH = "/members.csv";

const PAGE = `query($by: OrganizationBy!, $filter: MembershipFilter, $orderBy: MembershipOrder, $after: String) {
  organization(by: $by) { slug memberships(filter: $filter, orderBy: $orderBy, first: 100, after: $after) {
    nodes {
      id status via expiresAt createdAt organization { slug } roles { key } grants { role { key } reach expiresAt }
      user { id displayName email externalId }
    }
    pageInfo { hasNextPage endCursor }
  } }
}`;

interface Member {
  readonly id: string;
  readonly status: string;
  readonly via: string;
  readonly expiresAt: string | null;
  readonly createdAt: string;
  readonly organization: { readonly slug: string };
  readonly roles: readonly { readonly key: string }[];
  readonly grants: readonly { readonly role: { readonly key: string }; reach: string; expiresAt: string | null }[];
  readonly user: Readonly<Record<"id" | "displayName", string>> &
    Readonly<Record<"email" | "externalId", string | null>>;
}

const COLUMNS: readonly (readonly [name: string, of: (member: Member) => string | null])[] = [
  ["membership_id", ({ id }) => id],
  ["user_id", ({ user }) => user.id],
  ["name", ({ user }) => user.displayName],
  ["email", ({ user }) => user.email],
  ["external_id", ({ user }) => user.externalId],
  ["organization", ({ organization }) => organization.slug],
  ["status", ({ status }) => status],
  ["via", ({ via }) => via],
  ["roles", ({ roles }) => roles.map(({ key }) => key).join("; ")],
  [
    "grants",
    ({ grants }) =>
      grants
        .map(({ role, reach, expiresAt }) => `${role.key} ${reach}${expiresAt ? ` until ${expiresAt}` : ""}`)
        .join("; "),
  ],
  ["expires_at", ({ expiresAt }) => expiresAt],
  ["created_at", ({ createdAt }) => createdAt],
];

/** What decides who asks, and from where, is the request's own on every page. */
const PASSED_ON = ["authorization", "host", "origin", "x-tenant"];

interface Page {
  readonly slug: string;
  readonly memberships: {
    readonly nodes: readonly Member[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

/**
 * Answers with all members of an organization as CSV: `?organization=<slug>`, or `?organizationId=<id>`, with the list's own
 * `filter` as JSON and `orderBy`. Every page is asked of the API as the caller, and so judged as it is there, until none is
 * left; when one of them is refused or fails, the connection breaks off, and no half of the list looks whole.
 */
export async function sendMembers(gateway: Gateway, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "GET") {
    // What another origin's page asks beforehand, the API answers.
    const isAsked = request.method === "OPTIONS";
    return pass(response, isAsked ? await ask(gateway, request, "OPTIONS") : refusal(405, "Use GET."));
  }
  const variables = variablesOf(new URL(request.url ?? "/", "http://localhost").searchParams);
  if (!variables)
    return pass(
      response,
      refusal(400, "Say which organization: ?organization=<slug>, with filter as JSON if you like."),
    );

  const gone = new AbortController();
  response.once("close", () => gone.abort());
  let after: string | null = null;
  do {
    const answer: Response = await ask(gateway, request, "POST", { query: PAGE, variables: { ...variables, after } });
    const { data, errors } = (await answer.clone().json()) as {
      data?: { organization: Page | null };
      errors?: unknown;
    };
    const page = data?.organization;
    if (errors || !page) {
      if (response.headersSent) return void response.destroy();
      return pass(response, errors ? answer : refusal(404, "There is no such organization, or you cannot see it."));
    }
    if (!response.headersSent) {
      response.writeHead(200, {
        ...headersOf(answer),
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": `attachment; filename="members-${page.slug}.csv"`,
      });
      response.write(csvLine(COLUMNS.map(([name]) => name)));
    }
    const { nodes, pageInfo } = page.memberships;
    const lines = nodes.map((member) => csvLine(COLUMNS.map(([, of]) => of(member)))).join("");
    // A caller that reads slowly is waited for, and one that has gone is not served on.
    if (!response.write(lines) && !response.destroyed)
      await once(response, "drain", { signal: gone.signal }).catch((error) => {
        if (!gone.signal.aborted) throw error;
      });
    after = pageInfo.hasNextPage && !response.destroyed ? pageInfo.endCursor : null;
  } while (after !== null);
  response.end();
}

/** Null where they do not name an organization, or the filter is none. */
function variablesOf(search: URLSearchParams): Record<string, unknown> | null {
  const [slug, id, filter] = ["organization", "organizationId", "filter"].map((name) => search.get(name));
  if ((slug === null) === (id === null)) return null;
  try {
    return {
      by: slug === null ? { id } : { slug },
      filter: filter == null ? null : JSON.parse(filter),
      orderBy: search.get("orderBy"),
    };
  } catch {
    return null;
  }
}

async function ask(gateway: Gateway, request: IncomingMessage, method: string, body?: object): Promise<Response> {
  const names = method === "OPTIONS" ? Object.keys(request.headers) : PASSED_ON;
  const given = names.flatMap((name) => (request.headers[name] ? [[name, String(request.headers[name])]] : []));
  const headers = { ...Object.fromEntries(given), ...(body && { "content-type": "application/json" }) };
  const url = `http://${request.headers.host ?? "localhost"}/graphql`;
  return gateway.yoga.fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

const refusal = (status: number, error: string): Response =>
  new Response(JSON.stringify({ error }), { status, headers: { "content-type": "application/json; charset=utf-8" } });

/** What the API answers 200 beside errors, and is no list. */
const STATUS: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  BAD_USER_INPUT: 400,
  INTERNAL: 500,
};

/** An answer of the API's in place of the list. */
async function pass(response: ServerResponse, answer: Response): Promise<void> {
  const text = await answer.text();
  const code = /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? "";
  const status = answer.status === 200 && text !== "" ? (STATUS[code] ?? 503) : answer.status;
  const headers = text === "" ? {} : { "content-length": String(Buffer.byteLength(text)) };
  response.writeHead(status, { ...Object.fromEntries(answer.headers), ...headersOf(answer), ...headers });
  response.end(text);
}

/** Those that hold for the list as for the answer that it is made of. */
const headersOf = ({ headers }: Response): Record<string, string> => ({
  ...Object.fromEntries([...headers].filter(([name]) => /^(access-control-|vary$|x-request-id$)/.test(name))),
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
});
