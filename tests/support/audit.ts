import type { TestDatabase } from "./database.js";
import { homeOf } from "./home.js";
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
