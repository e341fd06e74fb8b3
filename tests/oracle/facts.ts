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
    readonly archived: boolean;
  }[];
  /** Every slug that an organization has or had. */
  readonly slugs: readonly { readonly slug: string; readonly organizationId: string }[];
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
  readonly invitations: readonly { readonly id: string; readonly organizationId: string; readonly ended: boolean }[];
  readonly offers: readonly {
    readonly id: string;
    readonly invitationId: string;
    readonly roleKey: string | null;
    readonly roleId: string | null;
  }[];
  readonly joinRequests: readonly { readonly id: string; readonly organizationId: string }[];
  readonly domains: readonly { readonly id: string; readonly organizationId: string }[];
  readonly joinPolicies: readonly { readonly id: string }[];
  readonly events: readonly {
    readonly id: string;
    readonly organizationId: string;
    /** Where that stood when it was written, from the root down. */
    readonly path: readonly string[];
    /** What it says of a person, as long as that is not erased. */
    readonly apart: unknown;
    /** From where it was asked for, as long as that is not erased. */
    readonly address: string | null;
  }[];
  readonly ownershipOffers: readonly {
    readonly id: string;
    readonly fromUserId: string;
    readonly userId: string;
    readonly ended: boolean;
  }[];
}

/** A row of the tables as PostgreSQL writes it, for what no decision depends on: names, instants, texts. */
export type Row = Readonly<Record<string, unknown>>;

type WithRows<T> = T extends readonly (infer One)[] ? readonly (One & { readonly row: Row })[] : T;

/** The same with everything that stands in the rows. */
export type WholeFacts = { readonly [K in keyof Facts]: WithRows<Facts[K]> } & {
  readonly tenant: { readonly slug: string; readonly createdAt: string };
};

type Ask = (text: string) => Promise<readonly Record<string, unknown>[]>;

const ENDED = "coalesce(expires_at <= clock_timestamp(), false) as ended";
const SUSPENDED = "status = 'SUSPENDED' as suspended";

const COLUMNS = {
  organizations: `id, parent_id as "parentId", slug, name, ${SUSPENDED}, status = 'ARCHIVED' as archived`,
  slugs: `slug, organization_id as "organizationId"`,
  users: `id, email, ${SUSPENDED}`,
  roles: `id, organization_id as "organizationId", permissions`,
  memberships: `id, user_id as "userId", organization_id as "organizationId", ${SUSPENDED}, ${ENDED}`,
  grants: `id, membership_id as "membershipId", role_key as "roleKey", role_id as "roleId", reach = 'SUBTREE' as subtree, ${ENDED}`,
  invitations: `id, organization_id as "organizationId", ${ENDED}`,
  offered_grants: `id, invitation_id as "invitationId", role_key as "roleKey", role_id as "roleId"`,
  join_requests: `id, organization_id as "organizationId"`,
  organization_domains: `id, organization_id as "organizationId"`,
  join_policies: "organization_id as id",
  audit_events: `id, organization_id as "organizationId", path,
    (select value::jsonb from audit_values v where v.commitment = t.commitment) as apart,
    (select value::jsonb ->> 'address' from audit_values v where v.commitment = t.origin) as address`,
  ownership_offers: `id, from_user_id as "fromUserId", user_id as "userId", ${ENDED}`,
};

/** Reads all rows of a tenant, which the directory calls by this slug; `ask` asks in its home. */
export async function readFacts(ask: Ask, slug: string): Promise<WholeFacts> {
  const rowsOf = ([table, columns]: [string, string]) =>
    `'${table}', (select coalesce(json_agg(r), '[]') from (select ${columns}, to_jsonb(t) as row from ${table} t order by 1) r)`;
  const [all] = await ask(
    `select json_build_object(${Object.entries(COLUMNS).map(rowsOf).join(", ")}) as rows,
       (select tenant_id from tenant) as "tenantId", (select created_at from tenant) as "createdAt"`,
  );
  const {
    audit_events: events,
    ownership_offers: ownershipOffers,
    offered_grants: offers,
    join_requests: joinRequests,
    organization_domains: domains,
    join_policies: joinPolicies,
    ...rows
  } = all!.rows as WholeFacts & Record<Exclude<keyof typeof COLUMNS, keyof Facts>, never>;
  const createdAt = new Date(all!.createdAt as string).toISOString();
  return {
    ...rows,
    ownershipOffers,
    offers,
    joinRequests,
    domains,
    joinPolicies,
    events,
    tenantId: all!.tenantId as string,
    tenant: { slug, createdAt },
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

/** Everything that the audit can say was done, as its page lists it. */
export const ACTIONS: readonly string[] = readFileSync(new URL("../../docs/audit.md", import.meta.url), "utf8")
  .split("\n")
  .flatMap((line) => (/^\| `\w+\.\w+`/.test(line) ? line.split("|")[1]!.split(",") : []))
  .map((name) => name.trim().slice(1, -1));

/** What the roles hold that no tenant defines. */
export const FIXED_ROLES: Readonly<Record<string, readonly string[]>> = {
  owner: PERMISSIONS,
  admin: ADMIN,
  member: MEMBER,
  guest: READ,
  ...Object.fromEntries(product.roles.map(({ key, permissions }) => [key, permissions])),
};
