import type { Place } from "../../access/access.js";
import type { FixedRole } from "../../access/catalogue.js";
import type { RoleId } from "../../ids.js";
import type { RoleRow } from "./table.js";

/** A role as the API shows it, wherever it is defined. */
export interface ShownRole {
  readonly id: RoleId;
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  readonly permissions: readonly string[];
  readonly source: "BUILT_IN" | "PRODUCT" | "TENANT" | "ORGANIZATION";
  /** Where it is defined; null for a role of the whole tenant, of the product, or built in. */
  readonly definedAt: Pick<Place, "id"> | null;
}

/** The same for those who judge where it is of use. */
export interface Role extends ShownRole {
  readonly definedAt: Place | null;
}

const fixed = new WeakMap<FixedRole, Role>();

/** A role of the catalogue, the same one each time. */
export function ofCatalogue(role: FixedRole): Role {
  const known = fixed.get(role);
  if (known) return known;
  const made: Role = { ...role, permissions: [...role.permissions], definedAt: null };
  fixed.set(role, made);
  return made;
}

export const ofTenant = <At extends ShownRole["definedAt"]>(
  { id, key, name, description, permissions }: RoleRow,
  definedAt: At,
): ShownRole & { readonly definedAt: At } => ({
  id,
  key,
  name,
  description,
  permissions,
  source: definedAt ? "ORGANIZATION" : "TENANT",
  definedAt,
});

/** Whether a role is the catalogue's: built in, or the product's. */
export const isFixed = ({ source }: ShownRole): boolean => source === "BUILT_IN" || source === "PRODUCT";

/** A role as a grant names it: one of the catalogue by its key, one of the tenant's by its id. */
export const whichRole = (role: ShownRole) =>
  isFixed(role) ? { roleKey: role.key, roleId: null } : { roleKey: null, roleId: role.id };

interface Named {
  readonly roleKey: string | null;
  readonly roleId: RoleId | null;
}

/** The role that a grant names, among these. */
export const roleOf = (roles: readonly Role[], { roleKey, roleId }: Named): Role | undefined =>
  roles.find((one) => (roleId === null ? isFixed(one) && one.key === roleKey : one.id === roleId));
