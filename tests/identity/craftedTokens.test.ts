import { createHmac } from "node:crypto";
import { exportSPKI, importJWK } from "jose";
import { UnauthenticatedError } from "../../src/identity/errors.js";
import { createVerifier, type Verifier } from "../../src/identity/verifier.js";
import {
  bearer,
  claims,
  LOCAL,
  listen,
  NOW,
  type SigningKey,
  second,
  sign,
  signingKey,
  testClock,
  testIssuer,
} from "./testIssuer.js";

type Listener = Awaited<ReturnType<typeof listen>>;

let key: SigningKey;
let rsa: SigningKey;
let stranger: SigningKey;
let issuer: Awaited<ReturnType<typeof testIssuer>>;
let attacker: Listener;
let verifier: Verifier;
let publicPem: string;
let genuine: string;

beforeAll(async () => {
  [key, rsa, stranger] = await Promise.all([signingKey("one"), signingKey("rsa", "RS256"), signingKey("one")]);
  issuer = await testIssuer([key, rsa]);
  attacker = await listen((_, response) => response.end(JSON.stringify({ keys: [stranger.publicJwk] })));
  verifier = createVerifier({ issuers: [issuer.settings], clock: testClock() });
  publicPem = await exportSPKI((await importJWK(rsa.publicJwk, "RS256", { extractable: true })) as CryptoKey);
  genuine = await sign(key);
  await verifier.verify(await bearer(genuine), LOCAL);
});
afterAll(() => Promise.all([issuer.close(), attacker.close()]));

const segment = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const unsigned = (header: unknown, payload: unknown = claims(), signature = "") =>
  `${segment(header)}.${segment(payload)}.${signature}`;
