import type { RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import { IdentityUnavailableError, UnauthenticatedError } from "../../src/identity/errors.js";
import type { KeyServer } from "../../src/identity/fetchKeySet.js";
import {
  ASK_FIRST_AFTER_MS,
  COOLDOWN_MS,
  REFRESH_AFTER_MS,
  remoteKeys,
  TRUSTED_FOR_MS,
} from "../../src/identity/remoteKeys.js";
import { encoded, listen, rocaModulus, type SigningKey, signingKey, testClock } from "./testIssuer.js";

let first: SigningKey;
let second: SigningKey;
beforeAll(async () => {
  first = await signingKey("first");
  second = await signingKey("second");
});

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const publish =
  (...keys: SigningKey[]): RequestListener =>
  (_, response) => {
    response.end(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }));
  };
const hang: RequestListener = () => undefined;
const fail: RequestListener = (_, response) => {
  response.writeHead(500).end("{}");
};

/** A key server whose answer can be changed, and the keys that it gives. */
async function world(answer: RequestListener, options: Partial<KeyServer> = {}) {
  const now = { answer };
  const server = await listen((request, response) => now.answer(request, response));
  open.push(server);
  const clock = testClock();
  const keys = remoteKeys(
    { issuer: server.url, jwksUri: `${server.url}/keys`, fetch, timeoutMs: 300, ...options },
    clock.monotonicMs,
  );
  const find = (key: { kid: string; alg?: string }) => keys({ alg: "ES256", ...key });
  return { now, server, clock, find };
}

