import { addressOf } from "../../src/commands/address.js";

const from = (remoteAddress: string | undefined, forwarded?: string | string[]) =>
  ({ headers: { "x-forwarded-for": forwarded }, socket: { remoteAddress } }) as never;

describe("addressOf", () => {
  it.each([
    ["whoever connects", from("203.0.113.9"), 0, "203.0.113.9"],
    ["whoever connects, whatever they say of others", from("203.0.113.9", "198.51.100.1"), 0, "203.0.113.9"],
    ["an IPv4 address over a socket for both kinds", from("::ffff:203.0.113.9"), 0, "203.0.113.9"],
    ["an IPv6 address", from("2001:db8::7"), 0, "2001:db8::7"],
    ["what the one proxy heard", from("10.0.0.1", "198.51.100.1"), 1, "198.51.100.1"],
    ["and not what was said to it", from("10.0.0.1", "6.6.6.6, 198.51.100.1"), 1, "198.51.100.1"],
    ["what the outer one of two heard", from("10.0.0.1", "6.6.6.6, 198.51.100.1,10.0.0.2"), 2, "198.51.100.1"],
    ["what stands in several headers", from("10.0.0.1", ["6.6.6.6", "198.51.100.1"]), 1, "198.51.100.1"],
    ["nothing where a proxy is missing", from("10.0.0.1"), 1, null],
    ["nothing where a proxy tells a name", from("10.0.0.1", "unknown"), 1, null],
    ["nothing of a connection that is gone", from(undefined), 0, null],
  ])("is %s", (_what, request, proxies, address) => {
    expect(addressOf(request, proxies)).toBe(address);
  });
});