const part = (index: number) => genuine.split(".")[index]!;
const hmac = (header: Record<string, unknown>, secret: string | Buffer) => {
  const text = `${segment(header)}.${segment(claims())}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
};
/** The same signature, with its last character's unused bits set. */
const withStrayBits = (token: string) => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) + 1];
};
const without = (claim: string) => {
  const { [claim]: _, ...rest } = claims();
  return rest;
};

type Row = [what: string, make: () => string | Promise<string>];

/** Each a whole Authorization header. */
const headers: Row[] = [
  ["nothing", () => ""],
  ["a scheme alone", () => "Bearer"],
  ["a scheme and a space", () => "Bearer "],
  ["a token without a scheme", () => genuine],
  ["another scheme", () => `Basic ${Buffer.from("ada:secret").toString("base64")}`],
  ["a token under another scheme", () => `DPoP ${genuine}`],
  ["two tokens", () => `Bearer ${genuine} ${genuine}`],
  ["two headers joined", () => `Bearer ${genuine}, Bearer ${genuine}`],
  ["a token and a line break", () => `Bearer ${genuine}\n`],
  ["a padded token", () => `Bearer ${genuine}=`],
];

/** Each a token, under the reason for which it is refused: another reason would mean that the case tests nothing. */
const tokens: Record<string, Row[]> = {
  "The Authorization header must be `Bearer` and one token as its issuer made it, three parts with dots between.": [
    ["garbage", () => "garbage"],
    ["five parts, as an encrypted one has", () => `${genuine}.a.b`],
    ["two parts", () => `${part(0)}.${part(1)}`],
    ["empty parts", () => ".."],
    ["a signature of another spelling", () => genuine.replaceAll("_", "/").replaceAll("-", "+").concat("+/")],
  ],
  "The token is malformed. Sign in again.": [
    ["a header that is no JSON", () => `${segment("{")}.${part(1)}.${part(2)}`],
    ["a header that is a list", () => `${segment("[]")}.${part(1)}.${part(2)}`],
    ["a payload that is no JSON", () => `${part(0)}.${segment("ada")}.${part(2)}`],
    ["a payload that is null", () => `${part(0)}.${segment("null")}.${part(2)}`],
    [
      "a payload that is no UTF-8",
      () => `${part(0)}.${Buffer.from([0x7b, 0xff, 0x7d]).toString("base64url")}.${part(2)}`,
    ],
    [
      "a payload of 10,000 nested lists",
      () => unsigned({ alg: "ES256", kid: "one" }, "[".repeat(10_000) + "]".repeat(10_000)),
    ],
    ["a signature with stray bits", () => withStrayBits(genuine)],
    ["alg that is a list", () => unsigned({ alg: ["ES256"], kid: "one" }, claims(), part(2))],
    ["no alg", () => unsigned({ kid: "one" }, claims(), part(2))],
  ],
  "The token is not signed in an accepted way. Sign in again.": [
    ["alg none", () => unsigned({ alg: "none", kid: "one" })],
    ["alg None", () => unsigned({ alg: "None", kid: "one" })],
    ["alg none with a signature", () => unsigned({ alg: "none", kid: "one" }, claims(), part(2))],
    ["alg with a space", () => unsigned({ alg: "ES256 ", kid: "one" }, claims(), part(2))],
    ["alg that is a name of every object", () => unsigned({ alg: "constructor", kid: "one" }, claims(), part(2))],
    ["HS256 with the public key as secret", () => hmac({ alg: "HS256", kid: "rsa" }, publicPem)],
    [
      "HS256 with the modulus as secret",
      () => hmac({ alg: "HS256", kid: "rsa" }, Buffer.from(rsa.publicJwk.n!, "base64url")),
    ],
    ["HS256 with an empty secret", () => hmac({ alg: "HS256", kid: "one" }, "")],
    ["an algorithm that the issuer does not use", async () => sign({ ...(await signingKey("one", "ES384")) })],
  ],
  "The token's signature does not hold. Sign in again.": [
    ["no signature", () => unsigned({ alg: "ES256", kid: "one" })],
    [
      "the signature of another token",
      async () => unsigned({ alg: "ES256", kid: "one" }, claims({ sub: "eve" }), part(2)),
    ],
    ["another's key under a known id", () => sign(stranger)],
  ],
  "The token was signed with an unknown key. Sign in again.": [
    ["an algorithm that the key is not for", () => unsigned({ alg: "PS256", kid: "rsa" }, claims(), part(2))],
    ["an unknown key id", () => sign({ ...stranger, kid: "unknown" })],
    ["no key id", () => sign(key, claims(), { kid: undefined })],
    ["an empty key id", () => sign(key, claims(), { kid: "" })],
    ["a key id that is a number", () => unsigned({ alg: "ES256", kid: 1 }, claims(), part(2))],
    ["a key id that is a path", () => sign({ ...stranger, kid: "../../../../dev/null" })],
    ["a key id that is SQL", () => sign({ ...stranger, kid: "one' UNION SELECT 'secret" })],
    ["a key id that is an address", () => sign({ ...stranger, kid: `${attacker.url}/keys` })],
    ["a key id that is a name of every object", () => sign({ ...stranger, kid: "__proto__" })],
  ],
  "The token's header holds a parameter that is not accepted. Sign in again.": [
    ["a key of its own", () => sign(stranger, claims(), { jwk: stranger.publicJwk })],
    ["a key address of its own", () => sign(stranger, claims(), { jku: `${attacker.url}/keys` })],
    ["a certificate address of its own", () => sign(stranger, claims(), { x5u: `${attacker.url}/certificate` })],
    ["a certificate of its own", () => sign(stranger, claims(), { x5c: ["AAAA"] })],
    ["a key address, rightly signed", () => sign(key, claims(), { jku: `${attacker.url}/keys` })],
    [
      "an extension it calls critical",
      () => unsigned({ alg: "ES256", kid: "one", crit: ["exp"], exp: 1 }, claims(), part(2)),
    ],
    [
      "an unencoded payload",
      () => unsigned({ alg: "ES256", kid: "one", b64: false, crit: ["b64"] }, claims(), part(2)),
    ],
  ],
  "This kind of token is not accepted. Send an access token.": [
    ["the type of a logout token", () => sign(key, claims(), { typ: "logout+jwt" })],
    ["the type of a proof", () => sign(key, claims(), { typ: "dpop+jwt" })],
    ["a type that is no text", () => unsigned({ alg: "ES256", kid: "one", typ: null }, claims(), part(2))],
  ],
  "The token's issuer is not accepted here.": [
    ["an unknown issuer", () => sign(key, claims({ iss: attacker.url }))],
    ["an issuer with a slash more", () => sign(key, claims({ iss: "https://issuer.example/" }))],
    ["an issuer of other capitals", () => sign(key, claims({ iss: "https://Issuer.example" }))],
    [
      "the development issuer's name",
      () => sign(key, claims({ iss: "http://localhost/tenantry-development", aud: "tenantry" })),
    ],
  ],
  "The token was made for another audience. Ask its issuer for one for this product.": [
    ["another audience", () => sign(key, claims({ aud: "other" }))],
    ["an empty list of audiences", () => sign(key, claims({ aud: [] }))],
    ["an audience that only begins like ours", () => sign(key, claims({ aud: "product-2" }))],
  ],
  "The token has expired. Sign in again.": [
    ["an expiry just now", () => sign(key, claims({ exp: second(NOW) }))],
    ["an expiry long ago", () => sign(key, claims({ exp: 1 }))],
  ],
  "The token is not valid yet. Try again when it is.": [
    ["a beginning in the future", () => sign(key, claims({ nbf: second(NOW) + 61 }))],
  ],
  "The token's claim iss is missing or malformed. Sign in again.": [
    ["no issuer", () => sign(key, without("iss"))],
    [
      "an issuer that is a list",
      () => unsigned({ alg: "ES256", kid: "one" }, claims({ iss: ["https://issuer.example"] })),
    ],
  ],
  "The token's claim aud is missing or malformed. Sign in again.": [
    ["no audience", () => sign(key, without("aud"))],
    ["an audience that is an object", () => sign(key, claims({ aud: { product: true } }))],
  ],
  "The token's claim exp is missing or malformed. Sign in again.": [
    ["no expiry", () => sign(key, without("exp"))],
    ["an expiry that is text", () => unsigned({ alg: "ES256", kid: "one" }, claims({ exp: "9999999999" }), part(2))],
    [
      "an endless expiry",
      () =>
        unsigned(
          { alg: "ES256", kid: "one" },
          '{"iss":"https://issuer.example","sub":"a","aud":"product","exp":1e999}',
        ),
    ],
    ["an expiry beyond all dates", () => sign(key, claims({ exp: 1e300 }))],
  ],
  "The token's claim sub is missing or malformed. Sign in again.": [
    ["no subject", () => sign(key, without("sub"))],
    ["an empty subject", () => sign(key, claims({ sub: "" }))],
    ["a subject that is a number", () => sign(key, claims({ sub: 1 }))],
    ["a subject with a null byte", () => sign(key, claims({ sub: "ada\0" }))],
    ["a subject with a lone surrogate", () => sign(key, claims({ sub: "ada\ud800" }))],
    ["a subject of 10 kB", () => sign(key, claims({ sub: "a".repeat(10_000) }))],
  ],
};

describe("a crafted token", () => {
  const all: [...Row, string][] = [
    ...headers.map(([what, make]): [...Row, string] => [
      what,
      make,
      "The Authorization header must be `Bearer` and one token as its issuer made it, three parts with dots between.",
    ]),
    ...Object.entries(tokens).flatMap(([reason, rows]) =>
      rows.map(([what, make]): [...Row, string] => [what, () => bearer(make()), reason]),
    ),
  ];

  it.each(all)("is refused: %s", async (_, make, reason) => {
    const header = await make();

    const refused = verifier.verify(header, LOCAL);

    await expect(refused).rejects.toThrow(UnauthenticatedError);
    await expect(refused).rejects.toMatchObject({ code: "UNAUTHENTICATED", status: 401, message: reason });
  });
  it("never sends us anywhere, and leaves a good token good", async () => {
    expect(attacker.paths).toEqual([]);
    expect(issuer.paths).toEqual(["/keys"]);
    expect(await verifier.verify(await bearer(genuine), LOCAL)).toMatchObject({ subject: "ada" });
  });
});
