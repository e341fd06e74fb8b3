import { generateKeyPairSync } from "node:crypto";
import { isWeakKey } from "../../src/identity/weakKey.js";
import { encoded, rocaModulus, signingKey } from "./testIssuer.js";

const sound = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });

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
    expect(isWeakKey({ ...sound, n: encoded(rocaModulus) })).toBe(true);
    expect(isWeakKey({ ...sound, n: encoded(rocaModulus + 2n) })).toBe(false);
  });
});
