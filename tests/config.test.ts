import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { getHeapStatistics } from "node:v8";
import { describeSettings, limitSetting, readSettings, SettingsError } from "../src/config.js";
import { DEFAULT_LIMITS } from "../src/graphql/limits.js";

const ROOT = join(import.meta.dirname, "..");
const KEY = Buffer.alloc(32, 7).toString("base64url");
/** A database of one's own, with three logins as it must be. */
const REAL = {
  DATABASE_URL: "postgres://serve:one@db/product",
  DATABASE_DOOR_URL: "postgres://door:two@db/product",
  TENANTRY_KEY: KEY,
};
const OWNER = { DATABASE_OWNER_URL: "postgres://owner:three@db/product" };

/** What is said against these settings; `[]` when they are good. */
function problems(env: NodeJS.ProcessEnv, serving = false): readonly string[] {
  try {
    readSettings(env, serving);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as SettingsError).problems;
  }
}

describe("readSettings", () => {
  it("needs none: the embedded database, on loopback, with the development issuer", () => {
    expect(readSettings({}, true)).toMatchObject({
      HOST: "127.0.0.1",
      PORT: 4000,
      TENANTRY_DATA_DIR: resolve(".tenantry"),
      TENANTRY_ISSUERS: [],
      TENANTRY_ORIGINS: [],
      TENANTRY_DEVELOPMENT: true,
      TENANTRY_GRAPHIQL: true,
      TENANTRY_INTROSPECTION: "trimmed",
      TENANTRY_LEASES: 10,
      TENANTRY_LEASE_WAIT_MS: 2000,
      limits: DEFAULT_LIMITS,
    });
  });

  it("takes an empty setting for one that is not set", () => {
    expect(readSettings({ PORT: "", TENANTRY_NO_SUCH: "" })).toMatchObject({ PORT: 4000 });
  });

  it("has a process remember as much as fits it, unless it is told how much", () => {
    const { TENANTRY_REMEMBER_MB: auto } = readSettings({});
    expect(auto).toBe(Math.floor(getHeapStatistics().heap_size_limit / 16 / 2 ** 20));
    expect(readSettings({ TENANTRY_REMEMBER_MB: "0" }).TENANTRY_REMEMBER_MB).toBe(0);
    expect(readSettings({ TENANTRY_REMEMBER_MB: "12" }).TENANTRY_REMEMBER_MB).toBe(12);
  });

  it("has no development issuer on a real database, unless it is switched on", () => {
    expect(readSettings(REAL).TENANTRY_DEVELOPMENT).toBe(false);
    expect(readSettings({ ...REAL, TENANTRY_DEVELOPMENT: "on" }).TENANTRY_DEVELOPMENT).toBe(true);
    expect(readSettings({ TENANTRY_DEVELOPMENT: "off" }).TENANTRY_DEVELOPMENT).toBe(false);
  });

  it("reads every limit of a document", () => {
    const limits = Object.keys(DEFAULT_LIMITS);
    const env = Object.fromEntries(limits.map((limit, index) => [limitSetting(limit), String(index + 1)]));

    expect(Object.values(readSettings(env).limits)).toEqual(limits.map((_, index) => index + 1));
    expect(limitSetting("inputList")).toBe("TENANTRY_MAX_INPUT_LIST");
  });

  it.each([
    ["PORT", ["-1", "65536", "4e3", "http", " 1"], "must be a whole number from 0 to 65535"],
    ["TENANTRY_LEASES", ["0", "1001", "many"], "must be a whole number from 1 to 1000"],
    ["TENANTRY_REMEMBER_MB", ["-1", "100001", "most"], "must be auto or a whole number from 0 to 100000"],
    ["TENANTRY_MAX_DEPTH", ["0", "-5", "10000001"], "must be a whole number from 1 to 10000000"],
    ["TENANTRY_GRAPHIQL", ["true", "1", "ON"], "must be on or off"],
    ["TENANTRY_INTROSPECTION", ["off"], "must be trimmed or whole"],
    ["TENANTRY_ORIGINS", ["app.example.com", "https://a.example/", "*"], "must be origins, separated by commas"],
    [
      "TENANTRY_TENANT_DOMAIN",
      ["App.example.com", "https://x", ".example.com", "example.com.", "a..b", "-a.example"],
      "must be a domain name in lower case",
    ],
    ["TENANTRY_SMTP_URL", ["mail.example.com", "https://mail.example.com"], "must be smtps://login:password@host:port"],
    ["TENANTRY_SMTP_URL", ["smtps://us:100%@mail.example.com", "smtps://u%zs:a@mail.example.com"], "write it as %25"],
    ["TENANTRY_MAIL_FROM", ["no address", "A <a@example.com>"], "must be an e-mail address"],
    [
      "TENANTRY_INVITATION_URL",
      ["https://app.example.com/join", "http://app.example.com/{token}", "{token}"],
      "must begin with https:// and hold {token}",
    ],
    ["TENANTRY_ISSUERS", ["[", "{}"], "TENANTRY_ISSUERS: must be a JSON list"],
    [
      "TENANTRY_ISSUERS",
      ['[{"issuer":"https://a.example","tenants":"*","emailDomains":[]}]'],
      "entry 1 audience must be",
    ],
    ["TENANTRY_KEY", ["short", `${KEY}A`], "must be 32 random bytes in base64url"],
    ["TENANTRY_PRODUCT", ["/nowhere.json"], "names a file that will not do. /nowhere.json cannot be read as JSON"],
  ])("refuses a wrong %s and says what would be right", (name, values, words) => {
    for (const value of values) {
      const found = problems({ TENANTRY_MAIL_FROM: "us@example.com", [name]: value });
      expect(found).toEqual([expect.stringContaining(words)]);
      expect(found[0]).toMatch(new RegExp(`^${name}`));
    }
  });

  it.each(["mysql://a:b@db/x", "postgres://db/x", "postgres://a@db/x", "postgres://a:b@db", "sesame"])(
    "refuses %s as the address of a database",
    (url) => {
      expect(problems({ ...REAL, DATABASE_URL: url })).toContainEqual(
        "DATABASE_URL must be postgres://login:password@host:port/database",
      );
    },
  );

  it.each(["100%", "%zz", "%ff"])(
    "refuses %j in a password, which nobody could read, and says how to write it",
    (one) => {
      const words = "has a % in its login, password or path that means nothing: write it as %25";
      const url = (what: string) => `postgres://serve:a${what}@db/product`;
      const more = (what: string) => JSON.stringify({ eu: url(what) });

      expect(problems({ ...REAL, DATABASE_URL: url(one), TENANTRY_DATABASES: more(one) })).toEqual([
        `DATABASE_URL ${words}`,
        `TENANTRY_DATABASES ${words}`,
      ]);
      expect(problems({ ...REAL, DATABASE_URL: url("100%25"), TENANTRY_DATABASES: more("100%25") })).toEqual([]);
    },
  );

  it("names what is misspelt", () => {
    expect(problems({ TENANTRY_LEASE: "3", TENANTRY_MAX_DEPHT: "3" })).toEqual([
      "TENANTRY_LEASE is not a setting. Check its spelling.",
      "TENANTRY_MAX_DEPHT is not a setting. Check its spelling.",
    ]);
  });

  it.each([
    ["one serving login of two", { DATABASE_URL: REAL.DATABASE_URL, TENANTRY_KEY: KEY }, "belong together"],
    ["the other one alone", { DATABASE_DOOR_URL: REAL.DATABASE_DOOR_URL }, "belong together"],
    ["no key for a real database", { ...REAL, TENANTRY_KEY: undefined }, "TENANTRY_KEY is required"],
    ["an owner without a database", OWNER, "DATABASE_OWNER_URL goes with"],
    ["one login for both doors", { ...REAL, DATABASE_DOOR_URL: REAL.DATABASE_URL }, "must name different logins"],
    ["a replica of nothing", { DATABASE_REPLICA_URL: REAL.DATABASE_URL }, "goes with DATABASE_URL, which is not set"],
    [
      "a replica of a database that is not there",
      { ...REAL, TENANTRY_DATABASE_REPLICAS: '{"eu":"postgres://eu:four@db/eu"}' },
      "TENANTRY_DATABASE_REPLICAS eu goes with TENANTRY_DATABASES eu, which is not set",
    ],
    [
      "another login at a replica",
      { ...REAL, DATABASE_REPLICA_URL: "postgres://postgres:one@replica/product" },
      "DATABASE_REPLICA_URL must name the login of DATABASE_URL",
    ],
    ["mail from nobody", { TENANTRY_SMTP_URL: "smtps://mail.example.com" }, "TENANTRY_MAIL_FROM is required"],
    ["an owner that serves", { ...REAL, DATABASE_OWNER_URL: REAL.DATABASE_URL }, "must name different logins"],
  ])("refuses %s", (_, env, words) => {
    expect(problems(env)).toEqual([expect.stringContaining(words)]);
  });

  describe("where requests are answered", () => {
    it("refuses to hold the owner's login", () => {
      expect(problems({ ...REAL, ...OWNER })).toEqual([]);
      expect(problems({ ...REAL, ...OWNER }, true)).toEqual([
        expect.stringMatching(/^DATABASE_OWNER_URL must not be set where requests are answered/),
      ]);
    });

    it.each(["0.0.0.0", "::", "192.0.2.1", "tenantry.example.com"])(
      "refuses to serve the development issuer on %s",
      (HOST) => {
        expect(problems({ HOST }, true)).toEqual([expect.stringContaining("serves loopback only")]);
        expect(problems({ HOST, TENANTRY_DEVELOPMENT: "off" }, true)).toEqual([]);
        expect(problems({ HOST, ...REAL }, true)).toEqual([]);
        expect(problems({ HOST, ...REAL, TENANTRY_DEVELOPMENT: "on" }, true)).toHaveLength(1);
      },
    );

    it("refuses to serve the development issuer behind a proxy, which passes on others' requests as its own", () => {
      const TENANTRY_PROXIES = "1";
      expect(problems({ TENANTRY_PROXIES }, true)).toEqual([
        "TENANTRY_PROXIES is 1, and the development issuer serves this machine only: set TENANTRY_DEVELOPMENT=off",
      ]);
      expect(problems({ TENANTRY_PROXIES })).toEqual([]);
      expect(problems({ TENANTRY_PROXIES: "0" }, true)).toEqual([]);
      expect(problems({ TENANTRY_PROXIES, TENANTRY_DEVELOPMENT: "off" }, true)).toEqual([]);
      expect(problems({ TENANTRY_PROXIES, ...REAL }, true)).toEqual([]);
    });

    it("names what goes wrong together beside what is wrong alone", () => {
      expect(problems({ HOST: "0.0.0.0", PORT: "x", ...OWNER }, true)).toEqual([
        expect.stringMatching(/^PORT/),
        expect.stringMatching(/^DATABASE_OWNER_URL/),
        expect.stringMatching(/^HOST/),
      ]);
    });
  });

  it("takes a replica for each database, with its login", () => {
    const more = { TENANTRY_DATABASES: '{"eu":"postgres://eu:four@db/eu"}' };
    const replicas = {
      DATABASE_REPLICA_URL: "postgres://serve:one@replica/product",
      TENANTRY_DATABASE_REPLICAS: '{"eu":"postgres://eu:four@replica/eu"}',
    };

    expect(problems({ ...REAL, ...more, ...replicas }, true)).toEqual([]);
    expect(readSettings({ ...REAL, ...more, ...replicas }).TENANTRY_REPLICA_WAIT_MS).toBe(20);
  });

  it("never repeats what may be a secret", () => {
    const secret = "sesame";
    const url = `mysql://serve:${secret}@db/product`;

    const said = problems(
      { DATABASE_URL: url, DATABASE_DOOR_URL: url, DATABASE_OWNER_URL: url, TENANTRY_KEY: secret, PORT: secret },
      true,
    );

    expect(said.length).toBeGreaterThan(5);
    expect(said.join("\n")).not.toContain(secret);
  });
});

describe("describeSettings", () => {
  it("tells of every setting what it means, and defaults that are good ones", () => {
    const { process, document } = describeSettings();
    const all = [...process, ...document];

    expect(all.filter(({ meaning }) => meaning === "")).toEqual([]);
    expect(all.map(({ name }) => name)).toEqual([...new Set(all.map(({ name }) => name))]);
    const written = all.flatMap(({ name, standard }) =>
      standard === null || name === "TENANTRY_PRODUCT" ? [] : [[name, standard]],
    );
    expect(readSettings(Object.fromEntries(written))).toEqual(readSettings({}));
  });

  it("tells of each setting that the README names", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    const known = new Set(Object.values(describeSettings()).flatMap((all) => all.map(({ name }) => name)));
    const named = readme.match(/\b(?:TENANTRY_[A-Z_]+|DATABASE_[A-Z_]*URL)\b/g) ?? [];

    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});
