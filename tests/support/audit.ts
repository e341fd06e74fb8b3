import type { TestDatabase } from "./database.js";
import type { Planted } from "./world.js";

/** What the audit of a tenant keeps of an action, first to happen first; of one target, if it is named by its uuid. */
export async function auditOf(
  database: TestDatabase,
  { tenantId }: Planted,
  action: string,
  targetId?: string,
): Promise<readonly Record<string, unknown>[]> {
  const [home] = await database.owner("select schema_name from tenantry.tenants where id = $1", [tenantId]);
  return database.owner(
    `select actor_id, organization_id, target_type, target_id, changes from ${home!.schema_name}.audit_events
     where action = $1 and ($2::uuid is null or target_id = $2) order by id`,
    [action, targetId ?? null],
  );
}