describe("remoteKeys", () => {
  it("asks nothing before a key is needed, and once for any number of tokens", async () => {
    const { server, find } = await world(publish(first));
    expect(server.paths).toEqual([]);

    await Promise.all(Array.from({ length: 50 }, () => find(first)));
    await find(first);

    expect(server.paths).toEqual(["/keys"]);
  });
  it("has a new key within the cooldown of its rotation, and forgets a withdrawn one", async () => {
    const { now, clock, server, find } = await world(publish(first));
    await find(first);
    now.answer = publish(second);
    await expect(find(second)).rejects.toThrow(UnauthenticatedError);

    clock.advance(COOLDOWN_MS);

    await find(second);
    await expect(find(first)).rejects.toThrow(UnauthenticatedError);
    expect(server.paths).toHaveLength(2);
  });
  it("asks once per cooldown under a stream of invented key ids, while known keys go on", async () => {
    const { clock, server, find } = await world(publish(first));
    await find(first);

    for (let n = 0; n < 1000; n++) {
      await expect(find({ kid: `invented-${n}` })).rejects.toThrow(UnauthenticatedError);
      if (n % 100 === 0) await find(first);
      clock.advance(10);
    }

    expect(server.paths).toHaveLength(1);
    clock.advance(COOLDOWN_MS);
    await Promise.all(Array.from({ length: 50 }, (_, n) => find({ kid: `${n}` }).catch(() => undefined)));
    expect(server.paths).toHaveLength(2);
  });
  it("is not frozen by a clock that jumps back a day", async () => {
    const { now, clock, find } = await world(publish(first));
    await find(first);
    now.answer = publish(second);

    clock.jump(-86_400_000);
    clock.advance(COOLDOWN_MS);

    await find(second);
  });
  it("fetches stale keys anew without keeping anyone waiting", async () => {
    const { now, clock, server, find } = await world(publish(first));
    await find(first);
    now.answer = hang;

    clock.advance(REFRESH_AFTER_MS);

    const startedAt = performance.now();
    await find(first);
    expect(performance.now() - startedAt).toBeLessThan(200);
    await until(() => server.paths.length === 2);
  });
  it("takes no withdrawn key from the first who comes after hours of quiet", async () => {
    const { now, clock, server, find } = await world(publish(first));
    await find(first);
    now.answer = publish(second);

    clock.advance(3_600_000);

    await expect(find(first)).rejects.toThrow(UnauthenticatedError);
    await find(second);
    expect(server.paths).toHaveLength(2);
  });
  it("lets old keys wait for the server once per cooldown, and goes on with them when it does not answer", async () => {
    const { now, clock, server, find } = await world(publish(first));
    await find(first);
    now.answer = hang;

    clock.advance(ASK_FIRST_AFTER_MS);
    await Promise.all(Array.from({ length: 50 }, () => find(first)));
    await find(first);
    expect(server.paths).toHaveLength(2);

    now.answer = publish(second);
    clock.advance(COOLDOWN_MS);
    await expect(find(first)).rejects.toThrow(UnauthenticatedError);
  });
  it("goes on with known keys while the server is dead, for a day and no longer", async () => {
    const { now, clock, find } = await world(publish(first));
    await find(first);
    now.answer = fail;

    clock.advance(TRUSTED_FOR_MS - 1);
    await find(first);
    await expect(find(second)).rejects.toThrow(IdentityUnavailableError);
    await find(first);

    clock.advance(1);
    await expect(find(first)).rejects.toThrow(IdentityUnavailableError);
  });
  it("asks a dead server once per cooldown, and is there again after it", async () => {
    const { now, clock, server, find } = await world(fail);
    for (let n = 0; n < 10; n++) await expect(find(first)).rejects.toThrow(IdentityUnavailableError);
    expect(server.paths).toHaveLength(1);
    now.answer = publish(first);

    clock.advance(COOLDOWN_MS - 1000);
    await expect(find(first)).rejects.toMatchObject({ code: "UNAVAILABLE", status: 503, retryAfterSeconds: 1 });
    clock.advance(1000);

    await find(first);
  });

  const redirect: RequestListener = (request, response) => {
    if (request.url === "/keys") response.writeHead(302, { location: "/elsewhere" }).end();
    else publish(first)(request, response);
  };
  const huge = JSON.stringify({ keys: [], padding: "x".repeat(10_000_000) });
  const drip: RequestListener = (_, response) => {
    response.write("{");
    const timer = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(timer));
  };
  it.each<[string, RequestListener]>([
    ["hangs", hang],
    ["drips", drip],
    ["fails", fail],
    ["cuts the connection", (request) => request.socket.destroy()],
    ["redirects", redirect],
    ["serves 10 MB", (_, response) => response.end(huge)],
    [
      "serves 10 MB compressed",
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(huge)),
    ],
    ["serves no JSON", (_, response) => response.end("<html>")],
    ["serves no keys", (_, response) => response.end('{"keys":{}}')],
    ["serves nothing", (_, response) => response.end()],
    ["answers 204", (_, response) => response.writeHead(204).end()],
  ])("is unavailable, in time, when the server %s", async (_, answer) => {
    const { server, find } = await world(answer);

    const startedAt = performance.now();
    const outcomes = await Promise.all([1, 2, 3].map(() => find(first).catch((error: unknown) => error)));

    for (const outcome of outcomes) expect(outcome).toBeInstanceOf(IdentityUnavailableError);
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(server.paths).toEqual(["/keys"]);
    expect((outcomes[0] as Error).message).not.toContain("127.0.0.1");
  });
  it("is unavailable when nobody listens", async () => {
    const { server, find } = await world(hang);
    await server.close();

    await expect(find(first)).rejects.toThrow(IdentityUnavailableError);
  });

  it("serves a key for its own algorithm only", async () => {
    const { find } = await world(publish(first));

    await expect(find({ kid: "first", alg: "RS256" })).rejects.toThrow(UnauthenticatedError);
    await expect(find({ kid: "first", alg: "HS256" })).rejects.toThrow(UnauthenticatedError);
  });
  it("serves no key that is private, symmetric, weak, for encryption, or published twice under one id", async () => {
    const { privateKey, publicJwk } = first;
    const rsa = (await signingKey("rsa", "RS256")).publicJwk;
    const jwks = [
      { ...publicJwk, kid: "private", d: "AAAA" },
      { kty: "oct", k: "AAAA", kid: "symmetric", alg: "HS256" },
      { ...rsa, kid: "of a broken chip", n: encoded(rocaModulus) },
      { ...rsa, kid: "with the exponent 1", e: "AQ" },
      { ...publicJwk, kid: "encryption", use: "enc" },
      { ...publicJwk, kid: "twice" },
      { ...second.publicJwk, kid: "twice" },
    ].map((jwk) => ({ kid: jwk.kid!, alg: jwk.kty === "RSA" ? "RS256" : "ES256", privateKey, publicJwk: jwk }));
    const sound = { ...first, kid: "rsa", alg: "RS256", publicJwk: rsa };
    const { find } = await world(publish(sound, ...jwks));

    await find(sound);
    for (const { kid, alg } of jwks) await expect(find({ kid, alg })).rejects.toThrow(UnauthenticatedError);
  });

  describe("with discovery", () => {
    const discovery =
      (document: (url: string) => unknown): RequestListener =>
      (request, response) => {
        if (request.url?.endsWith("/.well-known/openid-configuration")) {
          response.end(JSON.stringify(document(`http://${request.headers.host}`)));
        } else publish(first)(request, response);
      };

    it("finds the keys where the issuer's document says", async () => {
      const { server, find } = await world(
        discovery((url) => ({ issuer: url, jwks_uri: `${url}/found` })),
        { jwksUri: null },
      );

      await find(first);

      expect(server.paths).toEqual(["/.well-known/openid-configuration", "/found"]);
    });
    it.each<[string, (url: string) => unknown]>([
      ["is another issuer's", (url) => ({ issuer: `${url}/other`, jwks_uri: `${url}/found` })],
      ["names no keys", (url) => ({ issuer: url })],
      ["names keys by http elsewhere", (url) => ({ issuer: url, jwks_uri: "http://keys.example/keys" })],
      ["names a file", (url) => ({ issuer: url, jwks_uri: "file:///etc/passwd" })],
      ["names no address", (url) => ({ issuer: url, jwks_uri: "keys" })],
    ])("is unavailable when the document %s", async (_, document) => {
      const { server, find } = await world(discovery(document), { jwksUri: null });

      await expect(find(first)).rejects.toThrow(IdentityUnavailableError);
      expect(server.paths).toEqual(["/.well-known/openid-configuration"]);
    });
    it("does not let an issuer elsewhere send us to this machine", async () => {
      const asked: string[] = [];
      const elsewhere = async (url: string | URL | Request) => {
        asked.push(String(url));
        return Response.json({ issuer: "https://issuer.example/", jwks_uri: "http://localhost:5432/" });
      };
      const { find } = await world(hang, { issuer: "https://issuer.example/", jwksUri: null, fetch: elsewhere });

      await expect(find(first)).rejects.toThrow(IdentityUnavailableError);
      expect(asked).toEqual(["https://issuer.example/.well-known/openid-configuration"]);
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 2000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("did not happen within 2 s");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
