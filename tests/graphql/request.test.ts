import { Readable } from "node:stream";
import {
  answerPreflight,
  corsHeaders,
  readRequest,
  refuseAccept,
  refuseMethod,
  refuseOrigin,
} from "../../src/graphql/request.js";

const JSON_TYPE = { "content-type": "application/json" };
const post = (body: BodyInit, headers: Record<string, string> = JSON_TYPE) =>
  readRequest(new Request("http://localhost/graphql", { method: "POST", headers, body }), { bodyBytes: 1000 });
const get = (search: string) => readRequest(new Request(`http://localhost/graphql${search}`), { bodyBytes: 1000 });
const sent = (method: string, headers: Record<string, string> = {}) => ({ method, headers: new Headers(headers) });

/** The same with a body that comes over a socket. */
const come = (incoming: Readable) =>
  readRequest(
    new Request("http://localhost/graphql", { method: "POST", headers: JSON_TYPE, body: "unused" }),
    { bodyBytes: 1000 },
    incoming,
  );

describe("readRequest of what comes over a socket", () => {
  it("puts the pieces of a body together, also within a character", async () => {
    const bytes = Buffer.from('{"query":"{é}"}');

    expect(await come(Readable.from([bytes.subarray(0, 12), bytes.subarray(12)]))).toEqual({ query: "{é}" });
  });

  it("refuses a body as soon as it is too large, and reads no more of it", async () => {
    const endless = new Readable({ read: () => void endless.push(Buffer.alloc(600)) });

    await expect(come(endless)).rejects.toMatchObject({ extensions: { code: "PAYLOAD_TOO_LARGE" } });
    expect(endless.isPaused()).toBe(true);
    endless.destroy();
  });

  it.each<[string, () => Readable]>([
    [
      "in the middle",
      () =>
        Readable.from(
          (async function* () {
            yield Buffer.from('{"query"');
            throw new Error("aborted");
          })(),
        ),
    ],
    ["before anybody listened", () => new Readable({ read() {} }).destroy()],
    [
      "without a word",
      () => {
        const body = new Readable({ read() {} });
        setImmediate(() => body.destroy());
        return body;
      },
    ],
  ])("refuses one that ends %s", async (_when, body) => {
    await expect(come(body())).rejects.toThrow("The body ended before it was complete.");
  });
});

describe("readRequest", () => {
  it("reads the four keys of a request, and drops what is not GraphQL's", async () => {
    const body =
      '{"query":"{a}","variables":{"x":1},"operationName":"A","extensions":{"e":1},"more":1,"__proto__":{"query":"{b}"}}';

    const request = await post(body);

    expect(request).toEqual({ query: "{a}", variables: { x: 1 }, operationName: "A", extensions: { e: 1 } });
    expect(Object.getPrototypeOf(request)).toBe(Object.prototype);
  });

  it("takes null for absent", async () => {
    expect(await post('{"query":"{a}","variables":null,"operationName":null,"extensions":null}')).toEqual({
      query: "{a}",
    });
  });

  it("takes no query from the prototype of a body", async () => {
    await expect(post('{"__proto__":{"query":"{a}"}}')).rejects.toThrow("`query` is missing");
  });

  it("reads GET from the URL, where empty is absent", async () => {
    expect(await get("?query=%7Ba%7D&variables=%7B%22x%22%3A1%7D&operationName=")).toEqual({
      query: "{a}",
      variables: { x: 1 },
    });
  });

  it("refuses a key that is in the URL twice, whichever of them somebody else has looked at", async () => {
    await expect(get("?query=%7Ba%7D&query=%7Bb%7D")).rejects.toThrow("`query` is in the URL more than once.");
  });

  it.each([
    "application/json",
    "application/json; charset=utf-8",
    'Application/JSON;charset="UTF-8"',
    "application/json;",
  ])("takes JSON in UTF-8: %s", async (type) => {
    expect(await post('{"query":"ü"}', { "content-type": type })).toEqual({ query: "ü" });
  });

  it("counts bytes, announced or not", async () => {
    const body = JSON.stringify({ query: "ü".repeat(600) });
    const unannounced = new Request("http://localhost/graphql", {
      method: "POST",
      headers: JSON_TYPE,
      body: new Blob([body]).stream(),
      duplex: "half",
    } as RequestInit);
    const tooLarge = expect.objectContaining({ extensions: expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }) });

    await expect(post(body)).rejects.toEqual(tooLarge);
    await expect(readRequest(unannounced, { bodyBytes: 1000 })).rejects.toEqual(tooLarge);
    expect((await post(JSON.stringify({ query: "u".repeat(600) }))).query).toHaveLength(600);
  });
});

