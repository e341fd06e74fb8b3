import type { RequestListener } from "node:http";

/** Nothing of a URL but what stands where its host does. */
const HOST = /^[^\s/?#@\\]+$/;

/**
 * Answers 400 to a request whose Host is none, before anybody makes a URL of it: yoga answers what it stumbles over there with
 * the stack, and would take what follows the host for the path.
 */
export const withHost =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    const { host } = request.headers;
    if (!host || (HOST.test(host) && URL.canParse(`http://${host}`))) return listener(request, response);
    response.writeHead(400, { "content-type": "application/json; charset=utf-8", "x-content-type-options": "nosniff" });
    response.end(JSON.stringify({ error: "The header Host names no host." }));
  };
