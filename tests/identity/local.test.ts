import { isLocalRequest, originOf } from "../../src/identity/local.js";

describe("isLocalRequest", () => {
  it.each([
    "localhost",
    "localhost:4000",
    "LOCALHOST:4000",
    "northwind.localhost:4000",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1]:4000",
  ])("is true for the host %j", (host) => {
    expect(isLocalRequest({ host, origin: null, isForwarded: false })).toBe(true);
  });
  it.each([
    null,
    "",
    "example.com",
    "localhost.example.com",
    "notlocalhost",
    "localhost@example.com",
    "localhost:80:80",
    "localhost:4000/",
    "localhost\n",
    " localhost",
    "0.0.0.0",
    "127.0.0.1.example.com",
    "127.0.0.2",
    "::1",
    "[::ffff:127.0.0.1]",
    "192.168.0.1:4000",
    "2130706433",
  ])("is false for the host %j", (host) => {
    expect(isLocalRequest({ host, origin: null, isForwarded: false })).toBe(false);
  });

  it.each([
    "http://localhost:4000",
    "https://localhost",
    "http://northwind.localhost:3000",
    "http://127.0.0.1:3000",
    "http://[::1]:1",
  ])("is true for the origin %j", (origin) => {
    expect(isLocalRequest({ host: "localhost", origin, isForwarded: false })).toBe(true);
  });
  it.each([
    "",
    "null",
    "https://example.com",
    "http://localhost.example.com",
    "http://localhost@example.com",
    "file://",
    "localhost",
  ])("is false for the origin %j", (origin) => {
    expect(isLocalRequest({ host: "localhost", origin, isForwarded: false })).toBe(false);
  });

  it.each(["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via"])(
    "is false for what somebody passes on, and says so by %s",
    (name) => {
      const requestWith = (more: Record<string, string>) => new Headers({ host: "localhost", ...more });
      const isLocal = (headers: Headers) => isLocalRequest(originOf((header) => headers.get(header)));

      expect(isLocal(requestWith({}))).toBe(true);
      expect(isLocal(requestWith({ [name]: "" }))).toBe(false);
      expect(isLocal(requestWith({ [name]: "1.1 front.example" }))).toBe(false);
    },
  );
});
