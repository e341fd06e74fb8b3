import type { Place } from "../../access/access.js";
import type { FixedRole } from "../../access/catalogue.js";
import type { RoleId } from "../../ids.js";
import type { RoleRow } from "./table.js";

/** A role as the API shows it, wherever it is defined. */
export interface Role {
  readonly id: RoleId;
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  readonly permissions: readonly string[];
  readonly source: "BUILT_IN" | "PRODUCT" | "TENANT" | "ORGANIZATION";
  /** Where it is defined; null for a role of the whole tenant, of the product, or built in. */
  readonly definedAt: Place | null;
}

export const ofCatalogue = (role: FixedRole): Role => ({
  ...role,
  permissions: [...role.permissions],
  definedAt: null,
});

export const ofTenant = ({ id, key, name, description, permissions }: RoleRow, definedAt: Place | null): Role => ({
  id,
  key,
  name,
  description,
  permissions,
  source: definedAt ? "ORGANIZATION" : "TENANT",
  definedAt,
});

/** A role as a grant names it: one of the catalogue by its key, one of the tenant's by its id. */
export const whichRole = ({ source, key, id }: Role) =>
  source === "BUILT_IN" || source === "PRODUCT" ? { roleKey: key, roleId: null } : { roleKey: null, roleId: id };
