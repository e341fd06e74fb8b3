import { describeSettings, readSettings, SettingsError } from "../src/config.js";
import { DEFAULT_LIMITS } from "../src/graphql/limits/defaults.js";

const KEY = Buffer.alloc(32, 7).toString("base64url");
const REAL = {
  DATABASE_URL: "postgres://serve:hidden-word@db:5432/product",
  DATABASE_DOOR_URL: "postgres://door:hidden-word@db:5432/product",
  TENANTRY_KEY: KEY,
};

/** What is said of wrong settings; `[]` where nothing is wrong. */
function problemsOf(env: Record<string, string>, serving = true): readonly string[] {
  try {
    readSettings(env, serving);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
}

describe("readSettings", () => {
  it("needs nothing for the embedded database", () => {
    expect(readSettings({}, true)).toMatchObject({
      HOST: "127.0.0.1",
      PORT: 4000,
      TENANTRY_DEVELOPMENT: true,
      TENANTRY_LEASES: 10,
      TENANTRY_LEASE_WAIT_MS: 2000,
      limits: DEFAULT_LIMITS,
    });
  });

  it("takes an empty setting for an unset one", () => {
    expect(problemsOf({ PORT: "", DATABASE_URL: "" })).toEqual([]);
  });

  it("has no development issuer on a real database, unless it is asked for", () => {
    expect(readSettings(REAL, true).TENANTRY_DEVELOPMENT).toBe(false);
    expect(readSettings({ ...REAL, TENANTRY_DEVELOPMENT: "on" }, true).TENANTRY_DEVELOPMENT).toBe(true);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ["a port that is none", { PORT: "65536" }, /^PORT must be a whole number from 0 to 65535/],
    ["a port in words", { PORT: "4000 " }, /^PORT must be/],
    ["half of a real database", { DATABASE_URL: REAL.DATABASE_URL, TENANTRY_KEY: KEY }, /belong together/],
    ["a real database without a key", { ...REAL, TENANTRY_KEY: "" }, /^TENANTRY_KEY is required/],
    ["a key of another length", { ...REAL, TENANTRY_KEY: "c2hvcnQ" }, /^TENANTRY_KEY/],
    [
      "the owner's login where requests are answered",
      { ...REAL, DATABASE_OWNER_URL: "postgres://o:p@db/x" },
      /must not be set/,
    ],
    ["one login for two", { ...REAL, DATABASE_DOOR_URL: REAL.DATABASE_URL }, /must name different logins/],
    [
      "a database without a password",
      { ...REAL, DATABASE_URL: "postgres://serve@db/x" },
      /^DATABASE_URL must be postgres:/,
    ],
    ["the development issuer for everybody", { HOST: "0.0.0.0" }, /development issuer serves loopback only/],
    ["a name that is misspelt", { TENANTRY_LEASE: "5" }, /^TENANTRY_LEASE is not a setting/],
    ["a limit of nothing", { TENANTRY_MAX_DEPTH: "0" }, /^TENANTRY_MAX_DEPTH must be/],
    ["issuers that are no list", { TENANTRY_ISSUERS: "{}" }, /^TENANTRY_ISSUERS/],
    [
      "an issuer without an audience",
      { TENANTRY_ISSUERS: '[{"issuer":"https://a.example","tenants":"*","emailDomains":[]}]' },
      /^TENANTRY_ISSUERS/,
    ],
    ["an origin with a path", { TENANTRY_ORIGINS: "https://a.example/x" }, /^TENANTRY_ORIGINS must be origins/],
    ["something between on and off", { TENANTRY_GRAPHIQL: "yes" }, /^TENANTRY_GRAPHIQL must be on or off/],
    ["a product file that is not there", { TENANTRY_PRODUCT: "/nowhere.json" }, /^TENANTRY_PRODUCT names a file/],
  ])("names %s, and what would be right", (_what, env, words) => {
    expect(problemsOf(env)).toEqual([expect.stringMatching(words)]);
  });

  it("names all that is wrong in one message, and no secret", () => {
    const env = { PORT: "x", HOST: "::", TENANTRY_X: "1", DATABASE_URL: REAL.DATABASE_URL, TENANTRY_GRAPHIQL: "maybe" };

    const problems = problemsOf(env);

    expect(problems.length).toBeGreaterThanOrEqual(5);
    expect(problems.join()).not.toContain("hidden-word");
  });

  it("lets the owner's commands hold the owner's login", () => {
    expect(problemsOf({ ...REAL, DATABASE_OWNER_URL: "postgres://owner:p@db/product" }, false)).toEqual([]);
  });
});

describe("describeSettings", () => {
  it("tells of every setting what it means", () => {
    const { process, document } = describeSettings();

    expect([...process, ...document].filter(({ meaning }) => meaning.length < 10)).toEqual([]);
    expect(document).toHaveLength(Object.keys(DEFAULT_LIMITS).length);
  });
});
