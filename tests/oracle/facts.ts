import { readFileSync } from "node:fs";

/** What stands in a tenant's tables, as plain values. Nothing here knows the gateway's code. */
export interface Facts {
  readonly tenantId: string;
  readonly organizations: readonly {
    readonly id: string;
    readonly parentId: string | null;
    readonly slug: string;
    readonly name: string;
    readonly suspended: boolean;
  }[];
  readonly users: readonly { readonly id: string; readonly email: string | null; readonly suspended: boolean }[];
  readonly roles: readonly {
    readonly id: string;
    readonly organizationId: string | null;
    readonly permissions: readonly string[];
  }[];
  readonly memberships: readonly {
    readonly id: string;
    readonly userId: string;
    readonly organizationId: string;
    readonly suspended: boolean;
    readonly ended: boolean;
  }[];
  readonly grants: readonly {
    readonly id: string;
    readonly membershipId: string;
    readonly roleKey: string | null;
    readonly roleId: string | null;
    readonly subtree: boolean;
    readonly ended: boolean;
  }[];
  readonly events: readonly { readonly id: string; readonly organizationId: string | null }[];
}

type Ask = (text: string) => Promise<readonly Record<string, unknown>[]>;

/** Reads a tenant's rows one by one, as the owner of the tables, past every wall. */
export async function readFacts(ask: Ask, slug: string): Promise<Facts> {
  const [tenant] = await ask(`select id, schema_name from tenantry.tenants where slug = '${slug}'`);
  const rows = async (columns: string, table: string) =>
    (await ask(`select ${columns} from ${tenant!.schema_name}.${table} order by 1`)) as never;
  const ended = "coalesce(expires_at <= clock_timestamp(), false) as ended";
  const suspended = "status = 'SUSPENDED' as suspended";
  return {
    tenantId: tenant!.id as string,
    organizations: await rows(`id, parent_id as "parentId", slug, name, ${suspended}`, "organizations"),
    users: await rows(`id, email, ${suspended}`, "users"),
    roles: await rows(`id, organization_id as "organizationId", permissions`, "roles"),
    memberships: await rows(
      `id, user_id as "userId", organization_id as "organizationId", ${suspended}, ${ended}`,
      "memberships",
    ),
    grants: await rows(
      `id, membership_id as "membershipId", role_key as "roleKey", role_id as "roleId", reach = 'SUBTREE' as subtree, ${ended}`,
      "grants",
    ),
    events: await rows(`id, organization_id as "organizationId"`, "audit_events"),
  };
}

const READ = ["organizations:read"];
const MEMBER = [...READ, "members:read"];
const ADMIN = [
  ...MEMBER,
  "members:invite",
  "members:manage",
  "organizations:update",
  "organizations:create",
  "organizations:move",
  "roles:manage",
  "apiKeys:manage",
  "domains:manage",
  "audit:read",
];
const OWNER = [...ADMIN, "organizations:delete", "organizations:suspend", "support:manage"];

interface ProductFile {
  readonly permissions: readonly { readonly key: string }[];
  readonly roles: readonly { readonly key: string; readonly permissions: readonly string[] }[];
}
const product = JSON.parse(
  readFileSync(new URL("../../tenantry.product.json", import.meta.url), "utf8"),
) as ProductFile;

/** Every permission there is: the table of the design, and what the product adds. */
export const PERMISSIONS: readonly string[] = [...OWNER, ...product.permissions.map(({ key }) => key)];

/** What the roles hold that no tenant defines. */
export const FIXED_ROLES: Readonly<Record<string, readonly string[]>> = {
  owner: PERMISSIONS,
  admin: ADMIN,
  member: MEMBER,
  guest: READ,
  ...Object.fromEntries(product.roles.map(({ key, permissions }) => [key, permissions])),
};
