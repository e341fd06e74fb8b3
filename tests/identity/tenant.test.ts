import fc from "fast-check";
import { TenantConflictError, TenantNotFoundError } from "../../src/identity/errors.js";
import { isSlug, slugsMeant, type TenantNames, tenantOfRequest } from "../../src/identity/tenant.js";

const DOMAIN = "app.example.com";
const nothing: TenantNames = { host: null, header: null, claim: null, tenantDomain: null };
const named = (names: Partial<TenantNames>) => tenantOfRequest({ ...nothing, ...names });

describe("isSlug", () => {
  it.each(["a", "0", "acme", "acme-corp", "a-", "a".repeat(63)])("takes %j", (text) => {
    expect(isSlug(text)).toBe(true);
  });
  it.each(["", "-a", "Acme", "a_b", "a.b", " a", "a\n", "a\0", "é", "*", "a".repeat(64)])("refuses %j", (text) => {
    expect(isSlug(text)).toBe(false);
  });
});

describe("slugsMeant", () => {
  const anywhere = { tenants: "any", tenant: null } as const;
  const listed = { tenants: ["acme", "globex"], tenant: null };
  const bound = { tenants: "any", tenant: "acme" } as const;

  it("is null for any, the issuer's list, or the one that is named and may be entered", () => {
    expect(slugsMeant(anywhere)).toBeNull();
    expect(slugsMeant(anywhere, null, "acme")).toEqual(["acme"]);
    expect(slugsMeant(listed, null, null)).toEqual(["acme", "globex"]);
    expect(slugsMeant(listed, "globex", "globex")).toEqual(["globex"]);
    expect(slugsMeant(bound)).toEqual(["acme"]);
    expect(slugsMeant(bound, "acme")).toEqual(["acme"]);
  });
  it("is none where two are named, or one that may not be entered, or no slug", () => {
    expect(slugsMeant(anywhere, "acme", "globex")).toEqual([]);
    expect(slugsMeant(bound, "globex")).toEqual([]);
    expect(slugsMeant({ ...listed, tenant: "initech" })).toEqual([]);
    for (const name of ["initech", "acme,globex", "acme\0", ""]) expect(slugsMeant(listed, name)).toEqual([]);
    for (const name of ["acme,globex", "acme\0", ""]) expect(slugsMeant(anywhere, name)).toEqual([]);
  });
});

describe("tenantOfRequest", () => {
  it("is null when nothing names a tenant", () => {
    expect(named({ host: "localhost:4000" })).toBeNull();
  });
  it("takes the tenant of the header, the host or the credential alone", () => {
    expect(named({ header: "acme" })).toBe("acme");
    expect(named({ host: "acme.app.example.com", tenantDomain: DOMAIN })).toBe("acme");
    expect(named({ claim: "acme" })).toBe("acme");
  });
  it("reads the host without its port, its capitals and its trailing dot", () => {
    expect(named({ host: "ACME.App.Example.Com.:8443", tenantDomain: DOMAIN })).toBe("acme");
  });
  it.each([DOMAIN, `${DOMAIN}:443`, "acme.example.com", `evil${DOMAIN}`, "localhost", ""])(
    "sees no tenant in the host %j",
    (host) => {
      expect(named({ host, tenantDomain: DOMAIN })).toBeNull();
    },
  );
  it("sees no tenant in a host when no domain is set", () => {
    expect(named({ host: "acme.app.example.com" })).toBeNull();
  });
  it.each(["a.b.app.example.com", ".app.example.com", "-.app.example.com", "a_b.app.example.com"])(
    "finds no tenant by the host %j",
    (host) => {
      expect(() => named({ host, tenantDomain: DOMAIN })).toThrow(TenantNotFoundError);
    },
  );
  it.each([
    "",
    " ",
    "Acme",
    "*",
    "../acme",
    "acme,",
    ",",
    "acme,,acme",
    "null\0",
    "'; drop table",
    "a".repeat(100_000),
  ])("finds no tenant by the header %j", (header) => {
    expect(() => named({ header })).toThrow(TenantNotFoundError);
  });
  it("takes a header that is repeated with the same value", () => {
    expect(named({ header: "acme, acme" })).toBe("acme");
  });
  it("refuses a header that is repeated with another value", () => {
    expect(() => named({ header: "acme, lumen" })).toThrow(TenantConflictError);
  });
  it("tells its errors by code and status, and says the same whatever was named", () => {
    expect(caught(() => named({ header: "a", claim: "b" }))).toMatchObject({ code: "TENANT_CONFLICT", status: 400 });
    expect(caught(() => named({ header: "!" }))).toMatchObject({
      code: "TENANT_NOT_FOUND",
      status: 400,
      message: "There is no such tenant, or you are not in it.",
    });
  });

  const slug = fc.constantFrom("acme", "lumen", "northwind");
  const maybe = fc.option(slug);

  it("answers the one slug that all present names agree on, and a conflict otherwise", () => {
    fc.assert(
      fc.property(maybe, fc.option(fc.array(slug, { minLength: 1, maxLength: 3 })), maybe, (host, header, claim) => {
        const names = {
          host: host === null ? DOMAIN : `${host}.${DOMAIN}`,
          header: header === null ? null : header.join(", "),
          tenantDomain: DOMAIN,
          claim,
        };
        const present = new Set([host, ...(header ?? []), claim].filter((name) => name !== null));

        if (present.size > 1) expect(() => tenantOfRequest(names)).toThrow(TenantConflictError);
        else expect(tenantOfRequest(names)).toBe([...present][0] ?? null);
      }),
    );
  });
  it("answers a slug, null or one of its two errors, whatever the text", () => {
    const text = fc.option(fc.oneof(slug, fc.string({ unit: "binary" }), fc.string()));
    fc.assert(
      fc.property(text, text, maybe, (host, header, claim) => {
        let answer: string | null;
        try {
          answer = tenantOfRequest({ host, header, claim, tenantDomain: DOMAIN });
        } catch (error) {
          expect([TenantConflictError, TenantNotFoundError]).toContain((error as Error).constructor);
          return;
        }
        expect(answer === null || isSlug(answer)).toBe(true);
        if (header !== null) expect(header.split(",").map((name) => name.trim())).toContain(answer);
      }),
    );
  });
});

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
