import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import {
  ensureDevelopmentIssuer,
  loadDevelopmentIssuer,
  type Person,
  registerPeople,
} from "../../src/identity/development.js";
import { mintToken } from "../../src/identity/developmentToken.js";
import { IdentitySetupError, UnknownPersonError } from "../../src/identity/errors.js";
import { createVerifier } from "../../src/identity/verifier.js";
import { LOCAL, NOW, second } from "./testIssuer.js";

const ada: Person = { email: "ada@northwind.test", name: "Ada", subject: "person-ada", tenants: ["northwind"] };
const dan: Person = { email: "dan@contractor.test", name: "Dan", subject: "person-dan", tenants: ["northwind"] };

let dataDir: string;
let path: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tenantry-issuer-"));
  path = join(dataDir, "development-issuer.json");
});
afterEach(() => rm(dataDir, { recursive: true }));

describe("loadDevelopmentIssuer", () => {
  it("is null before there is one", async () => {
    expect(await loadDevelopmentIssuer(dataDir)).toBeNull();
  });
  it("sees people registered later, and the same key", async () => {
    await ensureDevelopmentIssuer(dataDir);
    const loaded = (await loadDevelopmentIssuer(dataDir))!;
    expect(await loaded.people()).toEqual([]);

    await registerPeople(dataDir, [ada]);

    expect(await loaded.people()).toEqual([ada]);
    expect((await loadDevelopmentIssuer(dataDir))!.publicKey).toEqual(loaded.publicKey);
  });
  it("reads the file again only when it has changed", async () => {
    await registerPeople(dataDir, [ada]);
    const loaded = (await loadDevelopmentIssuer(dataDir))!;

    expect(await loaded.people()).toBe(await loaded.people());
  });
  it("hands out no private key", async () => {
    const { publicKey } = await ensureDevelopmentIssuer(dataDir);

    expect(Object.keys(publicKey).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x"]);
  });
  it.each(["", "{", "[]", "{}", '{"key":{},"people":[]}'])("refuses a damaged file: %j", async (text) => {
    await writeFile(path, text);

    await expect(loadDevelopmentIssuer(dataDir)).rejects.toThrow(
      `${path} is damaged. Delete it, run \`tenantry seed\`, which makes a new one, and start again`,
    );
    expect(await readFile(path, "utf8")).toBe(text);
  });
});

describe("ensureDevelopmentIssuer", () => {
  it("makes one file, readable by its owner alone", async () => {
    await ensureDevelopmentIssuer(join(dataDir, "new"));

    expect(await readdir(join(dataDir, "new"))).toEqual(["development-issuer.json"]);
    expect((await stat(join(dataDir, "new", "development-issuer.json"))).mode & 0o777).toBe(0o600);
  });
  it("gives all who start at once the same key", async () => {
    const issuers = await Promise.all(Array.from({ length: 20 }, () => ensureDevelopmentIssuer(dataDir)));

    expect(new Set(issuers.map(({ publicKey }) => publicKey.x)).size).toBe(1);
    expect(await readdir(dataDir)).toEqual(["development-issuer.json"]);
  });
  it("is of another key in every data folder", async () => {
    const one = await ensureDevelopmentIssuer(join(dataDir, "one"));
    const other = await ensureDevelopmentIssuer(join(dataDir, "other"));

    expect(one.publicKey.x).not.toBe(other.publicKey.x);
    expect(one.publicKey.kid).not.toBe(other.publicKey.kid);
  });
});

describe("registerPeople", () => {
  const registered = async () => (await loadDevelopmentIssuer(dataDir))!.people();

  it("adds tenants to a person whom it knows, whatever the capitals, and takes the newer name", async () => {
    await registerPeople(dataDir, [dan]);
    await registerPeople(dataDir, [{ ...dan, email: "Dan@Contractor.test", name: "Daniel", tenants: ["meridian"] }]);

    expect(await registered()).toEqual([{ ...dan, name: "Daniel", tenants: ["meridian", "northwind"] }]);
  });
  it("does not touch the file when there is nothing new", async () => {
    await registerPeople(dataDir, [ada, dan]);
    const before = await stat(path);

    await registerPeople(dataDir, [dan, ada]);

    expect((await stat(path)).ino).toBe(before.ino);
  });
  it("keeps the mode when it replaces the file", async () => {
    await registerPeople(dataDir, [ada]);
    await chmod(path, 0o644);

    await registerPeople(dataDir, [dan]);

    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });
  it("loses nobody when several register at once", async () => {
    const people = Array.from({ length: 20 }, (_, n) => ({ ...ada, email: `p${n}@northwind.test`, subject: `p${n}` }));

    await Promise.all(people.map((person) => registerPeople(dataDir, [person])));

    expect((await registered()).map(({ subject }) => subject).sort()).toEqual(
      people.map(({ subject }) => subject).sort(),
    );
    expect(await readdir(dataDir)).toEqual(["development-issuer.json"]);
  });
  it("gets past the lock of a process that died", async () => {
    await writeFile(`${path}.lock`, "");
    await utimes(`${path}.lock`, 0, 0);

    await registerPeople(dataDir, [ada]);

    expect(await registered()).toEqual([ada]);
  });
  it.each([
    ["another subject for a person", { ...ada, subject: "someone-else" }],
    ["another person's subject", { ...dan, subject: ada.subject }],
    ["no address", { ...dan, email: "dan" }],
    ["no slug", { ...dan, tenants: ["Northwind!"] }],
  ])("refuses %s and changes nothing", async (_, wrong) => {
    await registerPeople(dataDir, [ada]);

    await expect(registerPeople(dataDir, [dan, wrong])).rejects.toThrow(IdentitySetupError);
    expect(await registered()).toEqual([ada]);
  });
});

describe("mintToken", () => {
  beforeEach(() => registerPeople(dataDir, [ada, dan, { ...dan, tenants: ["meridian"] }]));

  it("makes a token of exactly the promised claims, for eight hours", async () => {
    const token = await mintToken(dataDir, { email: "Ada@Northwind.test", now: NOW });

    expect(decodeJwt(token)).toEqual({
      iss: "http://localhost/tenantry-development",
      sub: "person-ada",
      aud: "tenantry",
      iat: second(NOW),
      exp: second(NOW) + 8 * 3600,
      email: "ada@northwind.test",
      email_verified: true,
    });
  });
  it("makes one subject for a person of two tenants", async () => {
    const [one, other] = await Promise.all(
      ["northwind", "meridian"].map((tenant) => mintToken(dataDir, { email: dan.email, tenant })),
    );

    expect(decodeJwt(one!).sub).toBe(decodeJwt(other!).sub);
  });
  it("makes tokens that the verifier accepts, in every tenant", async () => {
    const development = await loadDevelopmentIssuer(dataDir);
    const verifier = createVerifier({ issuers: [], development });

    const token = await mintToken(dataDir, { email: ada.email, tenant: "northwind", ttlSeconds: 60 });

    expect(await verifier.verify(`Bearer ${token}`, LOCAL)).toMatchObject({
      issuer: "http://localhost/tenantry-development",
      subject: ada.subject,
      email: ada.email,
      emailVerified: true,
      tenants: "any",
      tenant: null,
    });
  });
  it("names who is known in the tenant when the person is not", async () => {
    const refused = mintToken(dataDir, { email: "ada@northwind.test", tenant: "meridian" });

    await expect(refused).rejects.toThrow(UnknownPersonError);
    await expect(refused).rejects.toThrow(
      "The development issuer does not know ada@northwind.test in meridian. It knows: dan@contractor.test.",
    );
  });
  it("names the first few of many", async () => {
    const crowd = Array.from({ length: 9 }, (_, n) => ({
      ...ada,
      email: `p${n}@lumen.test`,
      subject: `p${n}`,
      tenants: ["lumen"],
    }));
    await registerPeople(dataDir, crowd);

    await expect(mintToken(dataDir, { email: "x@lumen.test", tenant: "lumen" })).rejects.toThrow(
      "p0@lumen.test, p1@lumen.test, p2@lumen.test, p3@lumen.test, p4@lumen.test and 4 more.",
    );
  });
  it("names the tenants when nobody is in the one asked for", async () => {
    await expect(mintToken(dataDir, { email: ada.email, tenant: "nowhere" })).rejects.toThrow(
      "The development issuer knows nobody in nowhere. Tenants with people: meridian, northwind.",
    );
  });
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses to live for %p seconds", async (ttlSeconds) => {
    await expect(mintToken(dataDir, { email: ada.email, ttlSeconds })).rejects.toThrow(IdentitySetupError);
  });
  it("says what to do when there is no development issuer", async () => {
    await expect(mintToken(join(dataDir, "empty"), { email: ada.email })).rejects.toThrow("npm start");
  });
});
