import { LRUCache } from "lru-cache";
import type { Result } from "../../database/lease.js";
import type { Leases } from "../../database/leases.js";
import type { Signal } from "../../database/signal.js";
import { isUuid, type TenantId } from "../../ids.js";

export const SCHEMA_NAME = /^t_[0-9a-f]{32}$/;

/** Where a tenant's rows are: a schema, in a database that the settings name. */
export interface Home {
  readonly database: string;
  readonly schemaName: string;
}

/**
 * The directory's record of one tenant: the only thing that opens a tenant session. It is made from the directory's own
 * answer and from nothing else, so no word of a request can become a schema or a tenant id.
 */
export class TenantRecord {
  readonly #ofDirectory = true;

  constructor(
    readonly id: TenantId,
    readonly slug: string,
    readonly home: Home,
    readonly epoch: number,
    readonly createdAt: Date,
  ) {
    if (!isUuid(id) || !SCHEMA_NAME.test(home.schemaName) || !home.database || !Number.isInteger(epoch)) {
      throw new Error("The directory's record of a tenant is not in order.");
    }
    this.home = Object.freeze({ ...home });
    Object.freeze(this);
  }

  /** Whether this is a record that was made here, and not something of the same shape. */
  static is(value: unknown): value is TenantRecord {
    return typeof value === "object" && value !== null && #ofDirectory in value;
  }
}

/** More than a person can choose from; who is in more names the tenant. */
const MOST_TENANTS = 100;

const REMEMBERED_MS = 60_000;

/** What makes a record, of tenants as `t`. */
export const COLUMNS = "t.id, t.slug, t.database, t.schema_name, t.epoch, t.created_at";
// One statement whether the tenant is unknown, suspended, or the identity is not in it: they must not differ in time either.
const BY_SLUG = `select ${COLUMNS} from tenantry.tenants t join tenantry.identities i on i.tenant_id = t.id
  where i.digest = $1 and t.slug = $2 and t.status = 'ACTIVE'`;
// Before the limit: what is left out after it may be all that was asked for.
const AMONG = "($2::text is null or t.slug = any (string_to_array($2, ',')))";
const OF_IDENTITY = `select ${COLUMNS} from tenantry.tenants t join tenantry.identities i on i.tenant_id = t.id
  where i.digest = $1 and t.status = 'ACTIVE' and ${AMONG} order by t.slug collate "C" limit ${MOST_TENANTS}`;

const ALL = `select ${COLUMNS} from tenantry.tenants t where t.status = 'ACTIVE' order by t.slug collate "C" limit ${MOST_TENANTS}`;
const BY_ID = `select ${COLUMNS} from tenantry.tenants t where t.id = $1 and t.status = 'ACTIVE'`;
const OF_DOMAIN = `select ${COLUMNS} from tenantry.tenants t join tenantry.join_domains d on d.tenant_id = t.id
  where d.digest = $1 and t.status = 'ACTIVE' and ${AMONG} order by t.slug collate "C" limit ${MOST_TENANTS}`;
const ANNOUNCE_DOMAIN = `insert into tenantry.join_domains (digest, tenant_id)
  select $1, t.id from tenantry.tenants t where t.id = $2 on conflict do nothing`;
const ADMIT = `insert into tenantry.identities (digest, tenant_id)
  select $1, t.id from tenantry.tenants t where t.id = $2 and t.status = 'ACTIVE' on conflict do nothing`;

/** Finds where tenants live, through the door's login. What it says is a hint: the home decides. */
export class Directory {
  // Only what was found is kept: the home notices a record that is out of date, but nobody would notice a new tenant.
  readonly #found = new LRUCache<string, TenantRecord>({ max: 10_000, ttl: REMEMBERED_MS });

  constructor(private readonly leases: Leases) {}

  /**
   * The tenant of this slug that the identity may knock at; null when there is none, for whatever reason.
   * @param again whether the home has refused what is remembered
   */
  async find(slug: string, digest: Buffer, again = false, signal?: Signal): Promise<TenantRecord | null> {
    const key = `${digest.toString("base64")} ${slug}`;
    const known = again ? undefined : this.#found.get(key);
    if (known) return known;
    const [record] = await this.#ask(BY_SLUG, [digest, slug], signal);
    if (record) this.#found.set(key, record);
    else this.#found.delete(key);
    return record ?? null;
  }

  /**
   * The tenants that the identity may knock at, by slug; `[]` where there are none, a hundred at most.
   * @param slugs of those alone; null for all
   */
  tenantsOf(digest: Buffer, slugs: readonly string[] | null, signal?: Signal): Promise<TenantRecord[]> {
    return this.#ask(OF_IDENTITY, [digest, slugs?.join() ?? null], signal);
  }

  /** The tenant of an id that was authenticated, for somebody who is not in it; null when there is none. */
  async findById(id: TenantId, signal?: Signal): Promise<TenantRecord | null> {
    return (await this.#ask(BY_ID, [id], signal))[0] ?? null;
  }

  /** Tenants in use, by slug, a hundred at most: for development, where nobody has more. */
  all(): Promise<TenantRecord[]> {
    return this.#ask(ALL, []);
  }

  /** The same of tenants in which a domain of this digest may be proven. */
  tenantsOfDomain(digest: Buffer, slugs: readonly string[] | null, signal?: Signal): Promise<TenantRecord[]> {
    return this.#ask(OF_DOMAIN, [digest, slugs?.join() ?? null], signal);
  }

  /** Says that a domain of this digest is proven in a tenant. */
  async announceDomain(digest: Buffer, id: TenantId): Promise<void> {
    await this.#run(ANNOUNCE_DOMAIN, [digest, id]);
  }

  /** Lets an identity knock at a tenant from now on; nothing happens where it may already, or there is no such tenant. */
  async admit(digest: Buffer, id: TenantId): Promise<void> {
    await this.#run(ADMIT, [digest, id]);
  }

  async #ask(text: string, params: unknown[], signal?: Signal): Promise<TenantRecord[]> {
    return (await this.#run(text, params, signal)).map(toRecord);
  }

  async #run(text: string, params: unknown[], signal?: Signal): Promise<Result> {
    const lease = await this.leases.acquire("", signal);
    try {
      return await lease.run(text, params);
    } finally {
      lease.release();
    }
  }
}

/** The record in a row with the columns that name a tenant and its home. */
export function toRecord(row: Record<string, unknown>): TenantRecord {
  const { id, slug, database, schema_name, epoch, created_at } = row as Record<string, string>;
  const home = { database: database!, schemaName: schema_name! };
  return new TenantRecord(id as TenantId, slug!, home, Number(epoch), new Date(created_at!));
}