describe("refuseOrigin", () => {
  const origins = ["https://app.example.com"];
  const status = (origin: string, host = "api.example.com") =>
    refuseOrigin(sent("POST", { origin, host }), origins)?.status ?? null;

  it("lets pass who sends none, this host's own pages, and listed ones", () => {
    expect(refuseOrigin(sent("POST"), origins)).toBeNull();
    expect(status("https://api.example.com")).toBeNull();
    expect(status("https://api.example.com", "api.example.com:443")).toBeNull();
    expect(status("http://localhost:4000", "localhost:4000")).toBeNull();
    expect(status("https://app.example.com")).toBeNull();
  });

  it.each([
    "null",
    "",
    "https://evil.example.com",
    "https://api.example.com.evil.com",
    "https://api.example.com:444",
    "https://api.example.com/",
    "https://user@api.example.com",
    "file://api.example.com",
    "api.example.com",
  ])("refuses every other: %s", (origin) => {
    expect(status(origin)).toBe(403);
  });

  it("leaves reading alone, which the page cannot see", () => {
    expect(refuseOrigin(sent("GET", { origin: "https://evil.example.com" }), origins)).toBeNull();
  });
});

describe("corsHeaders", () => {
  const origins = ["https://app.example.com"];

  it("names a listed origin, and never allows credentials", () => {
    const headers = corsHeaders(sent("POST", { origin: origins[0]! }), origins);

    expect(headers).toEqual({
      vary: "Origin",
      "access-control-allow-origin": origins[0],
      "access-control-expose-headers": "retry-after, www-authenticate, x-request-id",
    });
  });

  it("says nothing to any other, but to caches that it may differ", () => {
    expect(corsHeaders(sent("POST", { origin: "https://evil.example.com" }), origins)).toEqual({ vary: "Origin" });
    expect(corsHeaders(sent("POST", { origin: "null" }), ["null"])).toEqual({ vary: "Origin" });
    expect(corsHeaders(sent("POST"), [])).toEqual({});
  });
});

describe("answerPreflight", () => {
  it("answers what asks beforehand, and nothing else", () => {
    const asking = { origin: "https://evil.example.com", "access-control-request-method": "POST" };

    expect(answerPreflight(sent("OPTIONS", asking), [])).toEqual({ status: 204, headers: {}, body: null });
    expect(answerPreflight(sent("OPTIONS"), [])).toBeNull();
    expect(answerPreflight(sent("POST", asking), [])).toBeNull();
  });
});

describe("refuseMethod and refuseAccept", () => {
  it("refuse what is neither GET nor POST", () => {
    expect(["GET", "POST", "HEAD", "QUERY"].map((method) => refuseMethod(sent(method))?.status ?? null)).toEqual([
      null,
      null,
      405,
      405,
    ]);
  });

  it("refuse a client that takes none of our answers", () => {
    const status = (accept: string) => refuseAccept(sent("POST", { accept }))?.status ?? null;

    expect(refuseAccept(sent("POST"))).toBeNull();
    expect(["*/*", "text/html, application/json; q=0.5", "APPLICATION/*"].map(status)).toEqual([null, null, null]);
    expect(["text/html", "application/json; charset=latin1", "json"].map(status)).toEqual([406, 406, 406]);
  });
});
