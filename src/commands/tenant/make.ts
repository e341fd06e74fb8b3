import type { Settings } from "../../config.js";
import { found } from "../../features/tenants/founding.js";
import { loadDevelopmentIssuer, registerPeople } from "../../identity/development.js";
import { identityDigest } from "../../identity/digest.js";
import { DEVELOPMENT_ISSUER } from "../../identity/issuers.js";
import type { TenantId } from "../../ids.js";
import { createTenant } from "../../tenancy/create.js";
import type { Isolation } from "../../tenancy/directory/table.js";
import type { NewOwner } from "../../tenancy/jobs/job.js";
import type { Owners } from "../../tenancy/owners.js";
import { findTenant, type Tenant } from "../../tenancy/tenants/record.js";
import { ownKey } from "../key.js";

export interface Making {
  readonly id: TenantId;
  readonly slug: string;
  readonly name: string;
  readonly owner: NewOwner;
  readonly place: { readonly isolation: Isolation; readonly database: string };
}

/** Makes a tenant with its root and its owner, whole or not at all, whoever asked for it and however. */
export async function makeTenant(owners: Owners, settings: Settings, making: Making): Promise<Tenant> {
  const { id, slug, name, owner, place } = making;
  const { email, signIn } = owner;
  const identity = signIn && identityDigest(await ownKey(settings, owners), signIn);
  const tenant = { id, slug, ...place, createdAt: new Date(), identities: identity ? [identity] : [] };
  await createTenant(owners, tenant, (db) =>
    found(db, { tenantId: id, slug, name, owner: { email, name: owner.name, identity }, at: tenant.createdAt }),
  );
  await letDevelopmentKnow(settings, making);
  return (await findTenant(await owners.main, id))!;
}

/** Registers the owner at the development issuer, if that is who vouches for them. Doing it again changes nothing. */
export async function letDevelopmentKnow(
  { TENANTRY_DATA_DIR }: Settings,
  { slug, owner: { email, name, signIn } }: Pick<Making, "slug" | "owner">,
): Promise<void> {
  if (signIn?.issuer !== DEVELOPMENT_ISSUER) return;
  const known = await findPerson(TENANTRY_DATA_DIR, email);
  const person = { email, name: known?.name ?? name, subject: signIn.subject, tenants: [slug] };
  await registerPeople(TENANTRY_DATA_DIR, [person]);
}

/** Who somebody is to the development issuer, where that is on; null where it is off. */
export async function developmentSignIn(
  { TENANTRY_DEVELOPMENT, TENANTRY_DATA_DIR }: Settings,
  email: string,
): Promise<NewOwner["signIn"]> {
  if (!TENANTRY_DEVELOPMENT) return null;
  // A person and a subject belong together for good, in however many tenants.
  const known = await findPerson(TENANTRY_DATA_DIR, email);
  return { issuer: DEVELOPMENT_ISSUER, subject: known?.subject ?? email };
}

const findPerson = async (dataDir: string, email: string) =>
  (await (await loadDevelopmentIssuer(dataDir))?.people())?.find((one) => one.email === email);
