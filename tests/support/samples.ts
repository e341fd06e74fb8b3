import type { Planted } from "./world.js";

/** Where a sample acts: a tenant, and one of its organizations by slug. */
export interface Where {
  readonly tenant: Planted;
  readonly at: string;
}

/**
 * An input for each mutation with which it changes something in the organization, for whoever may. Whatever has to be there
 * beforehand is planted with the world: see `stage`.
 */
export const MUTATION_SAMPLES: Readonly<Record<string, (where: Where) => Readonly<Record<string, unknown>>>> = {
  createOrganization: ({ tenant, at }) => ({ parentId: tenant.id("Organization", at), name: "New", slug: `new-${at}` }),
};
