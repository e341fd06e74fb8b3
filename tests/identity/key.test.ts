import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { identityDigest } from "../../src/identity/digest.js";
import { IdentitySetupError } from "../../src/identity/errors.js";
import { deriveKey, keySetting, loadKey } from "../../src/identity/key.js";

const KEY = Buffer.alloc(32, 7);
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tenantry-key-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

describe("loadKey", () => {
  it("takes the setting before the file", async () => {
    expect(await loadKey({ setting: KEY.toString("base64url"), dataDir })).toEqual(KEY);

    expect(await readdir(dataDir)).toEqual([]);
  });
  it("makes a key once, in a folder that need not exist, readable by its owner alone", async () => {
    const folder = join(dataDir, "new", "folder");

    const made = await loadKey({ dataDir: folder });

    expect(made).toHaveLength(32);
    expect(await loadKey({ dataDir: folder })).toEqual(made);
    expect((await stat(join(folder, "key"))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["key"]);
  });
  it("gives all who start at once the same key", async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => loadKey({ dataDir })));

    expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
    expect(await readdir(dataDir)).toEqual(["key"]);
  });
  it("refuses a damaged file and leaves it as it is", async () => {
    await writeFile(join(dataDir, "key"), "short\n");

    await expect(loadKey({ dataDir })).rejects.toThrow(join(dataDir, "key"));
    expect(await readFile(join(dataDir, "key"), "utf8")).toBe("short\n");
  });
  it("asks for the setting when there is no data folder", async () => {
    await expect(loadKey({ dataDir: null })).rejects.toThrow(/TENANTRY_KEY is required.*randomBytes/);
  });
  it.each([
    "",
    "short",
    KEY.toString("hex"),
    Buffer.alloc(31).toString("base64url"),
    Buffer.alloc(33).toString("base64url"),
    Buffer.alloc(32, 255).toString("base64"),
    `${KEY.toString("base64url").slice(0, 42)}d`,
    ` ${KEY.toString("base64url")}`,
  ])("refuses the setting %j, saying how to make one and never repeating it", async (setting) => {
    const refused = loadKey({ setting, dataDir }).catch((error: unknown) => error);

    const error = (await refused) as Error;
    expect(error).toBeInstanceOf(IdentitySetupError);
    expect(error.message).toMatch(/^TENANTRY_KEY must be 32 random bytes in base64url.*randomBytes\(32\)/);
    if (setting) expect(error.message).not.toContain(setting);
  });
});

describe("keySetting", () => {
  it("becomes the bytes", () => {
    expect(keySetting.parse(KEY.toString("base64url"))).toEqual(KEY);
  });
});

describe("deriveKey", () => {
  it("gives each purpose and each installation a key of its own, always the same", () => {
    expect(deriveKey(KEY, "a")).toEqual(deriveKey(KEY, "a"));
    expect(deriveKey(KEY, "a")).not.toEqual(deriveKey(KEY, "b"));
    expect(deriveKey(KEY, "a")).not.toEqual(deriveKey(Buffer.alloc(32, 8), "a"));
    expect(deriveKey(KEY, "a")).toHaveLength(32);
  });
});

describe("identityDigest", () => {
  const digest = (issuer: string, subject: string) => identityDigest(KEY, { issuer, subject }).toString("hex");

  it("stays what it is: stored digests must be found again", () => {
    expect(digest("https://issuer.example", "ada")).toMatchInlineSnapshot(
      `"f030a460f3a0d2d33a780eb4645b175e99357a4637c3c46a54a33b42b5fd56cd"`,
    );
  });
  it("depends on the installation key", () => {
    const identity = { issuer: "https://issuer.example", subject: "ada" };
    expect(identityDigest(KEY, identity)).not.toEqual(identityDigest(Buffer.alloc(32, 8), identity));
  });
  it("differs for two identities, wherever the border between issuer and subject lies", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 4 }),
      fc.string({ unit: fc.constantFrom("a", "\0", "|", "\ud800", "\udfff", "\ufffd"), maxLength: 4 }),
    );
    fc.assert(
      fc.property(text, text, text, text, (issuer, subject, otherIssuer, otherSubject) => {
        const same = issuer === otherIssuer && subject === otherSubject;
        expect(digest(issuer, subject) === digest(otherIssuer, otherSubject)).toBe(same);
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.nat(), (whole, at, otherAt) => {
        const [one, other] = [at % (whole.length + 1), otherAt % (whole.length + 1)];
        const cut = (index: number) => digest(whole.slice(0, index), whole.slice(index));
        expect(cut(one) === cut(other)).toBe(one === other);
      }),
    );
  });
});
