import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/**
 * The network address that a request comes from: of whoever connects, or what the outermost of so many trusted proxies heard.
 * What is further left in `X-Forwarded-For` anybody may have written.
 * @returns null where it cannot be told
 */
export function addressOf(request: Pick<IncomingMessage, "headers" | "socket">, proxies: number): string | null {
  const told = [request.headers["x-forwarded-for"] ?? []].flat().join().split(",");
  const heard = [...told.map((one) => one.trim()).filter(Boolean), request.socket.remoteAddress ?? ""];
  // An IPv4 address over a socket for both kinds.
  const address = heard.at(-1 - proxies)?.replace(/^::ffff:(?=\d+\.)/i, "") ?? "";
  return isIP(address) === 0 ? null : address;
}
