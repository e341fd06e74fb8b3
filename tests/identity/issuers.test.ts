import { issuerSettings } from "../../src/identity/issuers.js";

const acme = {
  issuer: "https://login.acme.example",
  audience: "product",
  tenants: ["acme"],
  emailDomains: ["acme.example"],
};
const read = (...entries: unknown[]) => issuerSettings.safeParse(JSON.stringify(entries));
const messages = (json: string) => issuerSettings.safeParse(json).error?.issues.map(({ message }) => message);
const without = (field: keyof typeof acme) => ({ ...acme, [field]: undefined });

describe("issuerSettings", () => {
  it("reads an issuer with what it need not say filled in", () => {
    expect(read(acme).data).toEqual([
      {
        issuer: "https://login.acme.example",
        audience: ["product"],
        tenants: ["acme"],
        emailDomains: ["acme.example"],
        algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
        accessTokensOnly: false,
        tenantClaim: null,
        jwksUri: null,
      },
    ]);
  });
  it("reads everything that can be said", () => {
    const all = {
      issuer: "http://localhost:8080/realms/one",
      audience: ["a", "b"],
      tenants: "*",
      emailDomains: ["Bücher.example"],
      algorithms: ["ES512"],
      accessTokensOnly: true,
      tenantClaim: "https://acme.example/tenant",
      jwksUri: "https://keys.acme.example/jwks?version=1",
    };

    expect(read(all).data).toEqual([{ ...all, tenants: "any", emailDomains: ["xn--bcher-kva.example"] }]);
  });
  it("reads an empty list", () => {
    expect(read().data).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ["no issuer", without("issuer"), "entry 1 issuer must be an https address"],
    ["no audience", without("audience"), "entry 1 audience must be an audience or a list of them"],
    ["an empty audience", { ...acme, audience: "" }, "entry 1 audience.0 must be an audience"],
    ["an empty list of audiences", { ...acme, audience: [] }, "entry 1 audience must be an audience or a list of them"],
    ["a null audience", { ...acme, audience: null }, "entry 1 audience must be an audience or a list of them"],
    ["no tenants", without("tenants"), 'entry 1 tenants must be "*" or a list of slugs'],
    ["an empty list of tenants", { ...acme, tenants: [] }, 'entry 1 tenants must be "*" or a list of slugs'],
    ["tenants that are no slugs", { ...acme, tenants: ["*"] }, "entry 1 tenants.0 must be a slug such as acme-corp"],
    [
      "no e-mail domains",
      without("emailDomains"),
      "entry 1 emailDomains must be a list of domain names, possibly empty",
    ],
    [
      "an e-mail domain that is none",
      { ...acme, emailDomains: ["*"] },
      "entry 1 emailDomains.0 must be a domain name such as example.com",
    ],
    [
      "http elsewhere",
      { ...acme, issuer: "http://login.acme.example" },
      "entry 1 issuer must be an https address (http only for localhost)",
    ],
    ["no address", { ...acme, issuer: "acme" }, "entry 1 issuer must be an https address (http only for localhost)"],
    [
      "a file",
      { ...acme, issuer: "file:///etc/passwd" },
      "entry 1 issuer must be an https address (http only for localhost)",
    ],
    ["a query", { ...acme, issuer: "https://acme.example?x" }, "entry 1 issuer must not contain a query"],
    [
      "a password",
      { ...acme, issuer: "https://a:b@acme.example" },
      "entry 1 issuer must not contain a user, a password or a fragment",
    ],
    [
      "keys by http",
      { ...acme, jwksUri: "http://acme.example/keys" },
      "entry 1 jwksUri must be an https address (http only for localhost)",
    ],
    ["a misspelt field", { ...acme, audiense: "x" }, 'entry 1 Unrecognized key: "audiense"'],
    ["a text for yes", { ...acme, accessTokensOnly: "yes" }, "entry 1 accessTokensOnly must be true or false"],
    ["an empty claim", { ...acme, tenantClaim: "" }, "entry 1 tenantClaim must be the name of a claim"],
    ["no algorithms", { ...acme, algorithms: [] }, "entry 1 algorithms must be a list of RS256"],
    ["an entry that is no object", "acme", "entry 1 must be an object"],
    [
      "the development issuer",
      { ...acme, issuer: "http://localhost/tenantry-development" },
      "entry 1 issuer is reserved for development tokens",
    ],
  ])("refuses %s", (_, entry, message) => {
    expect(messages(JSON.stringify([entry]))).toEqual([expect.stringContaining(`TENANTRY_ISSUERS: ${message}`)]);
  });
  it.each(["HS256", "none", "RS1", "rs256", "", "ES256K"])("refuses the algorithm %j", (algorithm) => {
    expect(messages(JSON.stringify([{ ...acme, algorithms: ["ES256", algorithm] }]))).toEqual([
      expect.stringContaining("TENANTRY_ISSUERS: entry 1 algorithms.1 must be one of RS256"),
    ]);
  });
  it("names every mistake of every entry at once", () => {
    const wrong = [{ ...acme, audience: "", tenants: [] }, acme, { ...acme, emailDomains: "acme.example" }];

    expect(messages(JSON.stringify(wrong))?.map((message) => message.split(" ").slice(1, 4).join(" "))).toEqual([
      "entry 1 audience.0",
      "entry 1 tenants",
      "entry 3 emailDomains",
    ]);
  });
  it("refuses an issuer that is listed twice", () => {
    expect(messages(JSON.stringify([acme, acme]))).toEqual(["TENANTRY_ISSUERS: entry 2 issuer is listed twice"]);
  });
  it.each(["", "{", "{}", "null", "https://acme.example"])("refuses the text %j", (text) => {
    expect(messages(text)).toEqual(["TENANTRY_ISSUERS: must be a JSON list"]);
  });
});
