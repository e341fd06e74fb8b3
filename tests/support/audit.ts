import { SealKey } from "../../src/features/audit/chain.js";
import { type Sealing, sealTenant } from "../../src/features/audit/seal.js";
import { type Verified, verifyAudit } from "../../src/features/audit/verify.js";
import { loadKey } from "../../src/identity/key.js";
import type { TenantId } from "../../src/ids.js";
import type { Witness } from "../../src/tenancy/directory/witness.js";
import { FOLDER, type TestDatabase } from "./database.js";
import type { TestGateway } from "./gateway.js";
import { homeOf, type Sql } from "./home.js";
import { recordOf } from "./sessions.js";
import type { Planted } from "./world.js";

/** What the audit of a tenant keeps of an action, first to happen first; of one target, if it is named by its uuid. */
export const auditOf = (
  database: TestDatabase,
  { slug }: Planted,
  action: string,
  targetId?: string,
): Promise<readonly Record<string, unknown>[]> =>
  homeOf({ database }, slug)(
    `select actor_id, organization_id, target_type, target_id, coalesce(value::jsonb, changes) as changes
     from audit_events left join audit_values using (tenant_id, commitment)
     where action = $1 and ($2::uuid is null or target_id = $2) order by id`,
    [action, targetId ?? null],
  );

/** Seals what a tenant's audit holds; throws when its home is not open. */
export async function sealNow(
  { serve, database }: Pick<TestGateway, "serve" | "database">,
  slug: string,
): Promise<Sealing> {
  const sealing = await sealTenant(serve, await recordOf(database, slug), await loadKey({ dataDir: FOLDER }));
  if (!sealing) throw new Error(`The home of ${slug} is not open.`);
  return sealing;
}

/** Goes through a tenant's audit on the connection of `inHome`. */
export async function verifyIn(
  sql: Sql,
  tenantId: TenantId,
  witnesses: readonly Witness[] = [],
  key?: Buffer,
): Promise<Verified> {
  const sealKey = new SealKey(key ?? (await loadKey({ dataDir: FOLDER })), tenantId);
  return verifyAudit(sql as never, tenantId, sealKey, witnesses);
}
