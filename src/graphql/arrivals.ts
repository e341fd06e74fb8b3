import type { Signal } from "../database/signal.js";
import { type Identity, mayEnter } from "../identity/identity.js";
import type { Directory } from "../tenancy/directory/directory.js";
import type { Arrivals } from "./context.js";

/**
 * How an identity comes into a tenant that it is not known in.
 * @param digest of the identity
 * @param named  the slug that the request names; null where it names none
 */
export const arrivalsOf = (
  directory: Directory,
  identity: Identity,
  digest: Buffer,
  named: string | null,
  signal: Signal,
): Arrivals => ({
  digest,
  async tenant(id) {
    const tenant = await directory.findById(id, signal);
    return tenant && mayEnter(identity, tenant.slug) && (named ?? tenant.slug) === tenant.slug ? tenant : null;
  },
  async tenantsOfDomain(domain) {
    const tenants = await directory.tenantsOfDomain(domain, signal);
    return tenants.filter(({ slug }) => mayEnter(identity, slug) && (named ?? slug) === slug);
  },
  announceDomain: (domain, id) => directory.announceDomain(domain, id),
  admit: (id) => directory.admit(digest, id, signal),
});
