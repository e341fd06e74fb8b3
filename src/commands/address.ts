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
  const address = withoutPort(heard.at(-1 - proxies) ?? "");
  return isIP(address) === 0 ? null : inOneSpelling(address);
}

/** Some proxies tell the port, too, and then write an IPv6 address in brackets. */
const withoutPort = (told: string): string =>
  /^\[(.*)\](?::\d+)?$/.exec(told)?.[1] ?? /^([\d.]+):\d+$/.exec(told)?.[1] ?? told;

/** An IPv6 address as RFC 5952 writes it; as IPv4 what is one, and only came over a socket for both kinds. */
function inOneSpelling(address: string): string {
  const url = `http://[${address}]`;
  // Of an address of this network, the interface stands behind it.
  if (isIP(address) === 4 || !URL.canParse(url)) return address;
  const written = new URL(url).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(written) ?? [];
  if (!high || !low) return written;
  return [high, low].flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255]).join(".");
}
