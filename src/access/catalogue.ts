import { createHash } from "node:crypto";
import { format, type RoleId } from "../ids.js";

/** A permission as the product and its tenants know it: `noun:verb`. */
export interface Permission {
  readonly key: string;
  readonly description: string;
  readonly builtIn: boolean;
}

/** A role that no tenant can edit: built in, or a template of the product. Its id follows from its key, for ever. */
export interface FixedRole {
  readonly id: RoleId;
  readonly key: string;
  readonly name: string;
  readonly description: string;
  readonly permissions: ReadonlySet<string>;
  readonly source: "BUILT_IN" | "PRODUCT";
}

/** What the product adds: its own permissions, and role templates made of them. */
export interface Product {
  readonly permissions: readonly { readonly key: string; readonly description: string }[];
  readonly roles: readonly {
    readonly key: string;
    readonly name: string;
    readonly description: string;
    readonly permissions: readonly string[];
  }[];
}

/** Every permission and every fixed role of one deployment. */
export interface Catalogue {
  readonly permissions: ReadonlyMap<string, Permission>;
  readonly roles: ReadonlyMap<string, FixedRole>;
  readonly rolesById: ReadonlyMap<RoleId, FixedRole>;
}

/** `noun:verb`, each a word that may hold capitals, digits and hyphens after its first letter. */
export const PERMISSION_PATTERN = /^[a-z][A-Za-z0-9-]{0,62}:[a-z][A-Za-z0-9-]{0,62}$/;
export const ROLE_KEY_PATTERN = /^[a-z][a-z0-9-]{0,62}$/;

const BUILT_IN = {
  "organizations:read": "See the organization, its children and its roles.",
  "organizations:update": "Change the organization's name, picture and metadata.",
  "organizations:create": "Create organizations below it.",
  "organizations:move": "Change its place in the tree.",
  "organizations:delete": "Archive or delete it.",
  "organizations:suspend": "Suspend and resume it.",
  "members:read": "See its memberships and the people in them.",
  "members:invite": "Invite people to it.",
  "members:manage": "Give and withdraw roles, remove and suspend members.",
  "roles:manage": "Define and change roles in it.",
  "apiKeys:manage": "Make, rotate and revoke its keys. Opens nothing yet: it can be given ahead.",
  "domains:manage": "Decide who may join it by address.",
  "audit:read": "Read what happened in it.",
  "support:manage": "Let the product's support staff in. Opens nothing yet: it can be given ahead.",
} as const;

export type BuiltInPermission = keyof typeof BUILT_IN;
export const BUILT_IN_PERMISSIONS = Object.keys(BUILT_IN) as BuiltInPermission[];

const GUEST: BuiltInPermission[] = ["organizations:read"];
const MEMBER: BuiltInPermission[] = [...GUEST, "members:read"];
const OWNER_ONLY: BuiltInPermission[] = ["organizations:delete", "organizations:suspend", "support:manage"];
const ADMIN = BUILT_IN_PERMISSIONS.filter((key) => !OWNER_ONLY.includes(key));

export const OWNER = "owner";

/**
 * The catalogue of a deployment: what is built in, and what the product adds. The owner role is every permission of the
 * result, computed here and stored nowhere.
 * @throws Error when the product redefines something, or a template names a permission that does not exist
 */
export function createCatalogue(product: Product = { permissions: [], roles: [] }): Catalogue {
  const permissions = new Map<string, Permission>();
  const builtIn = Object.entries(BUILT_IN).map(([key, description]) => ({ key, description, builtIn: true }));
  for (const permission of [...builtIn, ...product.permissions.map((own) => ({ ...own, builtIn: false }))]) {
    if (permissions.has(permission.key)) throw new Error(`The permission ${permission.key} is defined twice.`);
    permissions.set(permission.key, permission);
  }

  const roles = new Map<string, FixedRole>();
  const add = (source: FixedRole["source"], key: string, name: string, description: string, held: Iterable<string>) => {
    if (roles.has(key)) throw new Error(`The role ${key} is defined twice.`);
    const own = new Set(held);
    const unknown = [...own].find((permission) => !permissions.has(permission));
    if (unknown) throw new Error(`The role ${key} names the permission ${unknown}, which is not defined.`);
    roles.set(key, { id: fixedRoleId(key), key, name, description, permissions: own, source });
  };
  add("BUILT_IN", OWNER, "Owner", "Everything, on this tenant's behalf.", permissions.keys());
  add("BUILT_IN", "admin", "Admin", "Runs the organization day to day.", ADMIN);
  add("BUILT_IN", "member", "Member", "Sees the organization and its people.", MEMBER);
  add("BUILT_IN", "guest", "Guest", "Sees the organization.", GUEST);
  for (const own of product.roles) add("PRODUCT", own.key, own.name, own.description, own.permissions);

  return { permissions, roles, rolesById: new Map([...roles.values()].map((role) => [role.id, role])) };
}

/** What of a catalogue is the product's own, as its file says it. */
export const productOf = ({ permissions, roles }: Catalogue): Product => ({
  permissions: [...permissions.values()]
    .filter(({ builtIn }) => !builtIn)
    .map(({ key, description }) => ({ key, description })),
  roles: [...roles.values()]
    .filter(({ source }) => source === "PRODUCT")
    .map(({ key, name, description, permissions: held }) => ({ key, name, description, permissions: [...held] })),
});

/** Those of a role's permissions that the catalogue still has. What the product dropped is nobody's, and gives nothing. */
export const stillThere = ({ permissions }: Catalogue, held: Iterable<string>): string[] =>
  [...held].filter((permission) => permissions.has(permission));

/** Name-based (RFC 9562, version 8: our own hash), so that every deployment and every tenant agree on it. */
function fixedRoleId(key: string): RoleId {
  const bytes = createHash("sha256").update(`tenantry role ${key}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return format(bytes) as RoleId;
}
