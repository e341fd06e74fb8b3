import { randomBytes } from "node:crypto";
import { drizzle } from "drizzle-orm/postgres-js";
import type { Lease } from "../database/connection.js";
import type { TenantId } from "../ids.js";
import { identities, tenants } from "./directory/table.js";
import { home } from "./home.js";
import type { Names } from "./migrations/files.js";
import { createHome, inTransaction } from "./migrations/migrate.js";
import type { TenantDb } from "./session.js";

export interface NewTenant {
  readonly id: TenantId;
  readonly slug: string;
  readonly createdAt: Date;
  /** Digests of the identities that may knock at it. */
  readonly identities: readonly Buffer[];
}

/**
 * Makes a tenant whole or not at all: the directory's record, its home, and what `fill` writes into it, in one transaction.
 * `fill` has the home's tables before it as a session would; row security does not confine it, for it runs as their owner.
 */
export async function createTenant(
  owner: Lease,
  tenant: NewTenant,
  names: Names,
  fill: (db: TenantDb) => Promise<void>,
): Promise<void> {
  const schemaName = `t_${randomBytes(16).toString("hex")}`;
  const epoch = 1;
  const db: TenantDb = drizzle({ client: owner.asClient() as never });
  await inTransaction(owner, async () => {
    const { id, slug, createdAt } = tenant;
    await db.insert(tenants).values({ id, slug, schemaName, epoch, createdAt });
    if (tenant.identities.length > 0) {
      await db.insert(identities).values(tenant.identities.map((digest) => ({ digest, tenantId: id })));
    }
    await createHome(owner, schemaName, names);
    await db.insert(home).values({ tenantId: id, epoch, status: "ACTIVE", createdAt });
    await fill(db);
  });
}
