import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { registerPeople } from "../../src/identity/development.js";
import { run } from "../support/command.js";

// No database is here, nor ever was: the people of the development issuer stand in a file.
const folder = mkdtempSync(join(tmpdir(), "token-"));
const token = (...args: string[]) => run(["token", ...args], { env: { TENANTRY_DATA_DIR: folder } });

beforeAll(() =>
  registerPeople(folder, [
    { email: "ada@northwind.test", name: "Ada", subject: "ada", tenants: ["northwind"] },
    { email: "dan@contractor.test", name: "Dan", subject: "dan", tenants: ["meridian", "northwind"] },
  ]),
);
afterAll(() => rmSync(folder, { recursive: true }));

describe("tenantry token", () => {
  it("prints a token and nothing else, good for eight hours", async () => {
    const { code, stdout, stderr } = await token("--tenant", "northwind", "--user", "ada@northwind.test");

    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const { iat, exp, ...claims } = decodeJwt(stdout.trim());
    expect(exp! - iat!).toBe(8 * 3600);
    expect(claims).toEqual({
      iss: "http://localhost/tenantry-development",
      sub: "ada",
      aud: "tenantry",
      email: "ada@northwind.test",
      email_verified: true,
    });
  });

  it.each([
    ["30s", 30],
    ["15m", 900],
    ["1h", 3600],
    ["7d", 604_800],
  ])("takes --ttl %s", async (ttl, seconds) => {
    const { stdout } = await token("--user", "ada@northwind.test", "--ttl", ttl);

    const { iat, exp } = decodeJwt(stdout.trim());
    expect(exp! - iat!).toBe(seconds);
  });

  it.each([
    ["a person nobody knows", ["--user", "zoe@northwind.test"], /does not know zoe@northwind\.test\. It knows: ada@/],
    [
      "a person of another tenant",
      ["--user", "ada@northwind.test", "--tenant", "meridian"],
      /does not know ada@northwind\.test in meridian\. It knows: dan@/,
    ],
    [
      "a tenant nobody is in",
      ["--user", "ada@northwind.test", "--tenant", "acme"],
      /knows nobody in acme\. Tenants with people: meridian, northwind\./,
    ],
    [
      "a duration that is none",
      ["--user", "ada@northwind.test", "--ttl", "1 hour"],
      /--ttl is a whole number and s, m, h or d/,
    ],
    ["nobody at all", [], /required option '--user <email>' not specified/],
  ])("refuses %s, with words", async (_, args, words) => {
    const { code, stdout, stderr } = await token(...args);

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(words);
  });

  it("says what to do where nothing was started yet", async () => {
    const { code, stderr } = await run(["token", "--user", "ada@northwind.test"], {
      env: { TENANTRY_DATA_DIR: join(folder, "none") },
    });

    expect([code, stderr]).toEqual([1, expect.stringContaining("has no development issuer. Run `npm start` once")]);
  });
});
