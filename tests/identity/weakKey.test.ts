import { generateKeyPairSync } from "node:crypto";
import { isWeakKey } from "../../src/identity/weakKey.js";
import { signingKey } from "./testIssuer.js";

const sound = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
const encoded = (value: bigint) => {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex").toString("base64url");
};

describe("isWeakKey", () => {
  it("is false for an ordinary key", async () => {
    expect(isWeakKey(sound)).toBe(false);
    expect(isWeakKey({ ...sound, e: "Aw" })).toBe(false);
    expect(isWeakKey((await signingKey("one", "ES256")).publicJwk)).toBe(false);
    expect(isWeakKey((await signingKey("one", "EdDSA")).publicJwk)).toBe(false);
  });
  it.each([
    ["0", "AA"],
    ["1", "AQ"],
    ["1, written at length", "AAAAAQ"],
    ["2", "Ag"],
    ["nothing", ""],
    ["a number", 65537],
  ])("is true for the exponent %s", (_, e) => {
    expect(isWeakKey({ ...sound, e })).toBe(true);
  });
  it("is true for a modulus that is a power of 65537 modulo every small prime", () => {
    const product = [...Array(168).keys()]
      .filter((n) => n > 2 && ![...Array(n).keys()].some((divisor) => divisor > 1 && n % divisor === 0))
      .reduce((all, prime) => all * BigInt(prime), 1n);
    const modulus = (65537n ** 100n % product) + product * 2n ** 1800n;

    expect(isWeakKey({ ...sound, n: encoded(modulus) })).toBe(true);
    expect(isWeakKey({ ...sound, n: encoded(modulus + 2n) })).toBe(false);
  });
});
