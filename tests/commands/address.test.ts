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
    ["what a proxy tells with a port", from("10.0.0.1", "198.51.100.1:4711"), 1, "198.51.100.1"],
    ["what it tells in brackets, with a port", from("10.0.0.1", "[2001:db8::7]:443"), 1, "2001:db8::7"],
    ["what it tells in brackets", from("10.0.0.1", "[2001:db8::7]"), 1, "2001:db8::7"],
    ["an IPv6 address in its one spelling", from("10.0.0.1", "2001:DB8:0:0::7"), 1, "2001:db8::7"],
    ["an IPv4 address in any spelling", from("10.0.0.1", "::ffff:c633:6401"), 1, "198.51.100.1"],
    ["also at length, with a port", from("10.0.0.1", "[0:0:0:0:0:FFFF:198.51.100.1]:80"), 1, "198.51.100.1"],
    ["an address of this network with its interface", from("fe80::1%eth0"), 0, "fe80::1%eth0"],
    ["nothing where a port alone is told", from("10.0.0.1", ":443"), 1, null],
    ["nothing where brackets hold a name", from("10.0.0.1", "[unknown]:443"), 1, null],
    ["nothing where a proxy is missing", from("10.0.0.1"), 1, null],
    ["nothing where a proxy tells a name", from("10.0.0.1", "unknown"), 1, null],
    ["nothing of a connection that is gone", from(undefined), 0, null],
  ])("is %s", (_what, request, proxies, address) => {
    expect(addressOf(request, proxies)).toBe(address);
  });
});
