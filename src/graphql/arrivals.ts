import { OutcomeUnknownError } from "../database/errors.js";
import type { Signal } from "../database/signal.js";
import { type Identity, mayEnter } from "../identity/identity.js";
import { slugsMeant } from "../identity/tenant.js";
import type { Directory } from "../tenancy/directory/directory.js";
import type { Arrivals } from "./context.js";

/**
 * How an identity comes into a tenant that it is not known in: into any in which its token is good, whichever the request names.
 * Whoever is in a tenant already names that one by habit.
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
  named,
  async tenant(id) {
    const tenant = await directory.findById(id, signal);
    return tenant && mayEnter(identity, tenant.slug) ? tenant : null;
  },
  tenantsOfDomain: (domain, slug) => directory.tenantsOfDomain(domain, slugsMeant(identity, slug), signal),
  announceDomain: (domain, id) => directory.announceDomain(domain, id),
  async admit(id, who = digest) {
    try {
      // Whether or not anybody still waits for the answer: without it they would not find the tenant that they are in.
      await directory.admit(who, id);
    } catch (cause) {
      throw new OutcomeUnknownError("Whoever came in could not be let knock.", { cause });
    }
  },
});
