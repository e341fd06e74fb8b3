/** What the headers say of where a request comes from; null when absent. */
export type RequestOrigin = {
  readonly host: string | null;
  readonly origin: string | null;
  /** Whether somebody says that they pass it on for another. */
  readonly isForwarded: boolean;
};

const FORWARDING = ["x-forwarded-for", "x-forwarded-host", "forwarded", "via"];

/** @param header what a header says, by its name in lower case; null when it is absent */
export const originOf = (header: (name: string) => string | null): RequestOrigin => ({
  host: header("host"),
  origin: header("origin"),
  isForwarded: FORWARDING.some((name) => header(name) !== null),
});

const LOOPBACK = "(?:(?:[a-z0-9-]+\\.)*localhost|127\\.0\\.0\\.1|\\[::1\\])";
const LOOPBACK_HOST = new RegExp(`^${LOOPBACK}(?::[0-9]{1,5})?$`, "i");
const LOOPBACK_ORIGIN = new RegExp(`^https?://${LOOPBACK}(?::[0-9]{1,5})?$`, "i");
const LOOPBACK_NAME = new RegExp(`^${LOOPBACK}$`, "i");

/**
 * Whether a request was addressed to this machine by a name that only means this machine, and not sent by a foreign
 * page: `Host` is localhost, *.localhost, 127.0.0.1 or [::1], on any port, `Origin` is absent or one of those, and no
 * proxy says that it passes the request on.
 *
 * The Host stops DNS rebinding (a foreign name that resolves to 127.0.0.1), the Origin other sites' scripts. A reverse
 * proxy on this machine that rewrites the Host, and says nothing of itself, cannot be told from a browser here: no
 * development behind a proxy. That the server listens on loopback only is the caller's condition, not checked here.
 */
export function isLocalRequest({ host, origin, isForwarded }: RequestOrigin): boolean {
  return !isForwarded && host !== null && LOOPBACK_HOST.test(host) && (origin === null || LOOPBACK_ORIGIN.test(origin));
}

/** Whether keys may be fetched from `url`, or an issuer be named by it: https, or http on this machine. */
export function isTrustworthyUrl(url: URL): boolean {
  return url.protocol === "https:" || isLoopbackHttp(url);
}

/** Whether `url` is plain http to this machine: for trying things out. */
export function isLoopbackHttp(url: URL): boolean {
  return url.protocol === "http:" && LOOPBACK_NAME.test(url.hostname);
}
