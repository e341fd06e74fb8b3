import { MAIN } from "../../database/names.js";
import { ensureDevelopmentIssuer, registerPeople } from "../../identity/development.js";
import { identityDigest } from "../../identity/digest.js";
import { DEVELOPMENT_ISSUER } from "../../identity/issuers.js";
import { createTenant } from "../../tenancy/create.js";
import type { Isolation } from "../../tenancy/directory/table.js";
import type { Owners } from "../../tenancy/owners.js";
import { BEGAN, plant, tenantIdOf, toRows } from "./rows.js";
import { DEMO_TENANTS, type DemoTenant } from "./tenants.js";

/**
 * Makes those demo tenants that are not there, each whole or not at all, and registers their people at the development
 * issuer. Running it again changes nothing.
 * @returns the slugs of the tenants it made
 */
export async function seed(
  owners: Owners,
  key: Buffer,
  dataDir: string,
  onMade: (made: number, of: number) => void = () => {},
  place: (tenant: DemoTenant, owners: Owners) => Place = placeOf,
): Promise<string[]> {
  // First the issuer, last its people: one that knows nobody tells that a seeding was interrupted.
  await ensureDevelopmentIssuer(dataDir);
  // A person's address is their subject: one person, one identity, in however many tenants.
  const digestOf = (email: string) => identityDigest(key, { issuer: DEVELOPMENT_ISSUER, subject: email });
  const there = new Set((await (await owners.main).run("select slug from tenantry.tenants")).map((row) => row.slug));
  const missing = DEMO_TENANTS.filter(({ slug }) => !there.has(slug));
  for (const [made, tenant] of missing.entries()) {
    onMade(made, missing.length);
    const record = {
      id: tenantIdOf(tenant.slug),
      slug: tenant.slug,
      ...place(tenant, owners),
      createdAt: BEGAN,
      identities: tenant.people.map(({ email }) => digestOf(email)),
    };
    await createTenant(owners, record, (db) => plant(db, toRows(tenant, digestOf)));
  }
  await registerPeople(dataDir, people());
  return missing.map(({ slug }) => slug);
}

interface Place {
  readonly isolation: Isolation;
  readonly database: string;
}

/** Where the settings name no database for it, as they may for a real PostgreSQL, a tenant comes to the first one. */
function placeOf({ slug, isolation }: DemoTenant, owners: Owners): Place {
  if (isolation !== "DATABASE") return { isolation, database: MAIN };
  return owners.databases.includes(slug) ? { isolation, database: slug } : { isolation: "SCHEMA", database: MAIN };
}

/** Everybody of the demo, each once, with all their tenants. */
function people() {
  const all = new Map<string, { email: string; name: string; subject: string; tenants: string[] }>();
  for (const { slug, people: inTenant } of DEMO_TENANTS) {
    for (const { email, name } of inTenant) {
      const known = all.get(email);
      if (known) known.tenants.push(slug);
      else all.set(email, { email, name, subject: email, tenants: [slug] });
    }
  }
  return [...all.values()];
}
