import { withOwner } from "../../src/database/owner.js";
import type { TestGateway } from "./gateway.js";

export type Sql = (text: string, params?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;

/** A statement of the owner's in the home of a tenant, past every wall: what no mutation does. */
export function homeOf({ database }: TestGateway, tenant: string): Sql {
  return (text, params = []) =>
    withOwner(database.url("tenantry_owner"), async (owner) => {
      const [record] = await owner.run("select schema_name from tenantry.tenants where slug = $1", [tenant]);
      await owner.run("select set_config('search_path', $1, false)", [record!.schema_name]);
      return [...(await owner.run(text, params))];
    });
}
