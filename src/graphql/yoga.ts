import type { IncomingMessage } from "node:http";
import type { Plugin } from "graphql-yoga";
import { readRequest } from "./request.js";
import type { Carried } from "./shortcut.js";

/** What both doors have of yoga: GraphQL at one address, and nothing that it would add on its own. */
export const PLAIN = {
  graphqlEndpoint: "/graphql",
  landingPage: false,
  graphiql: false,
  batching: false,
  multipart: false,
  cors: false,
  logging: false,
  parserAndValidationCache: false,
  // Ours is kept by `readRequest`, which does not copy the body to count it.
  maxRequestBodySize: false,
  // Errors are presented by the doors, who know what may be said of them.
  maskedErrors: { maskError: (error: unknown) => error as Error },
} as const;

/** Reads a request whose body has at most so many bytes; the answer is for who asked, and for now. */
export const exchange = (bodyBytes: number): Plugin => ({
  onYogaInit({ yoga }) {
    // Yoga's own four readers, each of which would be asked of every request whether it is one for it. Ours takes the place of all.
    (yoga as unknown as { readonly onRequestParseHooks: unknown[] }).onRequestParseHooks.length = 0;
  },
  onRequestParse({ setRequestParser, serverContext }) {
    const { req, body } = serverContext as { readonly req?: IncomingMessage } & Carried;
    setRequestParser((request) => readRequest(request, { bodyBytes }, req, body) as never);
  },
  onResponse({ response }) {
    response.headers.set("cache-control", "no-store");
  },
});
