import type { IncomingMessage, RequestListener } from "node:http";

/** Nothing of a URL but what stands where its host does. */
const HOST = /^[^\s/?#@\\]+$/;

/** Of two, somebody in front may have taken the other one (RFC 9112, 3.2). */
const isTwice = ({ rawHeaders }: IncomingMessage): boolean =>
  rawHeaders.filter((name, at) => at % 2 === 0 && name.length === 4 && name.toLowerCase() === "host").length > 1;

/**
 * Answers 400 to a request whose Host is none, or two, before anybody makes a URL of it: yoga answers what it stumbles over there with
 * the stack, and would take what follows the host for the path.
 */
export const withHost =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    const { host } = request.headers;
    const isOne = !host || (HOST.test(host) && URL.canParse(`http://${host}`) && !isTwice(request));
    if (isOne) return listener(request, response);
    response.writeHead(400, { "content-type": "application/json; charset=utf-8", "x-content-type-options": "nosniff" });
    response.end(JSON.stringify({ error: "The header Host must name one host, and be there once." }));
  };
