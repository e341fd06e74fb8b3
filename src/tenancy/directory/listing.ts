import type { Leases } from "../../database/leases.js";
import { once } from "../../database/once.js";
import type { TenantId } from "../../ids.js";
import type { Isolation } from "./table.js";

export const TENANT_STATUSES = ["CREATING", "ACTIVE", "SUSPENDED", "ERASING"] as const;
export type TenantStatus = (typeof TENANT_STATUSES)[number];

/** A tenant as the directory has it, for those who handle tenants. */
export interface ListedTenant {
  readonly id: TenantId;
  readonly slug: string;
  readonly status: TenantStatus;
  readonly isolation: Isolation;
  readonly database: string;
  readonly createdAt: Date;
}

export interface TenantFilter {
  /** What the slug begins with. */
  readonly search?: string | undefined;
  readonly statuses?: readonly TenantStatus[] | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

const LIST = `select id, slug, status, isolation, database, created_at from tenantry.tenants
  where ($1::text is null or starts_with(slug, $1)) and ($2::text is null or status = any (string_to_array($2, ',')))
    and ($3::text is null or slug collate "C" > $3)
  order by slug collate "C" limit $4`;
const FIND = "select id, slug, status, isolation, database, created_at from tenantry.tenants where slug = $1";

/** All tenants, through the login that reads the directory. Never for a tenant's own people. */
export class TenantListing {
  constructor(private readonly door: Leases) {}

  /** By slug. */
  async list({ search, statuses, after, limit }: TenantFilter): Promise<ListedTenant[]> {
    return this.#query(LIST, [search ?? null, statuses?.join() ?? null, after ?? null, limit]);
  }

  async find(slug: string): Promise<ListedTenant | null> {
    return (await this.#query(FIND, [slug]))[0] ?? null;
  }

  async #query(text: string, params: readonly unknown[]): Promise<ListedTenant[]> {
    return (await once(this.door, text, params)).map((row) => ({
      id: row.id as TenantId,
      slug: String(row.slug),
      status: row.status as TenantStatus,
      isolation: row.isolation as Isolation,
      database: String(row.database),
      createdAt: new Date(row.created_at as string),
    }));
  }
}
