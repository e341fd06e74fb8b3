import type { TenantRecord } from "../tenancy/directory/directory.js";
import type { Purpose } from "../tenancy/session.js";
import { TenantConflictError, TenantNotFoundError, TenantRequiredError } from "./errors.js";
import { type Identity, mayEnter } from "./identity.js";

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Whether `text` has the form of a slug: 1 to 63 of a-z, 0-9 and "-", not starting with "-". */
export const isSlug = (text: string): boolean => SLUG.test(text);

/** Everything in a request that may name its tenant; null where it does not. */
export type TenantNames = {
  /** The Host header, with or without a port. */
  readonly host: string | null;
  /** The X-Tenant header; several of them joined by commas, as HTTP does. */
  readonly header: string | null;
  /** The domain below which each tenant has a host of its own: `<slug>.app.example.com` for `app.example.com`. */
  readonly tenantDomain?: string | null;
  /** The slug that the credential itself is bound to. */
  readonly claim: string | null;
};

/**
 * The slug of the tenant that a request names; null when it names none. Decided from the text alone, so the answer says
 * nothing about which tenants exist.
 * @throws TenantNotFoundError  something that names a tenant is not even a slug
 * @throws TenantConflictError  two of them differ
 */
export function tenantOfRequest({ host, header, tenantDomain = null, claim }: TenantNames): string | null {
  const named = [...slugsOfHeader(header), ...slugsOfHost(host, tenantDomain), ...(claim === null ? [] : [claim])];
  if (!named.every(isSlug)) throw new TenantNotFoundError();
  if (named.some((slug) => slug !== named[0])) throw new TenantConflictError();
  return named[0] ?? null;
}

function slugsOfHeader(header: string | null): string[] {
  return header === null ? [] : header.split(",").map((name) => name.trim());
}

function slugsOfHost(host: string | null, tenantDomain: string | null): string[] {
  if (host === null || !tenantDomain) return [];
  const name = host
    .toLowerCase()
    .replace(/:[0-9]*$/, "")
    .replace(/\.$/, "");
  const suffix = `.${tenantDomain.toLowerCase()}`;
  return name.endsWith(suffix) ? [name.slice(0, -suffix.length)] : [];
}

/**
 * The slugs of the tenants that may be meant, as far as the identity's tokens are good there; null for any.
 * @param named what names one, slug or not; null where it names none
 */
export function slugsMeant(
  identity: Pick<Identity, "tenants" | "tenant">,
  ...named: readonly (string | null)[]
): readonly string[] | null {
  const [slug, ...others] = [identity.tenant, ...named].filter((one) => one !== null);
  if (slug === undefined) return identity.tenants === "any" ? null : identity.tenants;
  return isSlug(slug) && others.every((other) => other === slug) && mayEnter(identity, slug) ? [slug] : [];
}

/** The only tenant of an identity, where the request names none; a mutation must name it all the same. */
export function onlyTenant(purpose: Purpose, tenants: readonly TenantRecord[]): TenantRecord {
  const [tenant, ...others] = tenants;
  if (!tenant || others.length > 0 || purpose !== "read") throw new TenantRequiredError();
  return tenant;
}
