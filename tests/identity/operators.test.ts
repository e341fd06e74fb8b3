import { readSettings, type SettingsError } from "../../src/config.js";

const issuer = { issuer: "https://id.example", audience: "operators" };
const settings = (operators: unknown, issuers: unknown = []) =>
  readSettings({ TENANTRY_OPERATORS: JSON.stringify(operators), TENANTRY_ISSUERS: JSON.stringify(issuers) });
const problemsOf = (operators: unknown, issuers?: unknown): readonly string[] => {
  try {
    settings(operators, issuers);
    return [];
  } catch (error) {
    return (error as SettingsError).problems;
  }
};

describe("TENANTRY_OPERATORS", () => {
  it("names nobody unless it is set", () => {
    expect(readSettings({}).TENANTRY_OPERATORS).toEqual([]);
    expect(readSettings({})).toMatchObject({ TENANTRY_OPERATORS_HOST: "127.0.0.1", TENANTRY_OPERATORS_PORT: 4001 });
  });

  it("takes subjects, and addresses in their one spelling", () => {
    const { TENANTRY_OPERATORS } = settings([{ ...issuer, subjects: ["olga"], emails: ["Oscar@Example.com"] }]);

    expect(TENANTRY_OPERATORS).toMatchObject([
      { audience: ["operators"], subjects: ["olga"], emails: ["oscar@example.com"], jwksUri: null },
    ]);
  });

  it.each([
    [[issuer], "entry 1 must name somebody: subjects, emails or both"],
    [[{ ...issuer, emails: ["olga"] }], "entry 1 emails.0 must be an e-mail address such as ada@example.com"],
    [[{ ...issuer, subjects: [""] }], "entry 1 subjects.0 must be a subject"],
    [[{ ...issuer, issuer: "http://id.example", subjects: ["olga"] }], "entry 1 issuer must be an https address"],
    [[{ ...issuer, issuer: "http://localhost/tenantry-development", subjects: ["x"] }], "entry 1 issuer is reserved"],
    ["olga", "must be a JSON list"],
  ])("refuses %j, and says what would be right", (operators, words) => {
    expect(problemsOf(operators)).toEqual([expect.stringContaining(`TENANTRY_OPERATORS: ${words}`)]);
  });

  it("takes no audience that tokens of the product's own people have", () => {
    const people = { ...issuer, tenants: "*", emailDomains: [] };
    const operators = { ...issuer, subjects: ["olga"] };

    expect(problemsOf([operators], [people])).toEqual([
      expect.stringContaining("TENANTRY_OPERATORS has the audience operators of https://id.example"),
    ]);
    expect(problemsOf([operators], [{ ...people, audience: "app" }])).toEqual([]);
    expect(problemsOf([operators], [{ ...people, issuer: "https://other.example" }])).toEqual([]);
  });
});
