import type { Settings } from "../config.js";
import { loadDevelopmentIssuer } from "../identity/development.js";
import { mintToken } from "../identity/developmentToken.js";
import { DEMO_TENANTS, SHOWN } from "./demo/tenants.js";

/** The door and the keys to it: where GraphiQL is, and a token for each viewer of the demo who is worth being. */
export async function welcome({ TENANTRY_DATA_DIR }: Settings, url: string): Promise<string> {
  const issuer = await loadDevelopmentIssuer(TENANTRY_DATA_DIR);
  const known = new Set((await issuer?.people())?.map(({ email }) => email));
  const keys: string[] = [];
  for (const email of SHOWN.filter((one) => known.has(one))) {
    const tenant = DEMO_TENANTS.find(({ people }) => people.some((person) => person.email === email))!;
    const { name, as } = tenant.people.find((person) => person.email === email)!;
    const token = await mintToken(TENANTRY_DATA_DIR, { email });
    keys.push(`  ${email}: ${name}, ${as}`, `  X-Tenant: ${tenant.slug}`, `  Authorization: Bearer ${token}`, "");
  }
  const people =
    keys.length > 0
      ? [
          "  Who you can be, each with the two headers to send; a token is good for 8 hours:",
          "",
          ...keys,
          "  Anybody else: npm run -s tenantry -- token --tenant northwind --user finn@northwind.test",
        ]
      : ["  There is nobody to try it as yet: npm run -s tenantry -- seed, then start again"];
  return ["", `  GraphiQL: ${url}/graphql`, `  Mail that would be sent: ${url}/dev/mail`, "", ...people, "", ""].join(
    "\n",
  );
}
