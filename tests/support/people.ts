import { loadDevelopmentIssuer } from "../../src/identity/development.js";
import { createVerifier, type Verifier } from "../../src/identity/verifier.js";
import { sign, signingKey, testIssuer } from "../identity/testIssuer.js";
import { FOLDER } from "./database.js";

const ISSUER = "https://id.example";

/** People whom no tenant knows yet, of an issuer that speaks for the addresses of people.test. */
export interface People {
  /** Takes their tokens, and those of everybody in a sketch. */
  readonly verifier: Verifier;
  /** A token of somebody whose address is `<sub>@people.test`, verified, unless the changes say otherwise; `tenant` binds it to one. */
  tokenOf(sub: string, changes?: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

export async function openPeople(tenants: "any" | readonly string[] = "any"): Promise<People> {
  const key = await signingKey("people");
  const server = await testIssuer([key]);
  const issuers = [
    { ...server.settings, issuer: ISSUER, tenants, tenantClaim: "tenant", emailDomains: ["people.test"] },
  ];
  return {
    verifier: createVerifier({ issuers, development: await loadDevelopmentIssuer(FOLDER) }),
    tokenOf: (sub, changes = {}) =>
      sign(key, {
        iss: ISSUER,
        aud: "product",
        sub,
        exp: Math.floor(Date.now() / 1000) + 600,
        email: `${sub}@people.test`,
        email_verified: true,
        ...changes,
      }),
    close: server.close,
  };
}
